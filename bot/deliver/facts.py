"""Read the current facts about the buyers and orders of due messages, in a handful of queries."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from bot.deliver.addresses import AddressBook, Contact, is_mailbox
from bot.domain.actions import MAILTO
from bot.domain.buyers import addressed, by_themselves, is_guest
from bot.domain.campaigns import HOUR, room
from bot.domain.context import Buyer, Case
from bot.domain.events import STOPS, product_thread
from bot.domain.messages import Address, DueMessage, Facts
from bot.domain.orders import Order
from bot.domain.parcel_news import telling
from bot.domain.payment_term import REMINDED_BY, reminder_number
from bot.domain.products import Product, Source, Telling, product_of, products_of
from bot.domain.proofs import ANYWAY, holds, mark_of
from bot.domain.quotes import PRICES_TOLD
from bot.domain.shop import Shop
from bot.domain.stock_wishes import SKU, TEMPLATE
from bot.domain.tiers import NONE_KEPT
from bot.domain.wishes import PHONE, AddressKey
from storage import (
    buyer_records,
    case_records,
    conversation_records,
    history,
    inbox,
    order_records,
    product_records,
    proof_records,
    stock_wish_records,
    tier_records,
    wish_records,
)
from storage.asking import Asking
from storage.campaign_records import rule_of
from storage.due_messages import DueRow
from storage.history import LOOK_AGAIN, NOTHING_HEARD, Heard, HeardByOrder
from storage.outbox import SELLER
from storage.proof_records import Place
from storage.stock_wish_records import WishKey

ORDERS_COUNTED = 1000  # of one buyer, when their tier is checked again

Identities = tuple[tuple[str, str, bool], ...]  # (channel or kind, value, whether it is an id of theirs)


def read_facts(
    addresses: AddressBook, rows: Collection[DueRow], looking_back: Collection[str], now: datetime
) -> Asking[dict[int, Facts]]:
    """Read the facts of due messages, by message id, without messages about which events are open.

    looking_back: the templates that need earlier messages about the order, or earlier offers.
    Open events are read first, so that the facts include what another program handles meanwhile.
    """
    buyer_ids = {row.buyer for row in rows}
    about = {row.order_id for row in rows if row.order_id}
    identities = yield from buyer_records.addresses_of(buyer_ids)
    opened = yield from proof_records.chats_of(about)
    wished = {row.id: key for row in rows if (key := _wished(row))}
    skus = {sku for sku, _, _ in wished.values()}
    told_by = yield from product_records.by_sku(skus)
    waiting = yield from _waiting(rows, identities, opened, wished, told_by)
    questions = {
        row.id: f"{row.template}:{row.to.removeprefix(MAILTO)}" for row in rows if is_mailbox(row.to)
    }
    first = {question: id for id, question in reversed(questions.items())}
    waiting |= {
        id for id, question in questions.items() if id != first[question]
    }  # the next round knows more
    orders = yield from order_records.by_id(about)
    contacts = yield from _contacts(addresses, rows, orders, identities, opened)
    limited = {row.buyer for row in rows if row.category != "answer"}  # answers have no cap
    cases = yield from case_records.open_of(limited, about)
    heard = yield from history.heard_of_us(limited, {row.id for row in rows}, now)
    offered = {row.buyer for row in rows if row.category == "promotion" or row.id in wished}
    whole = yield from order_records.newest_of(offered, at_most=ORDERS_COUNTED)
    in_tiers = offered if addresses.shop.vip.tiers else set[str]()
    tiers = yield from tier_records.current_of(in_tiers, now)
    told = {row.order_id for row in rows if row.order_id and row.template in looking_back}
    said = yield from history.said_about(told)
    tried = yield from history.channels_of_keys({row.unlike for row in rows if row.unlike})
    asked = yield from history.reached(set(questions.values()))
    items = yield from _items({row.id: sku for row in rows if (sku := _told_of(row))})
    found = {
        row.id: addresses.addresses(
            row, contacts[row.id], orders.get(row.order_id or ""), tried.get(row.unlike or ""), now
        )
        for row in rows
    }
    standings = yield from wish_records.standings(_asked(addresses, rows, contacts, found))
    wanted = {row.id: addresses.wanted(row, found[row.id], contacts[row.id], standings) for row in rows}
    mailed = {
        row.id: left[0].address for row in rows if addresses.is_mailed_offer(row, left := wanted[row.id][1])
    }
    once = {mailbox: id for id, mailbox in reversed(mailed.items())}
    waiting |= {id for id, mailbox in mailed.items() if id != once[mailbox]}
    reached = yield from history.offers_to(once.keys(), mailed.keys(), now)
    backwards = {row.id for row in rows if row.category == "promotion" and row.template in looking_back}
    made = yield from history.offers_of({row.buyer for row in rows if row.id in backwards}, now)
    own = {id: mailbox for id in backwards if (mailbox := contacts[id].buyer.email)}
    alike = yield from order_records.newest_at(set(own.values()))
    tellings = yield from product_records.by_sku(skus)  # once more, now that open events are known
    wishes = yield from stock_wish_records.of(set(wished.values()))
    paced = yield from _paced(addresses.shop, rows, now)
    facts: dict[int, Facts] = {}
    for row in rows:
        if row.id in waiting:
            continue
        contact = contacts[row.id]
        guest = is_guest(kind for kind, _, _ in identities.get(row.buyer, ()))
        sent = _counted(heard.get(row.buyer, {}), row.order_id, guest)
        here = max(sent, reached.get(mailed.get(row.id, ""), NOTHING_HEARD), key=lambda each: each.offers)
        standing, left = wanted[row.id]
        facts[row.id] = Facts(
            shop=addresses.shop,
            buyer=contact.buyer,
            order=orders.get(row.order_id) if row.order_id else None,
            orders=whole.get(row.buyer, ()),
            conversations=contact.chats,
            cases=tuple(case for buyer, case in cases if _binds(row, buyer, case)),
            sent_in_day=sent.in_day,
            sent_in_day_until=sent.in_day_until,
            promotions_in_week=here.offers,
            promotions_in_week_until=here.offers_until,
            standing=standing,
            asked_before=row.id in questions and bool(asked[questions[row.id]] - {row.id}),
            addresses=left,
            orders_alike=alike.get(own.get(row.id, ""), ()),
            said=made.get(row.buyer, ()) if row.id in backwards else said.get(row.order_id or "", ()),
            kept_tier=tiers.get(row.buyer, NONE_KEPT),
            paced_until=paced.get(row.id),
            items=items.get(row.id, {}),
            product=product_of(wished[row.id][0], tellings) if row.id in wished else None,
            wish=wishes.get(wished[row.id]) if row.id in wished else None,
        )
    return facts


def _paced(shop: Shop, rows: Collection[DueRow], now: datetime) -> Asking[dict[int, datetime]]:
    """Until when those offers wait that are more than the pace of their campaign allows, by message id."""
    paces = {name: campaign.pace for name, campaign in shop.offers.items() if campaign.pace}
    campaigns: dict[str, list[int]] = {}
    for row in rows if paces else ():
        if row.category == "promotion":
            name = msgspec.json.decode(row.values).get("promotion")
            if name in paces:
                campaigns.setdefault(name, []).append(row.id)
    rules = {rule_of(name): name for name in campaigns}
    of_rows = {id for ids in campaigns.values() for id in ids}
    said = yield from history.said_by_rules(rules, of_rows, now - HOUR)
    found: dict[int, datetime] = {}
    for rule, name in rules.items():
        left = room(paces[name], *said.get(rule, ([], 0)), now)
        found |= {id: max(left.until, now + LOOK_AGAIN) for id in campaigns[name][left.free :]}
    return found


def _told_of(row: DueRow) -> str | None:
    """The sku of the item that an answer tells of."""
    if row.category != "answer" or '"sku"' not in row.values:
        return None
    sku = msgspec.json.decode(row.values).get("sku")
    return sku if isinstance(sku, str) else None


def _items(skus: Mapping[int, str]) -> Asking[dict[int, dict[str, Product | None]]]:
    """By message id, the item as it is sold now."""
    told = yield from product_records.by_sku(set(skus.values()))
    sold = {product.sku: product for product in products_of(told)}
    return {id: {sku: sold.get(sku)} for id, sku in skus.items()}


def _wished(row: DueRow) -> WishKey | None:
    """The wish that a message fulfils."""
    if row.template != TEMPLATE or row.to is None:
        return None
    channel, _, address = row.to.partition(":")
    return str(msgspec.json.decode(row.values)[SKU]), channel, address


def _counted(heard: HeardByOrder, order: str | None, guest: bool) -> Heard:
    """What counts towards the caps. A guest's order has caps of its own, because strangers may type the same
    address, and what they order must hold nothing back."""
    return heard.get(order, NOTHING_HEARD) if guest else sum(heard.values(), start=NOTHING_HEARD)


def _contacts(
    addresses: AddressBook,
    rows: Collection[DueRow],
    orders: Mapping[str, Order],
    identities: Mapping[str, Identities],
    opened: Mapping[str, list[tuple[Place, str]]],
) -> Asking[dict[int, Contact]]:
    """Where each message may go, by message id."""
    buyer_ids = {row.buyer for row in rows}
    buyers = yield from buyer_records.by_id(buyer_ids)
    chats = yield from conversation_records.by_buyer(buyer_ids)
    addressed_to = {row.id: _addressed(row, buyers, orders, identities.get(row.buyer, ())) for row in rows}
    holding = {of: _holding(orders.get(of), those) for of, those in opened.items()}
    places = {place for those in holding.values() for place in those}
    if any(row.buyer == SELLER for row in rows):
        places |= addresses.seller_places()
    if addresses.mail:
        places |= {(addresses.mail, buyer.email) for buyer in addressed_to.values() if buyer.email}
    ids = {
        of: tuple((kind, value) for kind, value, is_id in those if is_id) for of, those in identities.items()
    }
    wanted = places | {key for those in ids.values() for key in those}
    known = yield from conversation_records.by_place(wanted)
    blocked = {place for place, chat in known.items() if chat.blocked}
    found: dict[int, Contact] = {}
    for row in rows:
        own, theirs = chats.get(row.buyer, ()), holding.get(row.order_id or "", ()) if not row.to else ()
        found[row.id] = Contact(
            buyer=addressed_to[row.id],
            own=own,
            opened=tuple(known[place] for place in theirs if place in known),
            typed=_typed(orders.get(row.order_id or ""), opened.get(row.order_id or "", ()))
            - {(chat.channel, chat.address) for chat in own},
            ids=ids.get(row.buyer, ()),
            blocked=frozenset(blocked | {(chat.channel, chat.address) for chat in own if chat.blocked}),
        )
    return found


def _holding(order: Order | None, opened: Collection[tuple[Place, str]]) -> list[Place]:
    """The chats that proved an address to which the order still goes."""
    return list(dict.fromkeys(place for place, mark in opened if order and holds(mark, order)))


def _typed(order: Order | None, opened: Collection[tuple[Place, str]]) -> frozenset[Place]:
    """The chats that proved nothing but the digits of the order's phone."""
    if order is None:
        return frozenset()
    digits = mark_of(order, PHONE)
    return frozenset(place for place, mark in opened if mark == digits != ANYWAY) - {
        place for place, mark in opened if mark != digits and holds(mark, order)
    }


