"""Facts: what is true now about the buyers and orders of a few due messages, read in a handful of queries."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from xiaoer.bot.arbiter import ways
from xiaoer.bot.cases import SELLER
from xiaoer.bot.context import Buyer, Conversation
from xiaoer.bot.events import STOPS
from xiaoer.bot.orders import Order
from xiaoer.bot.router import Due, Facts, Way
from xiaoer.bot.shop import Shop
from xiaoer.storage import history, inbox, records

ORDERS_COUNTED = 1000  # of one buyer, when her tier is looked at again

Addresses = tuple[tuple[str, str, bool], ...]  # (channel or kind, value, whether it is an id of hers)


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
        What waits is looked up first of all: what another program handles meanwhile is in the facts then.
        """
        buyer_ids = {row.buyer for row in rows}
        addresses = records.addresses_of(connection, shop_id, buyer_ids)
        waiting = _waiting(connection, shop_id, rows, addresses)
        orders = records.orders_by_id(connection, shop_id, {row.order_id for row in rows if row.order_id})
        buyers = records.buyers_by_id(connection, shop_id, buyer_ids)
        chats = records.conversations_of(connection, shop_id, buyer_ids)
        limited = {row.buyer for row in rows if row.category != "answer"}  # an answer knows no cap
        cases = records.open_cases_of(connection, shop_id, limited)
        heard = history.heard_of_us(connection, shop_id, limited, {row.id for row in rows}, now)
        doors = self._doors(shop_id, addresses)
        offered = {row.buyer for row in rows if row.category == "promotion"}
        whole = records.orders_of(connection, shop_id, offered, at_most=ORDERS_COUNTED)
        told = {row.order_id for row in rows if row.order_id and row.template in looking_back}
        said = records.said_about(connection, shop_id, told)
        unlike = history.channels_of_keys(connection, shop_id, {row.unlike for row in rows if row.unlike})
        found: dict[int, Facts] = {}
        for row in rows:
            if row.id in waiting:
                continue
            hers = heard.get(row.buyer, history.NOTHING_HEARD)
            near = _nearest(doors.get(row.buyer, ()), orders.get(row.order_id) if row.order_id else None)
            found[row.id] = Facts(
                shop=shop,
                buyer=buyers.get(row.buyer) or Buyer(id=row.buyer),
                order=orders.get(row.order_id) if row.order_id else None,
                orders=whole.get(row.buyer, ()),
                conversations=chats.get(row.buyer, ()),
                cases=cases.get(row.buyer, ()),
                sent_in_day=hers.in_day,
                sent_in_day_until=hers.in_day_until,
                promotions_in_week=hers.offers,
                promotions_in_week_until=hers.offers_until,
                ways=self._ways(shop_id, shop, row, buyers, chats, near, unlike, now),
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
        doors: tuple[Way, ...],
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
        found = ways(buyer, theirs, doors, speaking.mail, speaking.speaks, shop, now)
        taken = unlike.get(row.unlike) if row.unlike else None
        return tuple(way for way in found if way.channel != taken) if taken else found

    def _doors(self, shop_id: str, addresses: Mapping[str, Addresses]) -> dict[str, tuple[Way, ...]]:
        doors = self._speaking[shop_id].doors
        return {
            buyer: tuple(
                Way(channel=channel, address=value, buyer_id=value)
                for channel, value, is_id in theirs
                if is_id and channel in doors
            )
            for buyer, theirs in addresses.items()
        }

    def is_mail(self, shop_id: str, channel: str) -> bool:
        return self._speaking[shop_id].mail == channel

    def chat_url(self, shop_id: str, due: Due) -> str | None:
        """The signed link into the chat, made when it is needed: no record keeps it."""
        if due.template != "order_confirmation" or not due.order:
            return None
        return self._chat_link(shop_id, due.order)

    def kept(self, due: Due, facts: Facts, now: datetime) -> dict[str, Any]:
        """The facts as they are stored beside the decision, with the limits of that moment."""
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
            "ways": [way.channel for way in facts.ways],
        }
        return known if due.category == "answer" else known | _limits(facts)


def _nearest(doors: tuple[Way, ...], order: Order | None) -> tuple[Way, ...]:
    """The system that an order came from tells its buyer, before another that knows her as well."""
    home = order.channel if order else None
    return tuple(sorted(doors, key=lambda way: (way.channel != home, way.channel, way.address)))


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


def _waiting(
    connection: Connection, shop_id: str, rows: Collection[Row[Any]], addresses: Mapping[str, Addresses]
) -> set[int]:
    """The messages about which, or about whose buyer, an event was acknowledged that nobody has handled."""
    offered = {row.buyer for row in rows if row.category == "promotion"}
    orders = records.order_ids_of(connection, shop_id, offered)
    threads: dict[int, set[str]] = {}
    for row in rows:
        about = [row.order_id] if row.order_id else []
        about += orders.get(row.buyer, []) if row.category == "promotion" else []
        theirs = addresses.get(row.buyer, ())
        chats = {f"chat:{channel}:{value}" for channel, value, _ in theirs}
        threads[row.id] = {STOPS, *chats, *(f"order:{order}" for order in about)}
    every = {thread for those in threads.values() for thread in those}
    busy = inbox.open_threads(connection, shop_id, every)
    return {id for id, those in threads.items() if busy & those} if busy else set()
