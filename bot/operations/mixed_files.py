"""Files of buyers that hold what may belong to several people, and how one is parted.

Before files joined by what is proved alone, a phone or mailbox that was typed at a checkout joined them.
Who is whom cannot be told for sure afterwards, so nothing is parted by itself: a person looks at each.
"""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from bot.domain.buyers import id_of, identity_of
from bot.domain.context import Buyer
from bot.domain.orders import Order
from storage import buyer_records, conversation_records, mixed_files, order_records, outbox
from storage.asking import ask
from storage.buyer_records import Identity


class MixedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer's file in which several people's things may be; the seller names it by its number."""

    number: str
    buyer: Buyer
    identities: tuple[Identity, ...]
    orders: tuple[Order, ...]


def mixed(connection: Connection, shop: str, limit: int) -> list[MixedFile]:
    """The mixed files of a shop, at most `limit`."""
    ids = mixed_files.marked(connection, shop, limit)
    known = ask(connection, shop, buyer_records.by_id(ids))
    return [
        MixedFile(
            number=id,
            buyer=known[id],
            identities=tuple(sorted(buyer_records.identities_of(connection, shop, id))),
            orders=tuple(sorted(order_records.all_of(connection, shop, id), key=lambda order: order.id)),
        )
        for id in ids
    ]


def part(connection: Connection, shop: str, number: str, now: datetime) -> int | None:
    """Give each order and each identity of a mixed file the file that it would have had without joins;
    returns how many files there are now, or None if `number` is no mixed file.

    Messages that wait go with their orders. What was said before stays where it was said. Notes, and what was
    told of the buyer, stay in the old file. Raises what the database raises; runs in a writing transaction
    that holds the shop's lock.
    """
    if number not in mixed_files.marked(connection, shop, limit=None):
        return None
    orders = order_records.all_of(connection, shop, number)
    of_orders = {order.id: identity_of(order) for order in orders}
    every = {*buyer_records.identities_of(connection, shop, number), *of_orders.values()}
    owners = {identity: id_of(shop, identity) for identity in sorted(every)}
    known = ask(connection, shop, buyer_records.by_id(set(owners.values())))
    fresh = {owner: Buyer(id=owner, created_at=now) for owner in owners.values() if owner not in known}
    for order in orders:
        owner = owners[of_orders[order.id]]
        if owner in fresh:
            fresh[owner] = _named(fresh[owner], order)
    ask(connection, shop, buyer_records.save(list(fresh.values())))
    mixed_files.give_identities(connection, shop, owners)
    moved = {order.id: owners[of_orders[order.id]] for order in orders}
    ask(
        connection,
        shop,
        order_records.save([msgspec.structs.replace(order, buyer=moved[order.id]) for order in orders]),
    )
    ask(connection, shop, outbox.readdress(moved))
    mixed_files.give_cases(connection, shop, moved)
    chats = ask(connection, shop, conversation_records.by_buyer({number})).get(number, ())
    ask(
        connection,
        shop,
        conversation_records.save(
            [
                msgspec.structs.replace(chat, buyer=owners.get((chat.channel, chat.address), number))
                for chat in chats
            ]
        ),
    )
    mixed_files.unmark(connection, shop, number)
    return len({*owners.values()})


def _named(buyer: Buyer, order: Order) -> Buyer:
    """The buyer with what the order's platform told of them, as far as nothing newer is known."""
    said = order.contacts
    if said is None:
        return buyer
    newest = max((told.at for name in _DETAILS if (told := getattr(said, name))), default=None)
    if newest is None or (buyer.shown_at and buyer.shown_at > newest):
        return buyer
    details = {name: said.known(name) for name in _DETAILS}
    return msgspec.structs.replace(buyer, **details, shown_at=newest)


_DETAILS = ("name", "email", "phone", "locale", "timezone")
