"""Cases: what waits for the seller, kept once, and mailed to her where she left an address."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from xiaoer.bot.actions import OpenCase
from xiaoer.bot.context import Buyer, Case
from xiaoer.bot.errors import TemplateError
from xiaoer.bot.orders import Order
from xiaoer.bot.quoting import called
from xiaoer.bot.router import Due, Facts
from xiaoer.bot.seller_words import SellerWords
from xiaoer.bot.shop import Shop
from xiaoer.bot.texts import Texts
from xiaoer.bot.variables import variables
from xiaoer.storage import outbox, records

SELLER = "seller"  # whom the mails about cases go to, in place of a buyer
NOTICE = "seller_case"
TOLD = {"template_broken", "gave_up", "refused", "no_way"}  # reasons that the seller should hear of


def open_case(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    texts: Texts,
    opened: OpenCase,
    buyer: Buyer | None,
    order: Order | None,
    now: datetime,
    chat: str | None = None,
) -> Case | None:
    """The new case; None if this key was opened before. `chat`: where the buyer waits for an answer."""
    draft = _draft(shop, texts, opened, buyer, order, now)
    opened = msgspec.structs.replace(opened, draft=draft)
    case = records.open_case(connection, shop_id, opened, buyer.id if buyer else None, now)
    if case and shop.seller.email:
        who = called(buyer.name, chat, buyer.email, buyer.phone) if buyer else chat
        _tell(connection, shop_id, shop, texts, case, opened, who, now)
    return case


def close_case(connection: Connection, shop_id: str, key: str, now: datetime) -> None:
    """Nobody needs to be told any more."""
    records.close_cases(connection, shop_id, {key}, now)
    outbox.drop(connection, shop_id, notice_key(key), now)


def notice_key(case: str) -> str:
    return f"{NOTICE}:{case}"


def tell_of_unsaid(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    texts: Texts,
    rows: Iterable[Row[Any]],
    settled: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """A case for every message that fell through where the seller can do something about it.

    `rows`: of the outbox; `settled`: what became of some of them, with `id` and `reason` as stored.
    """
    reasons = {each["id"]: msgspec.json.decode(each["reason"]) for each in settled}
    for row in rows:
        reason = reasons.get(row.id)
        if reason is None or reason["code"] not in TOLD or row.category == "promotion" or row.buyer == SELLER:
            continue
        buyer = records.buyers_by_id(connection, shop_id, {row.buyer}).get(row.buyer)
        open_case(connection, shop_id, shop, texts, _unsaid(row, reason), buyer, None, now)


def _unsaid(row: Row[Any], reason: Mapping[str, Any]) -> OpenCase:
    order = row.order_id
    if row.template == "second_contact":
        key = f"no_answer:{order}"
        return OpenCase(kind="no_answer", key=key, reason="no_answer", details={"order": order}, order=order)
    # No way to her is one matter for all messages of an order; any other trouble is a message's own.
    lost = reason["code"] == "no_way" and order
    kind, about = ("unreachable", order) if lost else ("undeliverable", row.key)
    details = {"template": row.template, "why": reason.get("values", {}).get("why")}
    return OpenCase(kind=kind, key=f"{kind}:{about}", reason="undeliverable", details=details, order=order)


def _draft(
    shop: Shop, texts: Texts, opened: OpenCase, buyer: Buyer | None, order: Order | None, now: datetime
) -> str | None:
    """A text prepared for the seller, in the buyer's language, from the template that the case names."""
    if opened.draft is None:
        return None
    buyer = buyer or Buyer(id="")
    due = Due(
        key=opened.key,
        template=opened.draft,
        category="service",
        due_at=now,
        created_at=now,
        lateness=timedelta(0),
        values=opened.details,
        order=opened.order,
    )
    facts = Facts(shop=shop, buyer=buyer, order=order)
    try:
        version = texts.pin(opened.draft, buyer.locale or shop.locale)
        return texts.render(version, variables(due, facts, now)).text
    except TemplateError:
        return None  # the case itself matters more than its draft


def _tell(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    texts: Texts,
    case: Case,
    opened: OpenCase,
    who: str | None,
    now: datetime,
) -> None:
    locale = shop.seller.locale or shop.locale
    words = SellerWords(locale, shop.zone())
    version = texts.pin(NOTICE, locale)
    outbox.keep_versions(connection, shop_id, [version])
    notice = outbox.Draft(
        key=notice_key(case.key),
        buyer=SELLER,
        order=case.order,
        template=NOTICE,
        version=version.id,
        category="answer",  # to nobody's quiet hours but the seller's own mail program
        rule="cases",
        due_at=now,
        lateness=timedelta(days=2),
        values={
            "case": case.number,
            "text": words.reason(case.reason, dict(opened.details)),
            "who": who,
            "claim": case.kind == "payment_claim" and case.order is not None,
            "draft": opened.draft,
        },
    )
    outbox.queue(connection, shop_id, [notice], now)
