"""A written report of one case, as a page: what was asked, every word since, what we said, how it ended."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

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
LINE_MAX = 1000  # characters of one word or message
_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|"})


def report_of(
    connection: Connection, shop_id: str, shop: Shop, number: int, words: SellerWords, now: datetime
) -> str | None:
    """The page about a case as the database has it; None if there is no such case."""
    case = read_models.find_case(connection, shop_id, number)
    if case is None:
        return None
    orders = _orders(connection, shop_id, case)
    since, until = case.opened_at - BEFORE, (case.closed_at or now) + AFTER
    said = read_models.said_to(connection, shop_id, case.buyer, since, until, MESSAGES) if case.buyer else []
    return page(case, orders, said, shop, words)


def _orders(connection: Connection, shop_id: str, case: CaseView) -> Sequence[Order]:
    """The order that a case is about, else the buyer's newest."""
    if case.order:
        return list(ask(connection, shop_id, order_records.by_id({case.order})).values())
    if case.buyer is None:
        return ()
    return ask(connection, shop_id, order_records.newest_of({case.buyer})).get(case.buyer, ())


def page(
    case: CaseView, orders: Sequence[Order], said: Iterable[Message], shop: Shop, words: SellerWords
) -> str:
    """The page in Markdown, in the seller's language. said: our messages to the buyer in that time."""
    rows = [
        ("kind", words.case(case.kind)),
        ("cause", words.cause(case.cause) if case.cause else None),
        ("who", case.who or case.chat),
        ("opened_at", words.moment(case.opened_at)),
        ("due_at", words.moment(case.due_at) if case.due_at else None),
        ("answered_at", words.moment(case.answered_at) if case.answered_at else None),
        ("closed_at", words.moment(case.closed_at) if case.closed_at else words.summary("still_open", {})),
        ("outcome", case.outcome),
    ]
    facts = [f"- {words.summary(name, {})}: {_plain(value)}" for name, value in rows if value]
    asked = _plain(words.reason(case.reason.code, case.reason.values))
    standing = [f"- {_plain(line)}" for line in summary.of_orders(orders, shop, words)]
    talk = [f"- {_plain(line)}" for _, line in sorted(_talk(case, said, words))]
    parts = [("asked", [asked]), ("orders", standing), ("talk", talk)]
    lines = [f"# {words.summary('report', {'case': case.number, 'shop': shop.name})}", "", *facts]
    for name, those in parts:
        lines += ["", f"## {words.summary(name, {})}", "", *those] if those else []
    return "\n".join(lines) + "\n"


def _talk(case: CaseView, said: Iterable[Message], words: SellerWords) -> Iterable[tuple[datetime, str]]:
    whole = case.words
    yield from ((word.at, line) for word, line in zip(whole, summary.lines(whole, words), strict=True))
    for message in said:
        at = message.settled_at or message.due_at
        values = {"said_at": at, "who": words.summary("bot", {}), "text": message.text, "picture": None}
        yield at, words.summary("word", values)


def _plain(text: str) -> str:
    """One line in which nothing is markup."""
    return (quote(text, LINE_MAX) or "").translate(_SPECIAL)
