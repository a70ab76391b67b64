"""What a seller wrote down: it holds on its days, is about its products, and has short names for people."""

from datetime import UTC, date, datetime

import pytest

from bot.domain.knowledge import Entry, canned
from bot.domain.products import Product

BEFORE, DAY, AFTER = (date(2026, 12, day) for day in (9, 10, 11))
MUG = Product(
    sku="MUG-1",
    title="Blue mug",
    titles=("Blue mug", "蓝色马克杯"),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (None, None, True),
        (DAY, DAY, True),
        (date(2026, 12, 11), None, False),
        (None, date(2026, 12, 9), False),
    ],
)
def test_an_entry_holds_on_its_days_and_both_ends_count(
    since: date | None, until: date | None, holds: bool
) -> None:
    assert Entry(id="x", answers={"en": "Yes"}, since=since, until=until).holds_on(DAY) is holds


@pytest.mark.parametrize(("name", "about"), [("mug-1", True), ("蓝色马克杯", True), ("Blue", False)])
def test_an_entry_is_about_a_product_by_its_sku_or_a_title(name: str, about: bool) -> None:
    assert Entry(id="x", answers={"en": "Yes"}, products=(name,)).is_about(MUG) is about


def test_people_find_replies_by_their_short_names_while_they_hold() -> None:
    wrap = Entry(id="wrap", answers={"en": "Yes"}, short="wrap")
    past = Entry(id="past", answers={"en": "No"}, short="past", until=date(2026, 1, 1))
    assert canned((wrap, past, Entry(id="none", answers={"en": "No"})), DAY) == {"wrap": wrap}
