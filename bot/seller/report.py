"""A written report of one case: what was asked, every word since, what we said, how it ended."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from bot.domain.orders import Order
from bot.domain.shop import Shop
from bot.domain.untrusted_text import quote
from bot.seller import summary
from bot.seller.words import SellerWords
from storage import order_records, read_models
from storage.asking import ask
from storage.read_models import CaseView, Message

BEFORE, AFTER = timedelta(days=1), timedelta(hours=1)  # around a case, for what we said
MESSAGES = 100
LINE_MAX = 1000  # characters of one line of a word or message
_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|"})


class Word(msgspec.Struct, frozen=True):
    """What was said, by whom (buyer, person, bot). picture: with a picture or file. Not yet cleaned."""

    at: datetime
    who: str
    text: str
    picture: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All about a case, in the seller's language. facts: names and values. Nothing of it is cleaned yet."""

    title: str
    facts: tuple[tuple[str, str], ...]
    asked: str
    orders: tuple[str, ...]
    talk: tuple[Word, ...]


def report_of(
    connection: Connection, shop_id: str, shop: Shop, number: int, words: SellerWords, now: datetime
) -> Report | None:
    """The report of a case as the database has it; None if there is no such case."""
    case = read_models.find_case(connection, shop_id, number)
    if case is None:
        return None
    orders, words = _orders(connection, shop_id, case), words.whole(LINE_MAX)
    since, until = case.opened_at - BEFORE, (case.closed_at or now) + AFTER
    said = read_models.said_to(connection, shop_id, case.buyer, since, until, MESSAGES) if case.buyer else []
    return Report(
        title=words.summary("report", {"case": case.number, "shop": shop.name}),
        facts=tuple(_facts(case, words, now)),
        asked=words.reason(case.reason.code, case.reason.values),
        orders=tuple(summary.of_orders(orders, shop, words)),
        talk=tuple(sorted(_talk(case, said), key=lambda word: word.at)),
    )


def _orders(connection: Connection, shop_id: str, case: CaseView) -> Sequence[Order]:
    """The order that a case is about, else the buyer's newest."""
    if case.order:
        return list(ask(connection, shop_id, order_records.by_id({case.order})).values())
    if case.buyer is None:
        return ()
    return ask(connection, shop_id, order_records.newest_of({case.buyer})).get(case.buyer, ())


def _facts(case: CaseView, words: SellerWords, now: datetime) -> Iterator[tuple[str, str]]:
    clock = {
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "waits_since": case.case.since if case.case.buyer_waits else None,
        "answered_at": case.answered_at,
        "closed_at": case.closed_at,
    }
    times = {name: words.moment(at) if at else None for name, at in clock.items()}
    rows = {
        "kind": words.case(case.kind),
        "cause": words.cause(case.cause) if case.cause else None,
        "who": case.who or case.chat,
        **times,
        "closed_at": times["closed_at"] or words.summary("still_open", {}),
        "reopened": str(case.reopened) if case.reopened else None,
        "outcome": case.outcome,
        "written_at": words.moment(now),
    }
    yield from ((words.summary(name, {}), value) for name, value in rows.items() if value)


def _talk(case: CaseView, said: Iterable[Message]) -> Iterator[Word]:
    """What was said in the case, and by us; a person's word that we passed on is theirs."""
    theirs = {word.text for word in case.words if word.who == "person"}
    for word in case.words:
        yield Word(word.at, word.who, word.text, word.kind == "other")
    for message in said:
        if message.template == "from_person" and message.values.get("word") in theirs:
            continue
        yield Word(message.settled_at or message.due_at, "bot", message.text or "")


def as_text(report: Report, words: SellerWords) -> str:
    """The report in Markdown, in which nothing that people wrote is markup."""
    parts = (
        ("asked", [_plain(report.asked)]),
        ("orders", [f"- {_plain(line)}" for line in report.orders]),
        ("talk", [f"- {_plain(_line(word, words))}" for word in report.talk]),
    )
    lines = [f"# {_plain(report.title)}", "", *(f"- {name}: {_plain(value)}" for name, value in report.facts)]
    for name, those in parts:
        lines += ["", f"## {words.summary(name, {})}", "", *those] if those else []
    return "\n".join(lines) + "\n"


def _line(word: Word, words: SellerWords) -> str:
    words = words.whole(LINE_MAX)
    values = {
        "said_at": word.at,
        "who": words.summary(word.who, {}),
        "text": word.text,
        "picture": word.picture or None,
    }
    return words.summary("word" if word.text else "wordless", values)


def _plain(text: str) -> str:
    """One line in which nothing is markup."""
    return (quote(text, LINE_MAX) or "").translate(_SPECIAL)
