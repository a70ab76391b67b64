"""What an order's platform tells of its buyer: contacts that are said, and the id that the platform knows.

Each value has the time at which the platform told it: the newest wins, of two with one timestamp the greater,
so that the order of arrival does not matter.
"""

from datetime import datetime

import msgspec

from bot.domain.events import BuyerRef
from bot.domain.wishes import mailbox

DETAILS = ("name", "email", "phone", "locale", "timezone")
_replace = msgspec.structs.replace


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """of: the buyer's id that the same showing named, "" for a guest; None if it named nobody.

    aside: told with a payment, which may name who paid, or a copy that was made before a correction.
    """

    value: str
    at: datetime
    of: str | None = None
    aside: bool = False


class Contacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The contacts of one order. `id`: the buyer on the order's platform, "" for a guest."""

    id: Told | None = None
    name: Told | None = None
    email: Told | None = None
    phone: Told | None = None
    locale: Told | None = None
    timezone: Told | None = None
    delivery_phone: Told | None = None
    agrees: Told | None = None  # to offers, "yes" or "no", as the checkout's flag was told
    agreed: tuple[Told, ...] = ()  # the mailboxes ever named with a yes, each with the first time

    def known(self, name: str) -> str | None:
        """The value of one of DETAILS, or of the id; None for a guest's, and for what was told of another."""
        told: Told | None = getattr(self, name)
        if told is None or (told.of is not None and self.id is not None and told.of != self.id.value):
            return None
        return told.value or None

    def has(self, email: str | None, phone: str | None) -> bool:
        """True if this mail address or this phone is among them."""
        mine = mailbox(self.known("email"))
        return bool((email and mine == mailbox(email)) or (phone and self.known("phone") == phone))

    @property
    def proving_phone(self) -> str | None:
        """The phone whose digits prove the order: the buyer's, else the one that was typed at the address.

        That one may be another's, so nothing is sent to it, and nobody is known by it.
        """
        return self.known("phone") or self.known("delivery_phone")

    @property
    def address(self) -> str | None:
        """The mailbox or phone that a guest named, by which their orders may be counted together."""
        return mailbox(self.known("email")) or self.known("phone")


def told(contacts: Contacts, ref: BuyerRef, at: datetime, whole: bool) -> Contacts:
    """The contacts with what the platform tells at `at`. whole: no id means a guest, as in a snapshot."""
    values = {name: value for name in (*DETAILS, "delivery_phone") if (value := getattr(ref, name))}
    of = ref.id or "" if whole or ref.id else None
    if of is not None:
        values["id"] = of
    if ref.agrees is not None:
        values["agrees"] = "yes" if ref.agrees else "no"
    newer = {
        name: new
        for name, value in values.items()
        if _wins(new := Told(value, at, None if name == "id" else of, not whole), getattr(contacts, name))
    }
    if ref.agrees and ref.email:
        contacts = _replace(contacts, agreed=_with_yes(contacts.agreed, mailbox(ref.email), at))
    return _replace(contacts, **newer) if newer else contacts


def _with_yes(agreed: tuple[Told, ...], mailbox: str, at: datetime) -> tuple[Told, ...]:
    times = {each.value: each.at for each in agreed}
    times[mailbox] = min(at, times.get(mailbox, at))
    return tuple(Told(value, times[value]) for value in sorted(times))


def _wins(new: Told, known: Told | None) -> bool:
    return known is None or _age(new) > _age(known)


def _age(told: Told) -> tuple[bool, datetime, str, bool, str]:
    """What an order's own showing tells counts before what was told aside, whichever is newer."""
    return not told.aside, told.at, told.value, told.of is not None, told.of or ""
