"""Whole journeys: from the first delivery until the last message was received and recorded as sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter

import msgspec

from bench.contenders import BARE, CHAT, PAID, PLACED, Contender
from bench.deliveries import Numbers, chats, paid, placed
from bench.errors import CannotMeasure
from bench.figures import Figures, Size
from bench.load import LONGEST, Answers, drive
from bench.receiver import Receiver, receiving
from bench.records import Records
from bench.servers import Server, prepare, standing
from bench.stores import Stores
from bench.weighing import Scales, megabytes

LOOK = 0.01  # seconds


class Traveller(msgspec.Struct):
    """A contender at work, the chat it speaks to, and its store."""

    contender: Contender
    server: Server
    receiver: Receiver
    store: str
    asked: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def name(self) -> str:
        return self.contender.name


class Load(msgspec.Struct, frozen=True):
    """Deliveries of one kind that lead to one message each, at once."""

    kind: str
    requests: Sequence[bytes]


class Journeys:
    """All are at work at once and are asked in turns: chats of everyone, orders and payments of us."""

    def __init__(self, stores: Stores, size: Size, figures: Figures, step: Callable[[str], None]) -> None:
        self._stores = stores
        self._size = size
        self._figures = figures
        self._step = step
        self._numbers = Numbers()
        self._travellers: list[Traveller] = []
        self._warm: dict[str, float] = {}  # chats a second

    @staticmethod
    def steps(contenders: Sequence[Contender], size: Size) -> int:
        loads = sum(3 if each.ours or each is BARE else 1 for each in contenders)
        paced = sum(each is not BARE for each in contenders)
        return loads * (size.rounds + 1) + paced * size.rounds

    async def measure(self, contenders: Sequence[Contender]) -> None:
        """Raises CannotMeasure if a message of ours was not sent, or was sent twice."""
        async with AsyncExitStack() as running:
            for contender in contenders:
                with self._figures.excused(contender):
                    self._travellers.append(await running.enter_async_context(self._setting_out(contender)))
            await self._warm_up()
            for _ in range(self._size.rounds):
                await self._round(self._figures, self._size.journeys)
            for _ in range(self._size.rounds):
                await self._each(self._paced)
            await self._each(self._take_leave)

    async def _each(self, turn: Callable[[Traveller], Awaitable[None]]) -> None:
        for traveller in self._travellers:
            if self._figures.here(traveller.contender) and traveller.contender is not BARE:
                with self._figures.excused(traveller.contender):
                    await turn(traveller)

    @asynccontextmanager
    async def _setting_out(self, contender: Contender) -> AsyncIterator[Traveller]:
        store = self._stores.fresh(contender, "journeys")
        if contender.ours:
            prepare(store)
        receiver = Receiver()
        async with receiving(receiver) as address:
            with standing(contender, "whole", store, address) as server:
                yield Traveller(contender, server, receiver, store)

    async def _warm_up(self) -> None:
        figures = Figures()
        await self._round(figures, self._size.warm(self._size.journeys))
        for traveller in self._travellers:
            if self._figures.here(traveller.contender):
                self._warm[traveller.name] = figures.rate(CHAT, traveller.name)
            if traveller.contender.ours:
                with Records(traveller.store) as records:
                    await records.analyse()

    async def _round(self, figures: Figures, count: int) -> None:
        """Orders, payments of three quarters of them, and chats."""
        orders = self._numbers.fresh(count)
        loads = (
            (PLACED, placed, orders),
            (PAID, paid, orders[count // 4 :]),
            (CHAT, chats, self._numbers.fresh(count)),
        )
        for kind, requests, numbers in loads:
            load = Load(kind, requests(numbers))  # only now: a signature is good for some minutes
            for traveller in self._travellers:
                contender = traveller.contender
                takes_part = load.kind == CHAT or contender.ours or contender is BARE
                if takes_part and self._figures.here(contender):
                    with self._figures.excused(contender):
                        await self._turn(traveller, self._fitting(load, traveller), figures)

    def _fitting(self, load: Load, traveller: Traveller) -> Load:
        """Fewer chats for who is slow; orders are all needed by the payments that follow."""
        if load.kind != CHAT or traveller.name not in self._warm:
            return load
        count = self._size.spanned(len(load.requests), self._warm[traveller.name])
        return Load(CHAT, load.requests[:count])

    async def _turn(self, traveller: Traveller, load: Load, figures: Figures) -> None:
        name, count = traveller.name, len(load.requests)
        scales = Scales(traveller.server.processes, self._stores.processes(traveller.store))
        answers = await self._journey(traveller, load)
        seconds = perf_counter() - answers.started
        figures.efforts[load.kind, name].append(scales.effort(count))
        figures.rates[load.kind, name].append(count / seconds)

    async def _paced(self, traveller: Traveller) -> None:
        """How long a buyer waits for the answer to arrive, from when the message was due."""
        rate = self._figures.rate(CHAT, traveller.name) / 2
        guests = self._numbers.fresh(self._size.paced(rate))
        receiver = traveller.receiver
        receiver.watching = True
        answers = await self._journey(traveller, Load(CHAT, chats(guests)), rate)
        receiver.watching = False
        self._figures.waits[CHAT, traveller.name] += [
            receiver.came.pop(guest) - due for guest, due in zip(guests, answers.dues, strict=True)
        ]

    async def _journey(self, traveller: Traveller, load: Load, rate: float | None = None) -> Answers:
        """Until the last message has arrived and is noted as sent; at the bare server, until its answer."""
        self._step(f"{load.kind}, {traveller.name}")
        answers = await drive(traveller.server, load.requests, self._size.connections, rate)
        if traveller.contender is not BARE:
            traveller.asked[load.kind] += len(load.requests)
            await self._finished(traveller)
            self._figures.weigh(CHAT, traveller.name, megabytes(traveller.server.processes))
        return answers

    async def _finished(self, traveller: Traveller) -> None:
        wanted, recorded = traveller.asked.total(), traveller.contender.recorded
        try:
            async with asyncio.timeout(LONGEST):
                await traveller.receiver.until(wanted)
                while await asyncio.to_thread(self._stores.counted, traveller.store, recorded) < wanted:  # noqa: ASYNC110  # another process's doing
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            missing = wanted - traveller.receiver.count
            raise CannotMeasure(f"{traveller.name}: {missing} messages did not come") from None

    async def _take_leave(self, traveller: Traveller) -> None:
        if traveller.contender.ours:
            with Records(traveller.store) as records:
                await _prove(traveller, records)
        receiver, wanted = traveller.receiver, traveller.asked.total()
        if (receiver.count, receiver.doubles) != (wanted, 0):
            raise CannotMeasure(
                f"{traveller.name}: {receiver.count} of {wanted} messages, {receiver.doubles} of them twice"
            )
        self._figures.messages[traveller.name] = receiver.count


async def _prove(traveller: Traveller, records: Records) -> None:
    """Every delivery led to its message, once, and what is for later waits."""
    messages, asked = await records.messages(), traveller.asked
    found = {
        "hello": messages["hello", "sent"],
        "order_confirmation": messages["order_confirmation", "sent"],
        "payment_received": messages["payment_received", "sent"],
        "reminders that wait": messages["payment_reminder", "queued"],
        "reminders withdrawn": messages["payment_reminder", "withdrawn"],
        "deadlines": await records.deadlines(),
        "deliveries not handled": await records.unhandled(),
    }
    wanted = {
        "hello": asked[CHAT],
        "order_confirmation": asked[PLACED],
        "payment_received": asked[PAID],
        "reminders that wait": 3 * (asked[PLACED] - asked[PAID]),
        "reminders withdrawn": 3 * asked[PAID],
        "deadlines": asked[PLACED] + asked[PAID],  # to pay by, and to ship by once paid
        "deliveries not handled": 0,
    }
    wrong = [
        f"{what} {found[what]} instead of {wanted[what]}" for what in wanted if found[what] != wanted[what]
    ]
    if wrong:
        raise CannotMeasure(f"{traveller.name}: {', '.join(wrong)}")
