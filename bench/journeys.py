"""Whole journeys: from the first delivery until the last message was received and recorded as sent."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import msgspec

from bench.deliveries import Numbers, chats, mixed, paid, placed
from bench.errors import CannotMeasure
from bench.figures import Figures, Size
from bench.load import LONGEST, Answers, drive
from bench.receiver import Receiver
from bench.records import Records
from bench.servers import Server

WORKING = "intake_while_working"  # acknowledgements while orders are handled and messages sent
PLACED, PAID, CHAT, MIXED = "placed", "paid", "chat", "mixed"


class Program(msgspec.Struct, frozen=True):
    """Xiaoer, the chat it speaks to, and what it wrote down."""

    server: Server
    receiver: Receiver
    records: Records


class Load(msgspec.Struct, frozen=True):
    """Deliveries that lead to one message each, at once; the kinds among them are counted."""

    name: str
    requests: Sequence[bytes]
    kinds: Counter[str]


def steps(size: Size) -> int:
    return 4 * 3 * (size.rounds + 1) + 2 * size.rounds


class Journeys:
    def __init__(
        self,
        bare: Server,
        programs: Sequence[Program],
        size: Size,
        figures: Figures,
        step: Callable[[str], None],
    ) -> None:
        self._bare = bare
        self._programs = programs
        self._size = size
        self._figures = figures
        self._step = step
        self._numbers = Numbers()
        self._asked = {program.server.name: Counter[str]() for program in programs}

    async def measure(self) -> None:
        """Raises CannotMeasure if a message was not sent, or was sent twice."""
        await self._round(Figures(), self._size.journeys // 4)  # warms up
        for program in self._programs:
            await program.records.analyse()
        for _ in range(self._size.rounds):
            await self._round(self._figures, self._size.journeys)
        for _ in range(self._size.rounds):
            await self._paced_round()
        for program in self._programs:
            await _prove(program, self._asked[program.server.name])

    async def _round(self, figures: Figures, count: int) -> None:
        for load in _loads(self._numbers, count):
            self._step(f"{load.name}, {self._bare.name}")
            answers = await drive(self._bare, load.requests, self._size.connections)
            figures.rates[load.name, self._bare.name].append(len(load.requests) / answers.seconds)
            for program in self._programs:
                answers, seconds = await self._journey(program, load)
                figures.rates[load.name, program.server.name].append(len(load.requests) / seconds)
                if load.name == PLACED:
                    figures.rates[WORKING, program.server.name].append(len(load.requests) / answers.seconds)
            if load.name == PLACED:
                figures.rates[WORKING, self._bare.name] = figures.rates[PLACED, self._bare.name]

    async def _paced_round(self) -> None:
        """Orders at half the rate at which they can be seen through."""
        for program in self._programs:
            name = program.server.name
            rate = self._figures.half_rate(PLACED, name)
            count = self._size.paced(rate)
            load = Load(WORKING, placed(self._numbers.fresh(count)), Counter(placed=count))
            answers, _ = await self._journey(program, load, rate)
            self._figures.waits[WORKING, name] += answers.waits

    async def _journey(
        self, program: Program, load: Load, rate: float | None = None
    ) -> tuple[Answers, float]:
        """The answers, and the seconds from the first delivery to the last record."""
        self._step(f"{load.name}, {program.server.name}")
        self._asked[program.server.name] += load.kinds
        receiver = program.receiver
        wanted = receiver.count + len(load.requests)
        answers = await drive(program.server, load.requests, self._size.connections, rate)
        try:
            async with asyncio.timeout(LONGEST):
                await receiver.until(wanted)
                await program.records.all_recorded()
        except TimeoutError:
            missing = wanted - receiver.count
            raise CannotMeasure(f"{program.server.name}: {missing} messages did not come") from None
        return answers, perf_counter() - answers.started


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


async def _prove(program: Program, asked: Counter[str]) -> None:
    """Every delivery led to its message, once, and what is for later waits."""
    name = program.server.name
    told = await program.records.told()
    found = {
        "hello": told["hello", "sent"],
        "order_confirmation": told["order_confirmation", "sent"],
        "payment_received": told["payment_received", "sent"],
        "reminders that wait": told["payment_reminder", "queued"],
        "reminders withdrawn": told["payment_reminder", "withdrawn"],
        "deadlines": await program.records.deadlines(),
        "deliveries not handled": await program.records.unhandled(),
        "messages received": program.receiver.count,
        "messages received twice": program.receiver.doubles,
    }
    wanted = {
        "hello": asked[CHAT],
        "order_confirmation": asked[PLACED],
        "payment_received": asked[PAID],
        "reminders that wait": 3 * (asked[PLACED] - asked[PAID]),
        "reminders withdrawn": 3 * asked[PAID],
        "deadlines": asked[PLACED],
        "deliveries not handled": 0,
        "messages received": asked.total(),
        "messages received twice": 0,
    }
    wrong = [
        f"{what} {found[what]} instead of {wanted[what]}" for what in wanted if found[what] != wanted[what]
    ]
    if wrong:
        raise CannotMeasure(f"{name}: {', '.join(wrong)}")
