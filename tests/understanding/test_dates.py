"""Days are read from words and figures, counted from the shop's day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.dates import date_in

TODAY = date(2026, 11, 25)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("今天能发吗", date(2026, 11, 25)),
        ("明天", date(2026, 11, 26)),
        ("後天要", date(2026, 11, 27)),
        ("the day after tomorrow", date(2026, 11, 27)),
        ("昨天付的", date(2026, 11, 24)),
        ("周五要用", date(2026, 11, 27)),
        ("下周五", date(2026, 12, 4)),
        ("禮拜天", date(2026, 11, 29)),
        ("by Friday", date(2026, 11, 27)),
        ("next Tuesday", date(2026, 12, 1)),
        ("on Wed", date(2026, 11, 25)),
        ("12月3日", date(2026, 12, 3)),
        ("1月3号", date(2027, 1, 3)),
        ("3rd of January", date(2027, 1, 3)),
        ("Nov 20", date(2026, 11, 20)),
        ("2026-12-24", date(2026, 12, 24)),
        ("28号到", date(2026, 11, 28)),
        ("2月30日", None),
        ("where is it", None),
        ("the sun is out", date(2026, 11, 29)),
        ("wedding", None),
    ],
)
def test_days(text: str, day: date | None) -> None:
    assert date_in(text, TODAY) == day


@given(st.text("0123456789-/月日号下周天一明后next fridaymo", max_size=60), st.dates())
def test_no_text_and_no_day_is_too_much(text: str, today: date) -> None:
    found = date_in(text, today)

    assert found is None or isinstance(found, date)
