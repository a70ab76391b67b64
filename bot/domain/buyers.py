"""Merge what a platform tells of a buyer, so that the order of arrival does not matter.

Each detail has a time of its own, because platforms tell them apart; the newest wins, of two with the same
timestamp the greater: platforms send whole seconds, so ties happen.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from bot.domain.contacts import DETAILS, Contacts
from bot.domain.context import Buyer
from bot.domain.events import BuyerRef
from bot.domain.orders import Order
from bot.domain.wishes import mailbox

MAILBOX = "mailbox"  # the name of the detail that only a proof tells
GUEST = "guest of "  # how the kind of a guest's identity begins
_NEVER = datetime.min.replace(tzinfo=UTC)  # a record may hold what was stored without a time
_replace = msgspec.structs.replace


def shown(buyer: Buyer, ref: BuyerRef, at: datetime, proved: bool = False) -> Buyer:
    """The buyer with what a platform shows of them at `at`: newer values replace, older ones fill gaps.

    proved: the mail address is theirs, and not only typed.
    """
    details = {name: value for name in DETAILS if (value := getattr(ref, name))}
    if not details:
        return buyer  # a chat that shows nothing but its address
    if proved and ref.email:
        details[MAILBOX] = mailbox(ref.email)
    names = (*DETAILS, MAILBOX)
    known = {name: (value, _told_at(buyer, name)) for name in names if (value := getattr(buyer, name))}
    for name, value in details.items():
        if name not in known or (at, value) > (known[name][1], known[name][0]):
            known[name] = (value, at)
    newest = max(told_at for _, told_at in known.values())
    return _replace(
        buyer,
        **{name: value for name, (value, _) in known.items()},
        shown_at=newest,
        told_at={name: told_at for name, (_, told_at) in known.items() if told_at != newest},
        created_at=min(buyer.created_at or at, at),
    )


def addressed(buyer: Buyer, contacts: Contacts | None) -> Buyer:
    """The buyer as an order's messages address them: by that order's own contacts and no others."""
    if contacts is None:
        return buyer  # stored before contacts were an order's own
    return _replace(
        buyer,
        name=contacts.known("name"),
        email=contacts.known("email"),
        phone=contacts.known("phone"),
        locale=contacts.known("locale") or buyer.locale,
        timezone=contacts.known("timezone") or buyer.timezone,
    )


def by_themselves(buyer: Buyer, identities: Iterable[tuple[str, str]]) -> Buyer:
    """The buyer as what is about no order addresses them: by a mailbox that is proved to be theirs, or as a
    guest by the one that makes them this guest. What was typed at one checkout is nobody's address.

    identities: kinds and values.
    """
    typed = mailbox(buyer.email)
    is_guest_of = any(kind.startswith(GUEST) and value == typed for kind, value in identities)
    return _replace(buyer, email=buyer.mailbox or (typed if is_guest_of else None))


def id_of(shop: str, identity: tuple[str, str]) -> str:
    """Our id of the buyer with this identity, (channel, id) or a guest's: the same whenever it is made."""
    name = "\x1f".join((shop, *identity)).encode()
    return hashlib.blake2b(name, digest_size=10).hexdigest()


def identity_of(order: Order) -> tuple[str, str]:
    """Whom the order's platform names as its buyer: by their id there, or a guest by what they named."""
    contacts = order.contacts
    id = contacts.known("id") if contacts else None
    if id:
        return order.channel, id
    return guest_of(order.channel, (contacts and contacts.address) or order.id)


def guest_of(channel: str, address: str) -> tuple[str, str]:
    """The identity under which the orders of guests are counted together."""
    return f"{GUEST}{channel}", address


def is_guest(kinds: Iterable[str]) -> bool:
    """True for a file of nothing but an address that guests named. kinds: of its identities and chats."""
    known = set(kinds)
    return bool(known) and all(kind.startswith(GUEST) for kind in known)


def _told_at(buyer: Buyer, name: str) -> datetime:
    return buyer.told_at.get(name) or buyer.shown_at or _NEVER
