"""Durable intake: distinct orders, verified, parsed, committed and answered, while nothing else goes on."""

from collections import Counter
from collections.abc import Callable, Sequence

from bench.deliveries import Numbers, placed
from bench.figures import Figures, Size
from bench.load import Answers, drive
from bench.servers import Server

INTAKE = "intake"


def steps(size: Size) -> int:
    return 3 * (2 * size.rounds + 1)


async def measure(
    servers: Sequence[Server], size: Size, figures: Figures, step: Callable[[str], None]
) -> Counter[str]:
    """Returns how many deliveries each server acknowledged in all."""
    numbers = Numbers()
    acknowledged = Counter[str]()

    async def ask(server: Server, requests: Sequence[bytes], rate: float | None = None) -> Answers:
        step(f"intake, {server.name}")
        answers = await drive(server, requests, size.connections, rate)
        acknowledged[server.name] += len(requests)
        return answers

    for number in range(-1, size.rounds):  # the first one warms up
        requests = placed(numbers.fresh(size.intake))
        for server in servers:
            answers = await ask(server, requests)
            if number >= 0:
                figures.rates[INTAKE, server.name].append(len(requests) / answers.seconds)
    for _ in range(size.rounds):
        for server in servers:
            rate = figures.half_rate(INTAKE, server.name)
            requests = placed(numbers.fresh(size.paced(rate)))
            figures.waits[INTAKE, server.name] += (await ask(server, requests, rate)).waits
    return acknowledged
