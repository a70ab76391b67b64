"""What the seller writes in their own chat or system: words for a buyer, and commands."""

import re
from typing import Literal

import msgspec

# The address of the seller's own system. No id that is told to us begins with a blank, so no buyer has it.
SELLERS_SYSTEM = " seller"

# The templates of what a person decided or wrote, which go out while a person talks.
PERSONS = frozenset({"from_person", "complaint_settled"})

What = Literal["word", "show", "done", "refund", "silent", "speak", "say", "replies", "help"]

_COMMAND = re.compile(r"/([a-z_]{1,32})(?:@\w{1,64})?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_CASE = re.compile(r"#?(\d{1,9})(?:\s+(.*))?", re.DOTALL)
_REFUND = re.compile(r"(\d{1,12}(?:[.,]\d{1,3})?)(?:\s+(.*))?", re.DOTALL)


class DeskWord(msgspec.Struct, frozen=True):
    """case: its number, where the words name it; else it is the case whose notice they answer.

    text: the words, or the name of a reply that was written down before.
    """

    what: What
    case: int | None = None
    text: str = ""
    amount: str = ""


HELP = DeskWord("help")


def read_word(text: str) -> DeskWord:
    """Read "/case 12 done", "/case 12 refund 15.00", "/case 12 some words", "/bot off 12", "/say wrap 12", or
    plain words."""
    command = _COMMAND.fullmatch(text.strip())
    if command is None:
        return DeskWord("word", text=text.strip()) if text.strip() else HELP
    name, rest = command[1].casefold(), (command[2] or "").strip()
    if name == "bot":
        return _switch(rest)
    if name == "say":
        return _reply(rest)
    named = _CASE.fullmatch(rest) if name == "case" else None
    return _of_case(int(named[1]), (named[2] or "").strip()) if named else HELP


def _of_case(case: int, words: str) -> DeskWord:
    verb, _, rest = words.partition(" ")
    match verb.casefold():
        case "":
            return DeskWord("show", case)
        case "done":
            return DeskWord("done", case, rest.strip())
        case "refund":
            found = _REFUND.fullmatch(rest.strip())
            return DeskWord("refund", case, (found[2] or "").strip(), found[1]) if found else HELP
    return DeskWord("word", case, words)


def _switch(rest: str) -> DeskWord:
    wish, _, number = rest.partition(" ")
    named = _CASE.fullmatch(number.strip()) if number.strip() else None
    case = int(named[1]) if named else None
    match wish.casefold():
        case "off":
            return DeskWord("silent", case)
        case "on":
            return DeskWord("speak", case)
    return HELP


def _reply(rest: str) -> DeskWord:
    name, _, number = rest.partition(" ")
    if not name:
        return DeskWord("replies")
    if not number.strip():
        return DeskWord("say", text=name)
    named = _CASE.fullmatch(number.strip())
    return DeskWord("say", int(named[1]), name) if named and not named[2] else HELP
