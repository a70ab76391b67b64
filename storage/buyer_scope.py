"""What belongs to one buyer, by what is proved, and which addresses were only said of them."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, insert, or_, select

from bot.domain.buyers import GUEST
from bot.domain.erasing import Digest, Scope, is_erased
from bot.domain.orders import Order
from bot.domain.wishes import EMAIL, PHONE, AddressKey, mailbox
from storage import order_records
from storage.buyer_records import present_id
from storage.database import take_ids
from storage.lookup import can_be_kept, kinds_of_identities
from storage.sql_in import is_in
from storage.tables import buyers, cases, conversations, details, identities, orders, wishes

PAGE = 1000
SHORTEST = 3  # characters of an address by which what cannot be read is found; shorter ones are everywhere


def records_of(connection: Connection, shop: str, id: str) -> tuple[str, ...]:
    """A buyer's record, and those that were joined to it once."""
    found = [id]
    for known in found:
        joined = select(buyers.c.id).where(buyers.c.shop == shop, buyers.c.joined_to == known)
        found += [more for more in connection.scalars(joined.order_by(buyers.c.id)) if more not in found]
    return tuple(found)


JOINED = "joined "  # how the name of a detail begins that tells of a join; behind it stands the other's id


def joined_with(connection: Connection, shop: str, id: str) -> tuple[str, ...]:
    """The other files that sellers decided to be the same person's, also over a third one."""
    found = [id]
    for known in found:
        told = select(details.c.name, details.c.value).where(details.c.shop == shop, details.c.buyer == known)
        newest = dict(tuple(row) for row in connection.execute(told.order_by(details.c.id)).all())
        found += [
            other
            for name, value in newest.items()
            if name.startswith(JOINED) and value and (other := name.removeprefix(JOINED)) not in found
        ]
    return tuple(found[1:])


def join(
    connection: Connection, shop: str, one: str, other: str, joined: bool, who: str, now: datetime
) -> None:
    """Note that two files are the same person's, or are not; each tells of the other.

    They are read together from then on. Nothing else changes: each keeps its addresses, and no message about
    one goes where the other is known.
    """
    for (buyer, about), id in zip(((one, other), (other, one)), take_ids(connection, 2), strict=True):
        row = {"shop": shop, "buyer": buyer, "id": id, "name": f"{JOINED}{about}", "at": now, "who": who}
        connection.execute(insert(details).values(**row, value="yes" if joined else None))


def together(connection: Connection, shop: str, id: str) -> Scope:
    """All that belongs to a buyer and to the files that are joined with theirs, for reading."""
    return scope_of(connection, shop, id, others=joined_with(connection, shop, id))


def scope_of(connection: Connection, shop: str, id: str, to: str = "", others: Collection[str] = ()) -> Scope:
    """All that belongs to the buyer `id` and to `others`; to: the file that is to stand for them later."""
    records = (records_of(connection, shop, each) for each in (id, *others))
    ids = tuple(dict.fromkeys(each for those in records for each in those))
    of_ids = is_in(connection, identities.c.buyer, ids)
    proved = select(identities.c.kind, identities.c.value).where(identities.c.shop == shop, of_ids)
    kinds = tuple((kind, value) for kind, value in connection.execute(proved).all())
    written = select(conversations.c.channel, conversations.c.address).where(
        conversations.c.shop == shop, is_in(connection, conversations.c.buyer, ids)
    )
    chats = tuple((channel, address) for channel, address in connection.execute(written).all())
    theirs = [order for each in ids for order in order_records.all_of(connection, shop, each)]
    named = tuple(order.id for order in theirs)
    said, names = _said(connection, shop, ids, theirs)
    shared = tuple(each for each in sorted(said) if _is_others(connection, shop, each, ids, kinds, chats))
    own = {each for each in (*kinds, *chats) if not each[0].startswith(GUEST)} | said - set(shared)
    words = {value for _, value in (*own, *kinds) if (EMAIL, value) not in shared} - {v for _, v in shared}
    return Scope(
        to=to,
        buyers=ids,
        identities=tuple(sorted(kinds)),
        chats=tuple(sorted(chats)),
        orders=tuple(sorted(named)),
        not_theirs=_namesakes(connection, shop, named),
        addresses=tuple(sorted(own)),
        shared=shared,
        cases=_cases(connection, shop, ids, named, chats),
        words=tuple(sorted(word for word in words if len(word) >= SHORTEST)),
        names=tuple(sorted(name for name in names if len(name) > 1)),
    )


def _said(
    connection: Connection, shop: str, ids: Collection[str], theirs: Iterable[Order]
) -> tuple[set[AddressKey], set[str]]:
    """The mail addresses and phones that were told of the buyer and of their orders, and the names."""
    record = select(buyers.c.name, buyers.c.email, buyers.c.phone).where(
        buyers.c.shop == shop, is_in(connection, buyers.c.id, ids)
    )
    told = [tuple(row) for row in connection.execute(record).all()]
    for order in theirs:
        if (contacts := order.contacts) is not None:
            told.append(
                tuple(each.value if (each := getattr(contacts, name)) else None for name in _CONTACTS)
            )
            told += [(None, each.value, None) for each in contacts.agreed]
            if contacts.delivery_phone:
                told.append((None, None, contacts.delivery_phone.value))
    said = {(EMAIL, mailbox(email)) for _, email, _ in told if email}
    said |= {(PHONE, phone) for _, _, phone in told if phone}
    return said, {name for name, _, _ in told if name}


_CONTACTS = ("name", "email", "phone")


