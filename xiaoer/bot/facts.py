"""Facts: what is true now about the buyers and orders of a few due messages, read in a handful of queries."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from xiaoer.bot.arbiter import ways
from xiaoer.bot.cases import SELLER
from xiaoer.bot.context import Buyer, Conversation
from xiaoer.bot.orders import Order
from xiaoer.bot.router import Due, Facts, Way
from xiaoer.bot.shop import Shop
from xiaoer.storage import inbox, outbox, records

ORDERS_COUNTED = 1000  # of one buyer, when her tier is looked at again
DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Speaking:
    """Which channels of a shop can speak, and how. `doors` reach a buyer without a chat before."""

    def __init__(self, speaks: Collection[str], doors: Collection[str], mail: str | None) -> None:
        self.speaks = frozenset(speaks)
        self.doors = frozenset(doors)
        self.mail = mail


class Desk:
    """Where the facts for a message are laid out."""

    def __init__(
        self,
        speaking: Mapping[str, Speaking],
        stop_url: Callable[[str, str], str | None],
        chat_link: Callable[[str, str], str | None],
    ) -> None:
        self._speaking = speaking
        self.stop_url = stop_url  # (shop, buyer) -> one-click unsubscribe
        self._chat_link = chat_link  # (shop, order) -> opens a chat that knows the order

    def facts(
        self,
        connection: Connection,
        shop_id: str,
        shop: Shop,
        rows: Collection[Row[Any]],
        looking_back: Collection[str],
        now: datetime,
    ) -> dict[int, Facts]:
        """Facts by message id. A message is missing here while events about it wait to be handled.

        `looking_back`: the templates that need to know what was said before.
        """
        buyer_ids = {row.buyer for row in rows}
        orders = records.orders_by_id(connection, shop_id, {row.order_id for row in rows if row.order_id})
        buyers = records.buyers_by_id(connection, shop_id, buyer_ids)
        chats = records.conversations_of(connection, shop_id, buyer_ids)
        cases = records.open_cases_of(connection, shop_id, buyer_ids)
        sent = outbox.sent_counts(connection, shop_id, buyer_ids, now)
        doors = self._doors(connection, shop_id, buyer_ids)
        offered = {row.buyer for row in rows if row.category == "promotion"}
        whole = records.orders_of(connection, shop_id, offered, at_most=ORDERS_COUNTED)
        told = {row.order_id for row in rows if row.order_id and row.template in looking_back}
        said = records.said_about(connection, shop_id, told)
        unlike = outbox.channels_of_keys(connection, shop_id, {row.unlike for row in rows if row.unlike})
        threads = {row.id: _threads(row, chats.get(row.buyer, ()), doors.get(row.buyer, ())) for row in rows}
        busy = inbox.open_threads(
            connection, shop_id, {thread for those in threads.values() for thread in those}
        )
        found: dict[int, Facts] = {}
        for row in rows:
            if busy and busy & threads[row.id]:
                continue
            day, day_since, week, week_since = sent.get(row.buyer, (0, None, 0, None))
            found[row.id] = Facts(
                shop=shop,
                buyer=buyers.get(row.buyer) or Buyer(id=row.buyer),
                order=orders.get(row.order_id) if row.order_id else None,
                orders=whole.get(row.buyer, ()),
                conversations=chats.get(row.buyer, ()),
                cases=cases.get(row.buyer, ()),
                sent_in_day=day,
                sent_in_day_until=day_since and day_since + DAY,
                promotions_in_week=week,
                promotions_in_week_until=week_since and week_since + WEEK,
                ways=self._ways(shop_id, shop, row, buyers, chats, doors, unlike, now),
                said=said.get(row.order_id, ()),
            )
        return found

    def _ways(
        self,
        shop_id: str,
        shop: Shop,
        row: Row[Any],
        buyers: Mapping[str, Buyer],
        chats: Mapping[str, tuple[Conversation, ...]],
        doors: Mapping[str, tuple[Way, ...]],
        unlike: Mapping[str, str],
        now: datetime,
    ) -> tuple[Way, ...]:
        speaking = self._speaking[shop_id]
        if row.buyer == SELLER:
            return _to_seller(shop, speaking.mail)
        if row.to:
            channel, _, address = row.to.partition(":")
            open_chats = [c for c in chats.get(row.buyer, ()) if c.name == row.to and not c.blocked_at]
            if not open_chats or channel not in speaking.speaks:
                return ()
            return (Way(channel=channel, address=address, buyer_id=address),)
        buyer = buyers.get(row.buyer) or Buyer(id=row.buyer)
        theirs = chats.get(row.buyer, ())
        found = ways(buyer, theirs, doors.get(row.buyer, ()), speaking.mail, speaking.speaks, shop, now)
        taken = unlike.get(row.unlike) if row.unlike else None
        return tuple(way for way in found if way.channel != taken) if taken else found

    def _doors(
        self, connection: Connection, shop_id: str, buyers: Collection[str]
    ) -> dict[str, tuple[Way, ...]]:
        doors = self._speaking[shop_id].doors
        if not doors:
            return {}
        found: dict[str, tuple[Way, ...]] = {}
        for buyer, channel, value in records.addresses_of(connection, shop_id, buyers, doors):
            way = Way(channel=channel, address=value, buyer_id=value)
            found[buyer] = (*found.get(buyer, ()), way)
        return found

    def is_mail(self, shop_id: str, channel: str) -> bool:
        return self._speaking[shop_id].mail == channel

    def chat_url(self, shop_id: str, due: Due) -> str | None:
        """The signed link into the chat, made when it is needed: no record keeps it."""
        if due.template != "order_confirmation" or not due.order:
            return None
        return self._chat_link(shop_id, due.order)

    def kept(self, facts: Facts, now: datetime) -> dict[str, Any]:
        """The facts as they are stored beside the decision, with the limits of that moment."""
        order, buyer, limits, quiet = facts.order, facts.buyer, facts.shop.limits, facts.shop.quiet_hours
        zone = facts.shop.zone(buyer.timezone)
        return {
            "at": now,
            "local_time": now.astimezone(zone).strftime("%H:%M"),
            "timezone": zone.key,
            "order": _order_facts(order) if order else None,
            "stopped": buyer.stopped,
            "agrees": buyer.agrees,
            "open_cases": [case.number for case in facts.cases],
            "sent_in_day": facts.sent_in_day,
            "per_day": limits.per_day,
            "promotions_in_week": facts.promotions_in_week,
            "promotions_per_week": limits.promotions_per_week,
            "quiet_hours": [f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}"],
            "human_until": max(
                (chat.human_until for chat in facts.conversations if chat.human_until), default=None
            ),
            "takeover": int(facts.shop.takeover.total_seconds()),
            "ways": [way.channel for way in facts.ways],
        }


def _to_seller(shop: Shop, mail: str | None) -> tuple[Way, ...]:
    address = shop.seller.email
    return (Way(channel=mail, address=address, buyer_id=SELLER),) if mail and address else ()


def _order_facts(order: Order) -> dict[str, Any]:
    return {
        "number": order.shown_number,
        "state": order.state,
        "paid_at": order.paid_at,
        "cancelled_at": order.cancelled_at,
        "refunded_minor": order.refunded_minor,
        "delivered_at": order.delivered_at,
    }


def _threads(row: Row[Any], chats: tuple[Conversation, ...], doors: tuple[Way, ...]) -> set[str]:
    threads = {f"chat:{chat.channel}:{chat.address}" for chat in chats}
    threads |= {f"chat:{way.channel}:{way.address}" for way in doors}
    if row.order_id:
        threads.add(f"order:{row.order_id}")
    return threads
