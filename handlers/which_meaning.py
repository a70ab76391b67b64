"""Asks which of two things a message is about, and takes the answer."""

import re
from datetime import timedelta

import msgspec

from bot.domain.actions import Action, Ask
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.products import Shelf
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers.normalise import normalise
from handlers.replies import answer

GENERAL = "product_question"  # which any fact of an item may answer
SIZE = "size_fit"
OF_AN_ITEM = frozenset({"material_care", SIZE, "stock", "price"})
LAPSES = timedelta(minutes=30)

_FIRST = re.compile(r"^\W*(?:the )?(?:1|1st|first|former|one|一|第一个?|前者|前面那?个?)\W*(?:one)?\W*$")
_SECOND = re.compile(r"^\W*(?:the )?(?:2|2nd|second|latter|two|二|第二个?|后者|后面那?个?)\W*(?:one)?\W*$")


def settled(meanings: tuple[Meaning, ...], shelf: Shelf) -> Meaning | None:
    """The one to answer where the two are of one matter, so that the same facts answer both, or where the
    other is the size of things that have none; None if not."""
    sizeless = bool(shelf.products) and not any(each.sizes for each in shelf.products)
    if sizeless and {meanings[0].intent, meanings[1].intent} > {SIZE}:
        return next(each for each in meanings[:2] if each.intent != SIZE)
    told = [each for each in meanings if each.intent != GENERAL]
    if len(told) == 1 and told[0].intent in OF_AN_ITEM:
        return told[0]
    return None


def ask(meanings: tuple[Meaning, ...], event: MessageReceived) -> list[Action]:
    first, second = meanings[0].intent, meanings[1].intent
    said = msgspec.structs.replace(answer("which_meaning", event), values={"first": first, "second": second})
    about: dict[str, str | int | None] = {
        "first": first, "second": second, "awaited": f"{first} {second}", "text": event.text[:500]
    }  # fmt: skip
    return [said, Ask(question="which_meaning", lapses=LAPSES, about=about)]


def chosen(asked: Asked, meaning: Meaning, event: MessageReceived) -> str | None:
    """The intent that these words choose; None if neither."""
    first, second = str(asked.about["first"]), str(asked.about["second"])
    plain = normalise(event.text)
    if _FIRST.match(plain):
        return first
    if _SECOND.match(plain):
        return second
    return meaning.intent if meaning.intent in (first, second) else None


POLICIES: MessagePolicies = {
    "which_meaning": policy.answer(
        variables=("first", "second"),
        samples=(
            {"first": "where_is_order", "second": "when_ship"},
            {"first": "birthday", "second": "price"},
        ),
    )
}
