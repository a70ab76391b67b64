"""Read the current facts about the buyers and orders of due messages, in a handful of queries."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from bot.deliver.addresses import AddressBook, Contact
from bot.domain.context import Buyer
from bot.domain.events import STOPS
from bot.domain.messages import DueMessage, Facts
from bot.domain.orders import Order
from storage import buyer_records, case_records, conversation_records, history, inbox, order_records

ORDERS_COUNTED = 1000  # of one buyer, when their tier is checked again

Identities = tuple[tuple[str, str, bool], ...]  # (channel or kind, value, whether it is an id of theirs)


def read_facts(
    connection: Connection,
    shop_id: str,
    addresses: AddressBook,
    rows: Collection[Row[Any]],
    looking_back: Collection[str],
    now: datetime,
) -> dict[int, Facts]:
    """Read the facts of due messages, by message id, without messages about which events are open.

    looking_back: the templates that need earlier messages about the order.
    Open events are read first, so that the facts include what another program handles meanwhile.
    """
    buyer_ids = {row.buyer for row in rows}
    identities = buyer_records.addresses_of(connection, shop_id, buyer_ids)
    waiting = _waiting(connection, shop_id, rows, identities)
    orders = order_records.by_id(connection, shop_id, {row.order_id for row in rows if row.order_id})
    buyers = buyer_records.by_id(connection, shop_id, buyer_ids)
    chats = conversation_records.by_buyer(connection, shop_id, buyer_ids)
    limited = {row.buyer for row in rows if row.category != "answer"}  # answers have no cap
    cases = case_records.open_of(connection, shop_id, limited)
    heard = history.heard_of_us(connection, shop_id, limited, {row.id for row in rows}, now)
    offered = {row.buyer for row in rows if row.category == "promotion"}
    whole = order_records.newest_of(connection, shop_id, offered, at_most=ORDERS_COUNTED)
    about = {row.order_id for row in rows if row.order_id and row.template in looking_back}
    said = history.said_about(connection, shop_id, about)
    tried = history.channels_of_keys(connection, shop_id, {row.unlike for row in rows if row.unlike})
    contacts = {
        id: Contact(
            buyer=buyers.get(id) or Buyer(id=id),
            chats=chats.get(id, ()),
            ids=tuple((kind, value) for kind, value, is_id in identities.get(id, ()) if is_id),
        )
        for id in buyer_ids
    }
    found: dict[int, Facts] = {}
    for row in rows:
        if row.id in waiting:
            continue
        contact, sent = contacts[row.buyer], heard.get(row.buyer, history.NOTHING_HEARD)
        order = orders.get(row.order_id) if row.order_id else None
        before = tried.get(row.unlike) if row.unlike else None
        found[row.id] = Facts(
            shop=addresses.shop,
            buyer=contact.buyer,
            order=order,
            orders=whole.get(row.buyer, ()),
            conversations=contact.chats,
            cases=cases.get(row.buyer, ()),
            sent_in_day=sent.in_day,
            sent_in_day_until=sent.in_day_until,
            promotions_in_week=sent.offers,
            promotions_in_week_until=sent.offers_until,
            addresses=addresses.addresses(row, contact, order, before, now),
            said=said.get(row.order_id, ()),
        )
    return found


def snapshot(due: DueMessage, facts: Facts, now: datetime) -> dict[str, Any]:
    """The facts as they are stored beside the decision, with the limits then in force."""
    order, buyer = facts.order, facts.buyer
    local = now.astimezone(facts.shop.zone(buyer.timezone))
    human_until = [chat.human_until for chat in facts.conversations if chat.human_until]
    known = {
        "at": now,
        "local_time": f"{local.hour:02}:{local.minute:02}",
        "timezone": str(local.tzinfo),
        "order": _order_facts(order) if order else None,
        "stopped": buyer.stopped,
        "human_until": max(human_until, default=None),
        "takeover": int(facts.shop.takeover.total_seconds()),
        "ways": [address.channel for address in facts.addresses],
    }
    return known if due.category == "answer" else known | _limits(facts)


def _limits(facts: Facts) -> dict[str, Any]:
    limits, quiet = facts.shop.limits, facts.shop.quiet_hours
    return {
        "agrees": facts.buyer.agrees,
        "open_cases": [case.number for case in facts.cases],
        "sent_in_day": facts.sent_in_day,
        "per_day": limits.per_day,
        "promotions_in_week": facts.promotions_in_week,
        "promotions_per_week": limits.promotions_per_week,
        "quiet_hours": [f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}"],
    }


def _order_facts(order: Order) -> dict[str, Any]:
    return {
        "number": order.shown_number,
        "state": order.state,
        "paid_at": order.paid_at,
        "cancelled_at": order.cancelled_at,
        "refunded_minor": order.refunded_minor,
        "delivered_at": order.delivered_at,
    }


def _waiting(
    connection: Connection, shop_id: str, rows: Collection[Row[Any]], identities: Mapping[str, Identities]
) -> set[int]:
    """The ids of messages about whose order or buyer an event is open."""
    offered = {row.buyer for row in rows if row.category == "promotion"}
    orders = order_records.ids_of(connection, shop_id, offered)
    threads: dict[int, set[str]] = {}
    for row in rows:
        about = [row.order_id] if row.order_id else []
        about += orders.get(row.buyer, []) if row.category == "promotion" else []
        theirs = identities.get(row.buyer, ())
        chats = {f"chat:{channel}:{value}" for channel, value, _ in theirs}
        threads[row.id] = {STOPS, *chats, *(f"order:{order}" for order in about)}
    every = {thread for those in threads.values() for thread in those}
    busy = inbox.open_threads(connection, shop_id, every)
    return {id for id, those in threads.items() if busy & those} if busy else set()
