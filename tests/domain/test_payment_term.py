"""The time to pay counts from what the buyer was told, lasts a waking day, and does not end at night."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.context import Said
from bot.domain.hours import in_quiet_hours, waking_time_over
from bot.domain.orders import Order
from bot.domain.payment_term import WAKING_DAY, begins_at, closes_at, reminder_number, term_ends
from bot.domain.shop import Payment, QuietHours, Shop

ZONE = ZoneInfo("Asia/Shanghai")
NIGHT = QuietHours(start=time(22), end=time(8))
PLACED = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)  # 16:00 in Shanghai
HOUR = timedelta(hours=1)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = Order(id="1", channel="shop", placed_at=PLACED)


def shop(close: timedelta = timedelta(days=3), quiet: QuietHours = NIGHT) -> Shop:
    return Shop(name="Mug House", payment=Payment(close=close), quiet_hours=quiet)


def said(state: str = "sent", at: datetime = PLACED, written_at: datetime | None = None) -> tuple[Said, ...]:
    sent_at = at if state == "sent" else None
    confirmation = Said(
        key="c", template="order_confirmation", state=state, sent_at=sent_at, written_at=written_at
    )
    return (confirmation,)


def test_a_reminder_counts_those_that_were_read_before_it() -> None:
    """Neither one that was never sent, nor the message itself, nor what another text said."""
    read = Said(key="r:1", template="payment_reminder", state="sent", sent_at=PLACED)
    left_out = Said(key="r:2", template="payment_reminder", state="skipped")
    own = Said(key="r:3", template="payment_reminder", state="unconfirmed", written_at=PLACED)
    assert reminder_number("r:3", said()) == 1
    assert reminder_number("r:3", (*said(), read, left_out, own)) == 2
    assert reminder_number("r:4", (*said(), read, left_out, own)) == 3
    perhaps = Said(key="r:2", template="payment_reminder", state="withdrawn", tried=True)
    assert reminder_number("r:3", (*said(), read, perhaps)) == 3, "its answer was lost"


def test_the_term_of_an_order_told_at_once_counts_from_the_order() -> None:
    assert begins_at(ORDER, said(at=PLACED + timedelta(minutes=2)), PLACED) == PLACED


def test_an_order_told_four_hours_late_gets_the_full_time() -> None:
    late = PLACED + 4 * HOUR
    assert begins_at(ORDER, said(at=late), late) == late
    assert closes_at(ORDER, shop(), said(at=late - HOUR * 3), ZONE, late) == PLACED + HOUR + timedelta(days=3)


def test_while_the_confirmation_is_still_to_be_sent_the_term_begins_now() -> None:
    now = PLACED + 5 * HOUR
    assert begins_at(ORDER, said("queued"), now) == begins_at(ORDER, said("sending"), now) == now


def test_what_the_confirmation_said_holds_and_not_when_its_receipt_came() -> None:
    written = PLACED + 4 * HOUR
    assert begins_at(ORDER, said(at=written + HOUR, written_at=written), written + 2 * HOUR) == written


def test_an_order_that_nobody_told_of_counts_from_itself() -> None:
    assert begins_at(ORDER, said("skipped"), PLACED + 9 * HOUR) == PLACED
    assert begins_at(ORDER, (), PLACED + 9 * HOUR) == PLACED


def test_twelve_hours_that_would_end_at_four_in_the_morning_become_a_waking_day() -> None:
    ends = term_ends(PLACED, shop(12 * HOUR), ZONE).astimezone(ZONE)

    assert f"{ends:%d %H:%M}" == "21 14:00"  # six hours in the evening, six in the morning


def test_an_end_at_night_waits_for_the_morning_with_time_for_the_last_reminder() -> None:
    ends = term_ends(PLACED, shop(timedelta(days=3, hours=10)), ZONE).astimezone(ZONE)

    assert f"{ends:%d %H:%M}" == "24 09:30"


hours_of_day = st.integers(0, 23).map(time)


@given(
    st.integers(0, 366 * 1440).map(lambda minutes: JANUARY + timedelta(minutes=minutes)),
    st.integers(0, 100).map(lambda hours: hours * HOUR),
    hours_of_day,
    hours_of_day,
    st.sampled_from(["Asia/Shanghai", "Europe/London", "America/New_York"]),
)
def test_every_term_is_a_waking_day_at_least_and_ends_by_day(
    begins: datetime, close: timedelta, start: time, end: time, zone: str
) -> None:
    quiet, where = QuietHours(start=start, end=end), ZoneInfo(zone)
    ends = term_ends(begins, shop(close, quiet), where)

    assert ends >= begins + close
    assert ends >= waking_time_over(begins, WAKING_DAY, quiet, where)
    awake = ends - timedelta(seconds=1)
    assert not in_quiet_hours(awake, quiet, where) or not in_quiet_hours(ends, quiet, where)


def test_a_confirmation_of_which_nobody_knows_whether_it_arrived_begins_the_term_too() -> None:
    written = PLACED + 24 * HOUR
    unknown = Said(key="c", template="order_confirmation", state="unknown", written_at=written)

    assert begins_at(ORDER, (unknown,), written + HOUR) == written