def _addressed(
    row: DueRow, buyers: Mapping[str, Buyer], orders: Mapping[str, Order], identities: Identities
) -> Buyer:
    """A message about an order addresses the order's own contacts; an answer, whoever asked; any other, what
    is proved to be the buyer's."""
    buyer = buyers.get(row.buyer) or Buyer(id=row.buyer)
    about_order = row.order_id and (not row.to or is_mailbox(row.to))
    order = orders.get(row.order_id or "") if about_order else None
    if order is None:
        return by_themselves(buyer, ((kind, value) for kind, value, _ in identities))
    return addressed(buyer, order.contacts)


def _asked(
    book: AddressBook,
    rows: Collection[DueRow],
    contacts: Mapping[int, Contact],
    found: Mapping[int, tuple[Address, ...]],
) -> set[AddressKey]:
    """The addresses whose wishes matter; an answer goes out whatever they are."""
    proactive = [row.id for row in rows if row.category != "answer"]
    keys = {book.key(address) for id in proactive for address in found[id]}
    return keys | {key for id in proactive for key in book.own_keys(contacts[id])}


def _binds(row: DueRow, buyer: str | None, case: Case) -> bool:
    """A case about an order binds the messages about that order alone; one about none, every message to its
    buyer. Who waits for a person is made no offers meanwhile, whatever that is about."""
    if case.order and (row.order_id or not case.calls):
        return bool(case.order == row.order_id)
    return bool(buyer == row.buyer)


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
        "stopped": facts.standing.stopped,
        "human_until": max(human_until, default=None),
        "takeover": int(facts.shop.takeover.total_seconds()),
        "ways": [address.channel for address in facts.addresses],
    }
    if order and (told := telling(due.template, due.values, order, facts.said)):
        known["parcels"] = told
    if due.template == REMINDED_BY:
        known["step"] = reminder_number(due.key, facts.said)
    if due.template in PRICES_TOLD:
        known["haggling"] = _terms(due, facts.shop, now)
    return known if due.category == "answer" else known | _limits(facts)


