"""Whole journeys: from the first delivery until the last message was received and recorded as sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter

import msgspec

from bench.contenders import BARE, CHAT, Contender
from bench.deliveries import Numbers, chats, mixed, paid, placed
from bench.errors import CannotMeasure
from bench.figures import Figures, Size
from bench.load import LONGEST, Answers, drive
from bench.receiver import Receiver, receiving
from bench.records import Records
from bench.servers import Server, prepare, standing
from bench.stores import Stores, counted
from bench.weighing import megabytes, processor_seconds

WORKING = "intake_while_working"  # acknowledgements while orders are handled and messages sent
PLACED, PAID, MIXED = "placed", "paid", "mixed"  # besides chats: journeys of ours alone
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

    async def finished(self, wanted: int) -> None:
        """So many different messages have come in all, and are noted as sent."""
        async with asyncio.timeout(LONGEST):
            await self.receiver.until(wanted)
            while await asyncio.to_thread(counted, self.store, self.contender.recorded) < wanted:  # noqa: ASYNC110  # another process's doing
                await asyncio.sleep(LOOK)


class Load(msgspec.Struct, frozen=True):
    """Deliveries that lead to one message each, at once; the kinds among them are counted."""

    name: str
    requests: Sequence[bytes]
    kinds: Counter[str]


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
        loads = sum(4 if each.ours or each is BARE else 1 for each in contenders)
        paced = sum(2 if each.ours else 1 for each in contenders if each is not BARE)
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
                for traveller in self._here():
                    with self._figures.excused(traveller.contender):
                        await self._paced(traveller)
            for traveller in self._here():
                with self._figures.excused(traveller.contender):
                    await self._take_leave(traveller)

    def _here(self) -> Iterator[Traveller]:
        return (each for each in self._travellers if self._figures.here(each.contender))

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
        for traveller in self._here():
            self._warm[traveller.name] = figures.rate(CHAT, traveller.name)
            if traveller.contender.ours:
                with Records(traveller.store) as records:
                    await records.analyse()

    async def _round(self, figures: Figures, count: int) -> None:
        for load in _loads(self._numbers, count):
            for traveller in self._here():
                if load.name == CHAT or traveller.contender.ours or traveller.contender is BARE:
                    with self._figures.excused(traveller.contender):
                        await self._turn(traveller, self._fitting(load, traveller), figures)

    async def _turn(self, traveller: Traveller, load: Load, figures: Figures) -> None:
        name, count = traveller.name, len(load.requests)
        working = [*traveller.server.processes, *self._stores.processes(traveller.store)]
        before = processor_seconds(working)
        if traveller.contender is BARE:
            self._step(f"{load.name}, {name}")
            answers = await drive(traveller.server, load.requests, self._size.connections)
            seconds = answers.seconds
        else:
            answers, seconds = await self._journey(traveller, load)
        figures.rates[load.name, name].append(count / seconds)
        figures.effort[load.name, name].append((processor_seconds(working) - before) / count)
        if load.name == PLACED:
            figures.rates[WORKING, name].append(count / answers.seconds)

    def _fitting(self, load: Load, traveller: Traveller) -> Load:
        """Fewer chats for who is slow; orders are all needed by the payments that follow."""
        if load.name != CHAT or traveller.name not in self._warm:
            return load
        count = self._size.spanned(len(load.requests), self._warm[traveller.name])
        return Load(CHAT, load.requests[:count], Counter(chat=count))

    async def _paced(self, traveller: Traveller) -> None:
        """At half the rate: orders of ours for their answers, and everyone's chats for their messages."""
        if traveller.contender is BARE:
            return
        if traveller.contender.ours:
            rate = self._figures.half_rate(PLACED, traveller.name)
            count = self._size.paced(rate)
            load = Load(WORKING, placed(self._numbers.fresh(count)), Counter(placed=count))
            answers, _ = await self._journey(traveller, load, rate)
            self._figures.waits[WORKING, traveller.name] += answers.waits
        await self._paced_chats(traveller)

    async def _paced_chats(self, traveller: Traveller) -> None:
        """How long a buyer waits for the answer to arrive, from when the message was due."""
        rate = self._figures.half_rate(CHAT, traveller.name)
        guests = self._numbers.fresh(self._size.paced(rate))
        receiver = traveller.receiver
        receiver.watching = True
        load = Load(CHAT, chats(guests), Counter(chat=len(guests)))
        answers, _ = await self._journey(traveller, load, rate)
        receiver.watching = False
        self._figures.waits[CHAT, traveller.name] += [
            receiver.came.pop(guest) - due for guest, due in zip(guests, answers.dues, strict=True)
        ]

    async def _journey(
        self, traveller: Traveller, load: Load, rate: float | None = None
    ) -> tuple[Answers, float]:
        """The answers, and the seconds from the first delivery to the last record."""
        self._step(f"{load.name}, {traveller.name}")
        traveller.asked += load.kinds
        wanted = traveller.asked.total()
        answers = await drive(traveller.server, load.requests, self._size.connections, rate)
        try:
            await traveller.finished(wanted)
        except TimeoutError:
            missing = wanted - traveller.receiver.count
            raise CannotMeasure(f"{traveller.name}: {missing} messages did not come") from None
        seconds = perf_counter() - answers.started
        self._figures.weigh(CHAT, traveller.name, megabytes(traveller.server.processes))
        return answers, seconds

    async def _take_leave(self, traveller: Traveller) -> None:
        if traveller.contender is BARE:
            return
        if traveller.contender.ours:
            with Records(traveller.store) as records:
                await _prove(traveller, records)
        receiver, wanted = traveller.receiver, traveller.asked.total()
        if (receiver.count, receiver.doubles) != (wanted, 0):
            raise CannotMeasure(
                f"{traveller.name}: {receiver.count} of {wanted} messages, {receiver.doubles} of them twice"
            )
        self._figures.messages[traveller.name] = receiver.count
        self._figures.doubles[traveller.name] = receiver.doubles


def _loads(numbers: Numbers, count: int) -> Iterator[Load]:
    """A round: orders, payments of three quarters of them, chats, and a mixture that pays the rest."""
    quarter = count // 4
    orders = numbers.fresh(4 * quarter)
    yield Load(PLACED, placed(orders), Counter(placed=len(orders)))
    yield Load(PAID, paid(orders[quarter:]), Counter(paid=3 * quarter))
    yield Load(CHAT, chats(numbers.fresh(count)), Counter(chat=count))
    yield Load(
        MIXED,
        mixed(numbers.fresh(2 * quarter), numbers.fresh(quarter), orders[:quarter]),
        Counter(chat=2 * quarter, placed=quarter, paid=quarter),
    )


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
