"""Draws what people write to the shop: questions, proofs right and wrong, STOP, and what strangers try."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.outside import bodies
from tests.outside.drafts import DAY, HOUR, MINUTE, Draft, Sent, soon
from tests.outside.facts import Address, Fact, OptedOut, Replied, Wrote
from tests.outside.people import Person

_QUESTIONS = {
    "en": ("Where is my order?", "Did you get my payment?", "When do you ship?"),
    "zh-CN": ("我的订单到哪了？", "我的付款收到了吗？", "什么时候发货？"),
    "zh-TW": ("我的訂單到哪了？", "我的付款收到了嗎？", "什麼時候出貨？"),
}
_PERSON = {"en": "I want to talk to a person", "zh-CN": "人工", "zh-TW": "真人客服"}
_STOP = {"en": "STOP", "zh-CN": "退订", "zh-TW": "退訂"}
_AHEAD = 4  # of so many wishes one is dated by a clock that runs ahead
_PRESSING = {"en": "Stop pressing me", "zh-CN": "别催了", "zh-TW": "別催了"}


class Talker:
    """Writes for one person. ids: numbers of deliveries; horizon: until when they write."""

    def __init__(self, rng: random.Random, ids: Iterator[int], person: Person, horizon: datetime) -> None:
        self.rng = rng
        self.ids = ids
        self.person = person
        self.horizon = horizon
        self.sent: list[Sent] = []

    def buyer(self, orders: Sequence[Draft], channels: tuple[str, ...]) -> list[Sent]:
        """A buyer asks about their own orders, in the chats that they have."""
        for chat in self.person.chats(channels):
            at = orders[0].placed_at + soon(self.rng, MINUTE, 3 * HOUR, DAY)
            if chat.kind == "telegram" and self.rng.random() < 0.8:
                self._prove(chat, at, self.rng.choice(orders))
                at += soon(self.rng, MINUTE, HOUR)
            if self.rng.random() < 0.15:
                self._waver(chat, orders[0].placed_at + soon(self.rng, MINUTE))
            if self.rng.random() < 0.15:
                self._write(chat, at, _PRESSING[self.person.locale], "pressing")
            for _ in range(self.rng.choice((0, 1, 2, 3))):
                self._say(chat, at, self.rng.choice(orders))
                at += soon(self.rng, MINUTE, 8 * HOUR, 2 * DAY, 5 * DAY)
            if self.rng.random() < 0.5:
                self._ask_late(chat, self.rng.choice(orders))
        if self.rng.random() < 0.06 and self.person.email:
            self._opt_out(orders[0].placed_at + soon(self.rng, HOUR, 2 * DAY))
        return self.sent

    def stranger(self, victims: Sequence[Draft], chats: Sequence[Address], knows: bool) -> list[Sent]:
        """A stranger tries whatever they know of others. knows: the digits of a victim's phone, too."""
        for chat in chats:
            at = victims[0].placed_at + soon(self.rng, MINUTE, HOUR, DAY)
            for _ in range(self.rng.choice((1, 2, 3))):
                victim = self.rng.choice(victims)
                at = max(at, victim.placed_at + soon(self.rng, MINUTE, HOUR)) if knows else at
                self._pry(chat, at, victim, knows)
                at += soon(self.rng, MINUTE, 5 * HOUR, DAY)
        return self.sent

    def stop_beside(self, own: Sequence[Draft], elsewhere: Sequence[Draft]) -> list[Sent]:
        """They want no more words in their chat, while an order elsewhere is told to the same mailbox."""
        self.sent = []
        if elsewhere and self.person.buyer and self.rng.random() < 0.5:
            first = min(order.placed_at for order in own)
            at = max(first, self.rng.choice(elsewhere).placed_at) + soon(self.rng, MINUTE, HOUR)
            self._write(Address("webhook", self.person.buyer), at, _STOP[self.person.locale], "stop")
        return self.sent

    def guesses(self, victim: Draft, chats: Sequence[Address]) -> list[Sent]:
        """A stranger tries one number after the other, from all their chats."""
        self.sent = []
        at = victim.placed_at + soon(self.rng, HOUR, 5 * HOUR)
        right = victim.contact.phone[-4:] if victim.contact.phone else ""
        for guess in range(14):
            digits = f"{guess:04}"
            if digits != right:
                chat = chats[guess % len(chats)]
                self._write(chat, at, f"{victim.number} {digits}", "proof", victim.number, digits)
            at += soon(self.rng, MINUTE)
        return self.sent

    def forwarded(self, victim: Draft, chat: int) -> list[Sent]:
        """A link that was passed on is opened in two chats of Telegram, one after the other, and both ask."""
        self.sent = []
        at = victim.placed_at + soon(self.rng, HOUR, 5 * HOUR)
        for number in (chat, chat + 100) if victim.contact.email else ():
            address = Address("telegram", str(number))
            self._open_link(address, at, Address("email", str(victim.contact.email)))
            self._write(address, at + MINUTE, self.rng.choice(_QUESTIONS[self.person.locale]), "question")
            at += soon(self.rng, HOUR)
        return self.sent

    def _prove(self, chat: Address, at: datetime, order: Draft) -> None:
        digits = order.contact.phone[-4:] if order.contact.phone else None
        draw = self.rng.random()
        if draw < 0.2 and order.contact.email:
            self._open_link(chat, at, Address("email", order.contact.email))
        elif digits and draw < 0.8:
            self._write(chat, at, f"{order.number} {digits}", "proof", order.number, digits)
        else:
            self._write(chat, at, f"{order.number} 0000", "proof", order.number, "0000")

    def _ask_late(self, chat: Address, order: Draft) -> None:
        """When what was promised is over, or nearly so."""
        at = order.placed_at + soon(self.rng, 3 * DAY, 5 * DAY, 8 * DAY)
        question = self.rng.choice(_QUESTIONS[self.person.locale])
        self._write(chat, at, f"{question} {order.number}", "question", order.number)

    def _say(self, chat: Address, at: datetime, order: Draft) -> None:
        locale = self.person.locale
        match self.rng.choices(
            ("ask", "named", "verified", "person", "stop", "start", "replied", "pressing"),
            (8, 4, 1, 1, 2, 2, 2, 2),
        )[0]:
            case "ask":
                self._write(chat, at, self.rng.choice(_QUESTIONS[locale]), "question")
            case "named":
                text = f"{self.rng.choice(_QUESTIONS[locale])} {order.number}"
                self._write(chat, at, text, "question", order.number)
            case "verified" if chat.kind == "webhook" and self.person.email:
                self._write(chat, at, self.rng.choice(_QUESTIONS[locale]), "question", verified=True)
            case "person":
                self._write(chat, at, _PERSON[locale], "person")
            case "stop":
                self._write(chat, at, _STOP[locale], "stop")
            case "start":
                ahead = self._write(chat, at, "START", "start")
                if ahead or self.rng.random() < 0.5:
                    self._write(chat, at + MINUTE, _STOP[locale], "stop")
                    if not ahead:
                        self._overtake()
            case "pressing":
                self._write(chat, at, _PRESSING[locale], "pressing")
            case "replied" if chat.kind == "webhook":
                self._reply(chat, at)

    def _waver(self, chat: Address, at: datetime) -> None:
        """START, by a clock that runs ahead or told late, and at once STOP, before much is said."""
        start = Wrote(at=at, chat=chat, text="START", asks="start", name=self.person.name)
        ahead = self.rng.random() < 0.5
        start = replace(start, at=at + 30 * DAY) if ahead else start
        stop = replace(start, at=at + MINUTE, text=_STOP[self.person.locale], asks="stop")
        for word, told in ((start, at if ahead else at + 3 * MINUTE), (stop, at + MINUTE)):
            self._send(told, bodies.wrote(f"m-{next(self.ids)}", word))

    def _overtake(self) -> None:
        """The last word comes before the one that was written before it."""
        if len(self.sent) > 1:
            late = self.sent[-2]
            self.sent[-2] = replace(late, at=self.sent[-1].at + soon(self.rng, MINUTE, HOUR))

    def _pry(self, chat: Address, at: datetime, order: Draft, knows: bool) -> None:
        question = self.rng.choice(_QUESTIONS[self.person.locale])
        match self.rng.choices(("ask", "named", "wrong", "right", "stop"), (1, 1, 1, 4, 1))[0]:
            case "named":
                self._write(chat, at, f"{question} {order.number}", "question", order.number)
            case "wrong":
                self._write(chat, at, f"{order.number} 0000", "proof", order.number, "0000")
            case "right" if knows and order.contact.phone:
                digits = order.contact.phone[-4:]
                self._write(chat, at, f"{order.number} {digits}", "proof", order.number, digits)
                if self.rng.random() < 0.6:
                    self._write(chat, at + MINUTE, _STOP[self.person.locale], "stop")
            case "stop":
                self._write(chat, at, _STOP[self.person.locale], "stop")
            case _:
                self._write(chat, at, question, "question")

    def _write(
        self,
        chat: Address,
        at: datetime,
        text: str,
        asks: str,
        number: str | None = None,
        digits: str | None = None,
        verified: bool = False,
    ) -> bool:
        """True if it is dated by a clock that runs ahead."""
        name = self.person.name if chat.kind == "telegram" else None
        word = Wrote(at=at, chat=chat, text=text, asks=asks, number=number, digits=digits, name=name)
        word = replace(word, verified=self.person.email) if verified else word
        id = next(self.ids)
        ahead = asks in ("stop", "start") and id % _AHEAD == 0
        word = replace(word, at=at + 30 * DAY) if ahead else word
        self._send(at, bodies.wrote(f"m-{id}", word, stranger=self.person.stranger))
        return ahead

    def _open_link(self, chat: Address, at: datetime, heard_at: Address) -> None:
        word = Wrote(at=at, chat=chat, text="/start", asks="link", opened=heard_at, name=self.person.name)
        id = f"m-{next(self.ids)}"
        self._send(at, bodies.wrote(id, word, link_from=heard_at, stranger=self.person.stranger))

    def _reply(self, chat: Address, at: datetime) -> None:
        id = f"m-{next(self.ids)}"
        told = {"id": id, "buyer": {"id": chat.value}, "text": "Lin here", "sent_at": at.isoformat()}
        fact: Fact = Replied(at=at, chat=chat)
        self._send(at, bodies.webhook(id, "agent.replied", at, "message", told, fact))

    def _opt_out(self, at: datetime) -> None:
        assert self.person.email
        fact = OptedOut(at=at, addresses=(Address("email", self.person.email),))
        told = {"email": self.person.email}
        self._send(at, bodies.webhook(f"m-{next(self.ids)}", "buyer.opted_out", at, "buyer", told, fact))

    def _send(self, at: datetime, delivery: bodies.Delivery) -> None:
        if at < self.horizon - timedelta(days=1):
            self.sent.append(Sent(at, delivery))
