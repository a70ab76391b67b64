"""Campaigns: who is held out, which wording a buyer gets, and how far apart a pace keeps messages."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from bot.domain.money import parse_money
from bot.domain.shop import Campaign, in_language

HOUR = timedelta(hours=1)
_PARTS = 10_000


class Chance:
    """Draws by a keyed hash, so that the same buyer always draws the same, and nobody can choose who does."""

    def __init__(self, secret: str, shop: str) -> None:
        self._key = hashlib.blake2b(b"campaign", key=secret.encode()[:64] or b"none", digest_size=32).digest()
        self._shop = shop

    def held_out(self, name: str, campaign: Campaign, buyer: str) -> bool:
        return self._draw("hold out", name, buyer) < campaign.hold_out * (_PARTS // 100)

    def wording(self, name: str, campaign: Campaign, buyer: str) -> str | None:
        """The name of the wording that a buyer gets; None if there is one only."""
        names = sorted(campaign.wordings)
        return names[self._draw("wording", name, buyer) * len(names) // _PARTS] if names else None

    def _draw(self, *parts: str) -> int:
        text = "\x1f".join((self._shop, *parts)).encode()
        drawn = hashlib.blake2b(text, key=self._key, digest_size=8).digest()
        return int.from_bytes(drawn) * _PARTS >> 64


class Room(msgspec.Struct, frozen=True):
    """How many more may be said now, and when the next one may."""

    free: int
    until: datetime


def room(pace: int, said: Sequence[datetime], in_hand: int, now: datetime) -> Room:
    """What a pace of so many an hour leaves. said: the times of the last hour; in_hand: being said now."""
    lately = sorted(at for at in said if at > now - HOUR)
    free = max(0, pace - in_hand - len(lately))
    behind = len(lately) + in_hand - pace  # so many more must have left the hour before one is free
    until = now if free else (lately[behind] + HOUR if 0 <= behind < len(lately) else now + HOUR)
    return Room(free, until)


def slots(pace: int | None, count: int, now: datetime) -> list[datetime]:
    """When the next messages are due, so that their pace is kept."""
    return [now + HOUR * place / pace if pace else now for place in range(count)]


def offer_text(campaign: Campaign, wording: str | None, locale: str, currency: str, code: str | None) -> str:
    """The offer's sentence, with its numbers and the buyer's code."""
    text = in_language(campaign.wording(wording), locale)
    amount = (
        None
        if campaign.amount is None
        else f"{parse_money(campaign.amount, currency, True).decimal} {currency}"
    )
    for name, value in (("percent", campaign.percent), ("amount", amount), ("code", code)):
        text = text.replace(f"{{{name}}}", str(value)) if value is not None else text
    return text


def rules_of(campaign: Campaign) -> str:
    """A hash of what a person looked at before they started it."""
    return hashlib.blake2b(repr(campaign).encode(), digest_size=8).hexdigest()
