"""Strangers who know every mail address, phone and order number of the others: nothing crosses over."""

import itertools
import re
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.events import BuyerOptedOut, BuyerRef, Event
from bot.domain.wishes import EMAIL
from storage import tables, wish_records
from storage.asking import ask
from tests.engine import Engine, FakeChannel, ManyShops, in_many_shops
from tests.react.test_identities import CHANNELS, placed, shipped, wrote
from tests.world import SECRET

HOUR = timedelta(hours=1)
PEOPLE = ("ann", "bob", "eve")
MAIL = {name: f"{name}@example.com" for name in PEOPLE}
PHONE = {name: f"+861380000{n}{n}{n}{n}" for n, name in enumerate(PEOPLE, start=1)}
CHAT = {name: f"4{n}" for n, name in enumerate(PEOPLE)}
PLATFORMS = ("shopify", "woo", "own")
SENDING = ("telegram", "mail", "own")
NUMBERS = tuple(f"2026{n}" for n in range(4))

people = st.sampled_from(PEOPLE)
numbers = st.sampled_from(NUMBERS)
contacts = st.fixed_dictionaries(
    {}, optional={"email": people.map(MAIL.get), "phone": people.map(PHONE.get), "name": people}
)


class Order(NamedTuple):
    """As one platform tells of it. by: the person whom the platform knows, None for a guest."""

    platform: str
    number: str
    by: str | None
    contact: dict[str, str]


class Says(NamedTuple):
    """One person's message in their own chat, on Telegram or in the shop's own system."""

    channel: str
    by: str
    text: str
    contact: dict[str, str]


class Ships(NamedTuple):
    platform: str
    number: str


class Follows(NamedTuple):
    """Somebody opens the newest link that came to their own mailbox."""

    by: str


class Stops(NamedTuple):
    """The link at the end of a mail to somebody, which they alone have."""

    by: str


texts = st.one_of(
    st.sampled_from(("hello", "stop", "where is my order?", "START", "paid", "agent please")),
    numbers.map("where is order {}?".format),
    st.builds("订单 {}，尾号 {}".format, numbers, people.map(lambda name: PHONE[name][-4:])),
    st.builds("姓名：{}\n电话：{}\n订单：{}".format, people, people.map(PHONE.get), numbers),
    st.builds("{} {}".format, people.map(MAIL.get), numbers),
)
orders = st.builds(Order, st.sampled_from(PLATFORMS), numbers, st.none() | people, contacts)
steps = st.one_of(
    orders,
    st.builds(Says, st.sampled_from(("telegram", "own")), people, texts, contacts),
    st.builds(Ships, st.sampled_from(PLATFORMS), numbers),
    st.builds(Follows, people),
    st.builds(Stops, people),
)
histories = st.tuples(st.lists(orders, min_size=4, max_size=7), st.lists(steps, min_size=4, max_size=9)).map(
    lambda both: [*both[0], *both[1]]
)

TWO_MAILBOXES: list[Any] = [  # of one customer; what is told of the elder order stays in its own
    Order("shopify", "20260", "ann", {"email": MAIL["ann"]}),
    Order("shopify", "20261", "ann", {"email": MAIL["bob"]}),
    Ships("shopify", "20260"),
]
ONE_PHONE: list[
    Any
] = [  # of a stranger's unpaid guest order; its mailbox hears of that alone, and stops alone
    Order("shopify", "20260", "ann", {"email": MAIL["ann"], "phone": PHONE["ann"]}),
    Order("woo", "20261", None, {"email": MAIL["eve"], "phone": PHONE["ann"]}),
    Stops("eve"),
    Ships("shopify", "20260"),
]


