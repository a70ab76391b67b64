"""Days in seconds: a clock that is set by hand, and the program run on it from one due moment to the next."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from xiaoer.bot.app import Program
from xiaoer.storage import calendar, outbox

STEP = timedelta(hours=1)  # the longest leap, so that what the calendar starts is not passed over


class HandClock:
    """Stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def settle(program: Program) -> None:
    """Do everything that can be done at this moment."""
    while await program.calendar_round() + await program.react_round() + await program.courier.deliver_due():
        await program.courier.stop()


async def nobody_looks() -> None:
    pass


async def fast_forward(
    program: Program,
    clock: HandClock,
    until: datetime,
    look: Callable[[], Awaitable[None]] = nobody_looks,
) -> None:
    """Live through the time up to `until`, stopping wherever something is due. `look` sees every stop."""
    await settle(program)
    await look()
    while clock.now < until:
        following = await program.database.read(_next)
        leap = min(clock.now + STEP, until)
        clock.now = min(leap, following) if following and following > clock.now else leap
        await settle(program)
        await look()


def _next(connection: Connection) -> datetime | None:
    moments = [outbox.next_due(connection), calendar.next_wake(connection)]
    return min((moment for moment in moments if moment), default=None)
