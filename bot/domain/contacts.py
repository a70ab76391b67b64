"""What an order's platform tells of its buyer: contacts that are said, and the id that the platform knows.

Each value has the time at which the platform told it: the newest wins, of two with one timestamp the greater,
so that the order of arrival does not matter.
"""

from datetime import datetime

import msgspec

from bot.domain.events import BuyerRef

DETAILS = ("name", "email", "phone", "locale", "timezone")
_replace = msgspec.structs.replace


class Told(msgspec.Struct, frozen=True):
    value: str
    at: datetime


class Contacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The contacts of one order. `id`: the buyer on the order's platform, "" for a guest."""

    id: Told | None = None
    name: Told | None = None
    email: Told | None = None
    phone: Told | None = None
    locale: Told | None = None
    timezone: Told | None = None
    agrees: Told | None = None  # to offers, "yes" or "no", as the checkout's flag was told

    def known(self, name: str) -> str | None:
        """The value of one of DETAILS, or of the id; None for a guest's."""
        told: Told | None = getattr(self, name)
        return told.value or None if told else None

    def has(self, email: str | None, phone: str | None) -> bool:
        """True if this mail address or this phone is among them."""
        mine = (self.known("email") or "").casefold()
        return bool((email and mine == email.casefold()) or (phone and self.known("phone") == phone))

    @property
    def address(self) -> str | None:
        """The mailbox or phone that a guest named, by which their orders may be counted together."""
        return (self.known("email") or "").casefold() or self.known("phone")


def told(contacts: Contacts, ref: BuyerRef, at: datetime, whole: bool) -> Contacts:
    """The contacts with what the platform tells at `at`. whole: no id means a guest, as in a snapshot."""
    values = {name: value for name in DETAILS if (value := getattr(ref, name))}
    if whole or ref.id:
        values["id"] = ref.id or ""
    if ref.agrees is not None:
        values["agrees"] = "yes" if ref.agrees else "no"
    newer = {
        name: Told(value, at) for name, value in values.items() if _wins(getattr(contacts, name), value, at)
    }
    return _replace(contacts, **newer) if newer else contacts


def _wins(known: Told | None, value: str, at: datetime) -> bool:
    return known is None or (at, value) > (known.at, known.value)