def _is_others(
    connection: Connection,
    shop: str,
    address: AddressKey,
    ids: Collection[str],
    kinds: Collection[tuple[str, str]],
    chats: Collection[tuple[str, str]],
) -> bool:
    """True if an address that was said is also another's: they have it, or an order or a wish names it."""
    kind, value = address
    if address in chats or address in kinds:
        return False
    column = orders.c.email if kind == EMAIL else orders.c.phone
    others = select(orders.c.buyer).where(orders.c.shop == shop, column == value)
    wished = select(wishes.c.buyer).where(
        wishes.c.shop == shop, wishes.c.value == value, wishes.c.kind == kind
    )
    owners = select(identities.c.buyer).where(identities.c.shop == shop, identities.c.value == value)
    found = {row[0] for each in (others, wished, owners) for row in connection.execute(each)}
    return bool(found - {None, *ids})


def _namesakes(connection: Connection, shop: str, named: Collection[str]) -> tuple[str, ...]:
    """Others' orders to which a system gave the id of one of these: our id has the channel behind it."""
    found: set[str] = set()
    for id in named:
        alike = (orders.c.id >= f"{id}@", orders.c.id < f"{id}A")  # the character after @
        found |= set(connection.scalars(select(orders.c.id).where(orders.c.shop == shop, *alike)))
    return tuple(sorted(found - set(named)))


def _cases(
    connection: Connection,
    shop: str,
    ids: Collection[str],
    named: Collection[str],
    chats: Iterable[tuple[str, str]],
) -> tuple[int, ...]:
    places = [f"{channel}:{address}" for channel, address in chats]
    about = or_(
        is_in(connection, cases.c.buyer, ids),
        is_in(connection, cases.c.order_id, named),
        and_(cases.c.chat.is_not(None), is_in(connection, cases.c.chat, places)),
    )
    here = select(cases.c.number).where(cases.c.shop == shop, about).order_by(cases.c.number)
    return tuple(connection.scalars(here))


def with_digests(connection: Connection, shop: str, digest: Digest, wanted: Collection[str]) -> list[str]:
    """The buyers who have an address or an order with one of these hashes; reads all of both."""
    known, found = frozenset(wanted), dict[str, None]()
    owned = select(identities.c.kind, identities.c.value, identities.c.buyer).where(identities.c.shop == shop)
    for row in connection.execute(owned.execution_options(yield_per=PAGE)):
        if digest.address((row.kind, row.value)) in known:
            found[row.buyer] = None
    placed = select(orders.c.id, orders.c.buyer).where(orders.c.shop == shop, orders.c.buyer.is_not(None))
    for id, buyer in connection.execute(placed.execution_options(yield_per=PAGE)):
        if digest.order(id) in known:
            found[buyer] = None
    return [buyer for buyer in found if not is_erased(buyer)]


# Whom a seller means


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a seller may mean. said: what they named was only said of it, which proves nothing."""

    id: str
    name: str | None
    addresses: tuple[tuple[str, str], ...]
    orders: int
    said: bool


MOST = 20  # files that are shown to choose from


def present(connection: Connection, shop: str, id: str) -> str | None:
    """The buyer that an id of ours names today; None if there is none, or they were erased."""
    found = present_id(connection, shop, id) if can_be_kept(id) else None
    return None if is_erased(found) else found


def candidates(connection: Connection, shop: str, name: str) -> list[Candidate]:
    """The files that a name may mean: by our id, an address that is proved, or one that was only said."""
    if not can_be_kept(name):
        return []
    proved: dict[str, bool] = {}
    if id := present(connection, shop, name):
        return [_candidate(connection, shop, id, said=False)]
    kind, _, rest = name.partition(":")
    values = {name, mailbox(name), rest} - {""}
    here = select(identities.c.kind, identities.c.value, identities.c.buyer).where(
        identities.c.shop == shop,
        identities.c.kind.in_(kinds_of_identities(connection, shop)),
        identities.c.value.in_(values),
    )
    for row in connection.execute(here):
        exact = row.value in (name, mailbox(name)) or row.kind == kind
        if exact:
            guest = row.kind.startswith(GUEST)
            proved[row.buyer] = proved.get(row.buyer, False) or not guest
    chat = select(conversations.c.buyer).where(
        conversations.c.shop == shop, conversations.c.channel == kind, conversations.c.address == rest
    )
    proved |= dict.fromkeys(connection.scalars(chat), True)
    for column in (orders.c.email, orders.c.phone):
        value = mailbox(name) if column is orders.c.email else name
        told = select(orders.c.buyer).where(
            orders.c.shop == shop, column == value, orders.c.buyer.is_not(None)
        )
        for buyer in connection.scalars(told.distinct().limit(MOST)):
            proved.setdefault(buyer, False)
    in_order = sorted(proved, key=lambda buyer: (not proved[buyer], buyer))[:MOST]
    return [_candidate(connection, shop, buyer, said=not proved[buyer]) for buyer in in_order]


def _candidate(connection: Connection, shop: str, id: str, said: bool) -> Candidate:
    name = connection.scalar(select(buyers.c.name).where(buyers.c.shop == shop, buyers.c.id == id))
    known = select(identities.c.kind, identities.c.value).where(
        identities.c.shop == shop, identities.c.buyer == id
    )
    placed = order_records.all_of(connection, shop, id)
    return Candidate(
        id=id,
        name=name,
        addresses=tuple(sorted((kind, value) for kind, value in connection.execute(known.limit(MOST)))),
        orders=len(placed),
        said=said,
    )
