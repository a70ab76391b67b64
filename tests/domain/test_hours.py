"""Quiet hours and daytime, over zones and clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hours import daytime_slot, in_quiet_hours, quiet_until
from bot.domain.shop import QuietHours

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours()  # 22:00 to 08:00

ZONES = st.sampled_from(
    [
        "Asia/Shanghai",
        "Asia/Taipei",
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/Santiago",  # changes its clock at midnight
        "Australia/Lord_Howe",  # by half an hour
        "Asia/Kathmandu",
        "Pacific/Apia",  # left out a whole day in 2011
        "Africa/Casablanca",
        "America/Nuuk",
    ]
).map(ZoneInfo)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=9860)).map(
    lambda since: datetime(2011, 1, 1, tzinfo=UTC) + since
)
CLOCKS = st.times().map(lambda clock: clock.replace(microsecond=0))
QUIET = st.builds(QuietHours, start=CLOCKS, end=CLOCKS)


def local(text: str, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-21T21:59:59", None),
        ("2026-11-21T22:00:00", "2026-11-22T08:00:00"),
        ("2026-11-22T00:00:00", "2026-11-22T08:00:00"),
        ("2026-11-22T07:59:59", "2026-11-22T08:00:00"),
        ("2026-11-22T08:00:00", None),
    ],
)
def test_a_night_is_quiet_from_its_start_until_just_before_its_end(now: str, until: str | None) -> None:
    expected = local(until, SHANGHAI) if until else None

    assert quiet_until(local(now, SHANGHAI), NIGHT, SHANGHAI) == expected


def test_quiet_hours_may_lie_within_one_day() -> None:
    noon = QuietHours(start=time(12), end=time(14))

    assert quiet_until(local("2026-11-21T13:00:00", SHANGHAI), noon, SHANGHAI) == local(
        "2026-11-21T14:00:00", SHANGHAI
    )
    assert not in_quiet_hours(local("2026-11-21T23:00:00", SHANGHAI), noon, SHANGHAI)


def test_equal_times_mean_no_quiet_hours() -> None:
    never = QuietHours(start=time(8), end=time(8))

    assert not in_quiet_hours(local("2026-11-21T08:00:00", SHANGHAI), never, SHANGHAI)


def test_an_end_that_the_clock_jumps_over_becomes_the_first_moment_after() -> None:
    quiet = QuietHours(start=time(22), end=time(2, 30))  # 02:00 became 03:00 on 29 March

    until = quiet_until(local("2026-03-29T01:00:00", BERLIN), quiet, BERLIN)

    assert until == local("2026-03-29T03:00:00", BERLIN)


def test_an_end_that_comes_twice_is_the_later_one() -> None:
    quiet = QuietHours(start=time(22), end=time(2, 30))  # 03:00 became 02:00 on 25 October
    between = local("2026-10-25T02:45:00", BERLIN, fold=0)

    assert quiet_until(between, quiet, BERLIN) == local("2026-10-25T02:30:00", BERLIN, fold=1).astimezone(UTC)


def test_a_day_that_never_was_ends_the_night_at_once() -> None:
    apia = ZoneInfo("Pacific/Apia")  # 30 December 2011 was left out

    until = quiet_until(local("2011-12-29T23:00:00", apia), NIGHT, apia)

    assert until is not None
    assert until <= local("2011-12-31T08:00:00", apia)


@given(now=MOMENTS, quiet=QUIET, zone=ZONES)
def test_the_end_of_quiet_hours_is_ahead_near_and_not_quiet(
    now: datetime, quiet: QuietHours, zone: ZoneInfo
) -> None:
    until = quiet_until(now, quiet, zone)

    if until is not None:
        assert now < until <= now + timedelta(hours=50)
        assert not in_quiet_hours(until, quiet, zone)


@given(now=MOMENTS, zone=ZONES, start=st.integers(18, 23), end=st.integers(4, 10))
def test_an_ordinary_night_is_over_within_a_day(now: datetime, zone: ZoneInfo, start: int, end: int) -> None:
    until = quiet_until(now, QuietHours(start=time(start), end=time(end)), zone)

    assert until is None or until - now <= timedelta(hours=24)


@given(now=MOMENTS, quiet=QUIET, zone=ZONES)
def test_whatever_the_wall_clock_calls_quiet_is_quiet(
    now: datetime, quiet: QuietHours, zone: ZoneInfo
) -> None:
    wall = now.astimezone(zone).time()
    if quiet.start < quiet.end:
        shown_quiet = quiet.start <= wall < quiet.end
    else:
        shown_quiet = quiet.start != quiet.end and (wall >= quiet.start or wall < quiet.end)

    assert in_quiet_hours(now, quiet, zone) or not shown_quiet


DAYTIME = (time(10), time(20))


@pytest.mark.parametrize(
    ("now", "share", "slot"),
    [
        ("2026-11-21T07:00:00", 0.0, "2026-11-21T10:00:00"),
        ("2026-11-21T07:00:00", 0.5, "2026-11-21T15:00:00"),
        ("2026-11-21T16:00:00", 0.5, "2026-11-21T18:00:00"),
        ("2026-11-21T19:31:00", 0.0, "2026-11-22T10:00:00"),  # 29 minutes left
        ("2026-11-21T23:00:00", 0.5, "2026-11-22T15:00:00"),
    ],
)
def test_offers_are_spread_over_what_is_left_of_the_day(now: str, share: float, slot: str) -> None:
    assert daytime_slot(local(now, SHANGHAI), DAYTIME, SHANGHAI, share) == local(slot, SHANGHAI)


@given(now=MOMENTS, zone=ZONES, share=st.floats(0, 1), opens=st.integers(5, 14), hours=st.integers(1, 9))
def test_a_slot_lies_ahead_and_in_daytime(
    now: datetime, zone: ZoneInfo, share: float, opens: int, hours: int
) -> None:
    daytime = (time(opens), time(opens + hours))

    slot = daytime_slot(now, daytime, zone, share)

    assert now <= slot <= now + timedelta(hours=50)
    assert daytime[0] <= slot.astimezone(zone).time() < daytime[1]


@given(now=MOMENTS, zone=ZONES, share=st.floats(0, 1))
def test_a_slot_inside_the_daytime_is_never_in_the_quiet_hours_around_it(
    now: datetime, zone: ZoneInfo, share: float
) -> None:
    slot = daytime_slot(now, DAYTIME, zone, share)

    assert not in_quiet_hours(slot, NIGHT, zone)