def _terms(due: DueMessage, shop: Shop, now: datetime) -> dict[str, Any]:
    """What the settings want of the item whose price is told; for the audit, since settings change."""
    haggling, quantity = shop.haggling, due.values.get("quantity") or 1
    coupon = haggling.coupon_on(now.astimezone(shop.zone()).date())
    least = haggling.floors.get(str(due.values.get("sku")))
    return {
        "rounds": haggling.rounds,
        "floor": haggling.floor,
        "least": None if least is None else str(least),
        "currency": shop.currency,
        "coupon": coupon.percent if coupon else 0,
        "off": max((off for pieces, off in haggling.from_quantity.items() if pieces <= quantity), default=0),
        "remember": haggling.remember.total_seconds(),
    }


def _limits(facts: Facts) -> dict[str, Any]:
    limits, quiet = facts.shop.limits, facts.shop.quiet_hours
    return {
        "agrees": facts.standing.agrees,
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
        "on_delivery": order.on_delivery,
        "paid_at": order.paid_at,
        "cancelled_at": order.cancelled_at,
        "currency": order.total.currency if order.total else None,
        "total_minor": order.total.minor if order.total else None,
        "paid_minor": order.paid.minor if order.paid else None,
        "refunded_minor": order.refunded_minor,
        "delivered_at": order.delivered_at,
    }