class Town:
    """One shop and its people, and what each address may hear, by rules written apart from the engine's."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.told: dict[tuple[str, str], Order] = {}  # the newest showing of (platform, number)
        self.opened: set[tuple[str, tuple[str, str]]] = set()  # address, order
        self.silent: dict[str, bool] = {}  # address -> after their own last word
        self.names = itertools.count(1)
        self.heard = 0

    async def take(self, step: Any) -> None:
        event = self.event(step)
        if event is not None:
            await self.engine.take(event)
        await self.engine.settle()
        self.listen()
        self.engine.clock.now += HOUR

    def event(self, step: Any) -> Event | None:
        now, name = self.engine.clock.now, f"e{next(self.names)}"
        match step:
            case Order():
                before = self.told.get((step.platform, step.number))
                merged = {**(before.contact if before else {}), **step.contact}
                self.told[step.platform, step.number] = step._replace(contact=merged)
                return placed(step.number, step.platform, now, step.by, **step.contact)
            case Ships():
                known = (step.platform, step.number) in self.told
                return shipped(step.number, now, step.platform) if known else None
            case Says():
                return self.said(step, name)
            case Follows():
                mails = [one.message for one in self.sent("mail") if one.message.address == MAIL[step.by]]
                links = [
                    (mail, found[1]) for mail in mails if (found := re.search(r"start=([\w-]+)", mail.text))
                ]
                if not links:
                    return None
                self.opened |= {
                    (CHAT[step.by], key)
                    for key, order in self.told.items()
                    if order.contact.get("email") == MAIL[step.by]
                }
                return wrote(f"/start {links[-1][1]}", CHAT[step.by], at=now, id=name)
            case Stops():
                self.silent[MAIL[step.by]] = True
                box = (EMAIL, MAIL[step.by])
                return BuyerOptedOut(
                    channel="xiaoer", external_id=name, at=now, buyer=BuyerRef(), address=box
                )
        raise AssertionError(step)

    def said(self, step: Says, name: str) -> Event:
        address = CHAT[step.by] if step.channel == "telegram" else step.by
        if step.text == "stop":
            self.silent[address] = True
        if step.text == "START":
            self.silent[address] = False
        for key, order in self.told.items():
            phone = order.contact.get("phone")
            if key[1] in step.text and phone and phone[-4:] in step.text and step.text.startswith("订单"):
                self.opened.add((address, key))
        event = wrote(step.text, address, step.channel, self.engine.clock.now, name)
        return type(event)(**{**fields_of(event), "buyer": BuyerRef(id=address, **step.contact)})

    def sent(self, channel: str) -> list[Any]:
        return self.engine.channels[channel].sent

    def listen(self) -> None:
        """Judge every message that came since the last step."""
        every = self.engine.sent
        for one in every[self.heard :]:
            self.judge(one.channel, one.message)
        self.heard = len(every)

    def judge(self, channel: str, message: Any) -> None:
        address = message.address
        answer = message.template in ANSWERS
        assert answer or not self.silent.get(address, False), ("after a stop", address, message.key)
        if message.order is None:
            assert "杯子" not in message.text
            assert "TR7" not in message.text
            return
        mine = [
            key
            for key, order in self.told.items()
            if key[1] == message.order and self.may_hear(channel, address, key, order)
        ]
        assert mine, ("of another's order", channel, address, message.key, message.text)

    def may_hear(self, channel: str, address: str, key: tuple[str, str], order: Order) -> bool:
        if (address, key) in self.opened:
            return True
        if channel == "mail":
            return order.contact.get("email") == address
        return channel == order.platform and order.by == address


ANSWERS = {
    *("hello", "stopped", "resumed", "which_order", "not_matched", "where_is_order", "payment_status"),
    *(
        "human_coming",
        "not_understood",
        "payment_claimed",
        "form_received",
        "form_incomplete",
        "when_ship",
        "thanks",
    ),
}


def fields_of(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def test_no_message_order_or_silence_crosses_between_strangers(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=12 if shops.database.dialect == "sqlite" else 3)
        @given(histories)
        @example(TWO_MAILBOXES)
        @example(ONE_PHONE)
        def check(history: list[Any]) -> None:
            run(lived(shops, history))

        check()


async def lived(shops: ManyShops, history: list[Any]) -> None:
    own = {"own": {"kind": "webhook", "secrets": [SECRET], "url": "http://127.0.0.1:9/"}}
    engine = shops.engine(channels={**CHANNELS, **own}, locale="zh-CN")
    engine.use_channels(*(FakeChannel(name, engine.clock) for name in SENDING))
    town = Town(engine)
    for step in history:
        await town.take(step)
    await nothing_crossed(engine, town)


async def nothing_crossed(engine: Engine, town: Town) -> None:
    """The files: one for each id that a channel told, and none of two channels."""
    owners: dict[str, set[str]] = {}
    for kind, _, buyer in await engine.rows(tables.identities, "kind", "value", "buyer"):
        owners.setdefault(buyer, set()).add(kind)
    assert all(len(kinds) == 1 for kinds in owners.values())
    orders = await engine.orders()
    found = await engine.rows(tables.identities, "kind", "value", "buyer")
    ids = {(kind, value): buyer for kind, value, buyer in found}
    guests = {buyer for (kind, _), buyer in ids.items() if kind.startswith("guest of ")}
    assert {(each.channel, each.platform_id) for each in orders.values()} == set(town.told)
    for each in orders.values():
        by = town.told[each.channel, each.platform_id].by
        assert each.buyer in guests if by is None else each.buyer == ids[each.channel, by]
    places = {(EMAIL, mail) for mail in MAIL.values()} | {
        *(("telegram", chat) for chat in CHAT.values()),
        *(("own", name) for name in PEOPLE),
    }
    holds = await engine.database.read(lambda link: ask(link, engine.shop, wish_records.standings(places)))
    for kind, address in places:
        assert holds[kind, address].stopped == town.silent.get(address, False), (kind, address)
