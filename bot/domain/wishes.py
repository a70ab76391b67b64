"""Wishes: what an address (a mailbox, a phone, a chat) wants to hear of us, by the wishes' own times.

A wish is one word, kept for ever: yes or no to everything, or to offers alone. The newest by its own time
counts, never the one that arrived last; of two with one timestamp, the no. A flag's repetitions are kept as
well, because an older change of the flag may arrive after them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

What = Literal["all", "offers"]
AddressKey = tuple[str, str]  # email, phone or a channel's name; and the address there

EMAIL, PHONE = "email", "phone"


def mailbox(address: str | None) -> str:
    """A mail address as it is compared, "" for none: capitals do not count. No letter is written out, because
    an address at straße.de is not that at strasse.de."""
    return (address or "").lower()


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """flag: the platform's record that shows this value again and again; None for a word of the buyer's own.

    confirmed: False for a yes that somebody typed for this address, until the address itself confirms it.
    """

    what: What
    yes: bool
    at: datetime
    flag: str | None = None
    confirmed: bool = True


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for an address. stopped_at: since when nothing but answers may go there; resumed_at: when
    the newest word took an earlier stop back."""

    stopped_at: datetime | None = None
    resumed_at: datetime | None = None
    agrees: bool | None = None  # to offers; None: never asked
    agrees_at: datetime | None = None

    @property
    def stopped(self) -> bool:
        return self.stopped_at is not None


NOTHING_SAID = Standing()


def standing(wishes: Iterable[Wish]) -> Standing:
    """What holds after all of these wishes, in whatever order they are given."""
    words = _words(wishes)
    stop = _newest(wish for wish in words if wish.what == "all")
    offers = _newest(wish for wish in words if wish.what == "offers" or not wish.yes)
    return Standing(
        stopped_at=stop.at if stop and not stop.yes else None,
        resumed_at=stop.at if stop and stop.yes else None,
        agrees=offers.yes if offers else None,
        agrees_at=offers.at if offers else None,
    )


def heard_at(at: datetime, now: datetime) -> datetime:
    """The time of a word that arrives at `now`, so that a clock that runs ahead does not win for ever."""
    return min(at, now)


def _words(wishes: Iterable[Wish]) -> list[Wish]:
    """The wishes that count: of a flag only its changes, and no yes that waits for its confirmation."""
    counted: list[Wish] = []
    shown: dict[tuple[str, str], Wish] = {}
    for wish in sorted(wishes, key=_age):
        if wish.flag is not None:
            if _repeats(wish, shown.get((wish.flag, wish.what))):
                continue
            shown[wish.flag, wish.what] = wish
        if wish.confirmed or not wish.yes:
            counted.append(wish)
    return counted


def _repeats(wish: Wish, shown: Wish | None) -> bool:
    """True if a flag shows no more than before; one proved after it was only typed is a change."""
    return shown is not None and wish.yes == shown.yes and (shown.confirmed or not wish.confirmed)


def _newest(wishes: Iterable[Wish]) -> Wish | None:
    return max(wishes, key=_age, default=None)


def _age(wish: Wish) -> tuple[datetime, bool, bool]:
    return wish.at, not wish.yes, not wish.confirmed