def _waiting(
    rows: Collection[DueRow],
    identities: Mapping[str, Identities],
    opened: Mapping[str, list[tuple[Place, str]]],
    wished: Mapping[int, WishKey],
    tellings: Mapping[Source, Telling],
) -> Asking[set[int]]:
    """The ids of messages about whose order, buyer or product an event is open."""
    offered = {row.buyer for row in rows if row.category == "promotion" or row.id in wished}
    theirs = yield from order_records.ids_of(offered)
    threads: dict[int, set[str]] = {}
    for row in rows:
        about = [row.order_id] if row.order_id else []
        about += theirs.get(row.buyer, []) if row.category == "promotion" or row.id in wished else []
        chats = {f"chat:{channel}:{value}" for channel, value, _ in identities.get(row.buyer, ())}
        chats |= {f"chat:{channel}:{address}" for (channel, address), _ in opened.get(row.order_id or "", ())}
        own_ids = [id.rpartition("@")[0] or id for id in about]  # where our id has the channel behind it
        told = _telling_of(wished[row.id][0], tellings) if row.id in wished else ()
        threads[row.id] = {STOPS, *chats, *told, *(f"order:{order}" for order in (*about, *own_ids))}
    every = {thread for those in threads.values() for thread in those}
    busy = yield from inbox.open_threads(every)
    return {id for id, those in threads.items() if busy & those} if busy else set()


def _telling_of(sku: str, tellings: Mapping[Source, Telling]) -> set[str]:
    """The threads of what may tell more of an item."""
    return {product_thread(*source) for source, telling in tellings.items() if sku in telling.seen}
