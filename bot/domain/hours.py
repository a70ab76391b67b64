"""Quiet hours and daytime in a buyer's own zone, across midnight and clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.domain.shop import QuietHours

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
LEAST_DAYTIME = timedelta(minutes=30)  # less than this of a day left: offers wait for the next one


def in_quiet_hours(now: datetime, quiet: QuietHours, zone: ZoneInfo) -> bool:
    return quiet_until(now, quiet, zone) is not None


def quiet_until(now: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime | None:
    """When the quiet time that `now` lies in ends, in UTC; None if it lies in none.

    An hour that the clock repeats counts as quiet as long as one of the two would be.
    """
    if quiet.start == quiet.end:
        return None
    until = _end_of_night(now, quiet, zone)
    while until is not None:  # a repeated hour may join two nights of a very long quiet time
        further = _end_of_night(until, quiet, zone)
        if further is None:
            return until
        until = further
    return None


def waking_time_over(begins: datetime, wait: timedelta, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """When `wait` of time outside quiet hours has passed; of no more than one day's such time."""
    at, left = begins, min(wait, _waking_time(quiet))
    while True:
        at = quiet_until(at, quiet, zone) or at
        night = _next_night(at, quiet, zone)
        if night is None or night - at >= left:
            return at + left
        at, left = night, left - (night - at)


def _waking_time(quiet: QuietHours) -> timedelta:
    day = date(2000, 1, 1)
    return (datetime.combine(day, quiet.start) - datetime.combine(day, quiet.end)) % DAY or DAY


def _next_night(at: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime | None:
    """When the first night after `at` begins; None without quiet hours."""
    if quiet.start == quiet.end:
        return None
    today = at.astimezone(zone).date()
    nights = (
        *_nights(today, quiet.start, quiet.end, zone),
        *_nights(today + DAY, quiet.start, quiet.end, zone),
    )
    return min(begins for begins, _ in nights if begins > at)


def daytime_slot(now: datetime, daytime: tuple[time, time], zone: ZoneInfo, share: float) -> datetime:
    """The time `share` (0 to 1) into the buyer's next daytime, in UTC, never before `now`.

    During the daytime the share counts from what is left of it, unless less than half an hour is left.
    Raises ValueError if the next three days have no such daytime.
    """
    today = now.astimezone(zone).date()
    for day in (today, today + DAY, today + 2 * DAY):
        opens, closes = to_utc(day, daytime[0], zone, False), to_utc(day, daytime[1], zone, True)
        begins = max(opens, now.astimezone(UTC))
        too_late = closes - begins < LEAST_DAYTIME if begins > opens else closes <= opens
        if not too_late:
            return min(begins + (closes - begins) * share, max(begins, closes - SECOND))
    raise ValueError(f"daytime {daytime[0]}-{daytime[1]} does not exist in {zone.key}")


def _end_of_night(now: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime | None:
    nights = _nights(now.astimezone(zone).date(), quiet.start, quiet.end, zone)
    return next((ends for begins, ends in nights if begins <= now < ends), None)


@lru_cache(maxsize=4096)
def _nights(today: date, start: time, end: time, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """The nights around `today` in UTC: three, because a clock turned back over midnight repeats a date."""
    overnight = DAY if end < start else timedelta(0)
    return tuple(
        (to_utc(evening, start, zone, False), to_utc(evening + overnight, end, zone, True))
        for evening in (today - DAY, today, today + DAY)
    )


@lru_cache(maxsize=8192)
def to_utc(day: date, clock: time, zone: ZoneInfo, later: bool) -> datetime:
    """`clock` on `day` in UTC. If it occurs twice, the earlier or the `later`; if never, the clock change."""
    wall = datetime.combine(day, clock.replace(tzinfo=None))
    times = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shown = [at for at in times if at.astimezone(zone).replace(tzinfo=None) == wall]
    if not shown:
        return _change_of_clock(min(times), max(times), zone)
    return max(shown) if later else min(shown)


def _change_of_clock(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second after `before` at which the zone's offset is that of `after`."""
    new = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
