"""Draws the people around a shop: buyers, guests, families who share a phone and a mailbox, strangers."""

import random
from dataclasses import dataclass

from tests.outside.facts import Address, Contact

_NAMES = (
    "Anna",
    "Bertram",
    "Clarissa",
    "Dorothea",
    "Edmund",
    "Florence",
    "Gwendolyn",
    "Humphrey",
    "Isolde",
    "Jasper",
)
_STRANGERS = ("Mordred", "Nefaria", "Oswin")


@dataclass(frozen=True, kw_only=True)
class Person:
    """buyer: known to the shop's own system by this id. customer: to its other platforms by this one."""

    name: str
    locale: str
    buyer: str | None = None
    customer: int | None = None
    email: str | None = None
    phone: str | None = None
    telegram: int | None = None
    zone: str | None = None
    stranger: bool = False

    @property
    def digits(self) -> str | None:
        return self.phone[-4:] if self.phone else None

    def contact(self, channel: str) -> Contact:
        """As they stand in an order of a channel."""
        own = self.buyer if channel == "webhook" else str(self.customer) if self.customer else None
        zone = self.zone if channel == "webhook" else None
        return Contact(buyer=own, name=self.name, email=self.email, phone=self.phone, zone=zone)

    def chats(self, channels: tuple[str, ...]) -> list[Address]:
        found = [Address("webhook", self.buyer)] if self.buyer else []
        if self.telegram and "telegram" in channels:
            found.append(Address("telegram", str(self.telegram)))
        return found


def draw(rng: random.Random, locale: str) -> list[Person]:
    """Buyers first, strangers last. Every stranger may know all that the others are known by."""
    names = rng.sample(_NAMES, rng.randint(2, 4))
    people = [_buyer(rng, place, name, locale) for place, name in enumerate(names)]
    if len(people) > 1 and rng.random() < 0.4:
        people[1] = _relative(people[0], people[1])
    count = rng.choice((0, 1, 1, 2))
    return people + [_stranger(place, name, locale) for place, name in enumerate(_STRANGERS[:count])]


def _buyer(rng: random.Random, place: int, name: str, locale: str) -> Person:
    guest = rng.random() < 0.35
    return Person(
        name=name,
        locale=locale,
        buyer=None if guest else name.lower(),
        customer=None if guest else 7000 + place,
        email=f"{name.lower()}@buyers.example" if rng.random() < 0.85 else None,
        phone=f"+4479460{place}{rng.randint(1000, 9999)}" if rng.random() < 0.9 else None,
        telegram=5000 + place if rng.random() < 0.6 else None,
        zone="Asia/Tokyo" if not guest and rng.random() < 0.15 else None,
    )


def _relative(one: Person, other: Person) -> Person:
    return Person(
        name=other.name,
        locale=other.locale,
        buyer=other.buyer,
        customer=other.customer,
        email=one.email,
        phone=one.phone,
        telegram=other.telegram,
        zone=other.zone,
    )


def _stranger(place: int, name: str, locale: str) -> Person:
    return Person(
        name=name,
        locale=locale,
        buyer=name.lower(),
        email=f"{name.lower()}@elsewhere.example",
        telegram=6000 + place,
        stranger=True,
    )


def disguised(rng: random.Random, stranger: Person, victim: Person) -> Contact:
    """What a stranger types at a checkout as a guest: their own name, some contact of the victim's."""
    typed = rng.choice(("phone", "email", "both"))
    email = victim.email if typed != "phone" else stranger.email if rng.random() < 0.5 else None
    return Contact(
        buyer=None,
        name=stranger.name,
        email=email,
        phone=victim.phone if typed != "email" else None,
    )
