"""What strangers wrote, as it stands in a message to somebody else: no link of theirs is mailed by us."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.context import Buyer
from bot.domain.events import Line
from bot.domain.messages import DueMessage, Facts
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.parcels import Parcel
from bot.domain.shop import Shop
from bot.texts.variables import variables

AT = datetime(2026, 11, 21, tzinfo=UTC)
LINE = Line(title="Mug visit https://evil.example/r or evil.com", quantity=1, price=Money(1, "GBP"))
PARCEL = Parcel(id="1", shipped_at=AT, carrier="evil.example", tracking_url="https://carrier.example/1")
ORDER = Order(id="1", channel="shop", total=Money(1, "GBP"), lines=(LINE,), parcels=(PARCEL,))
DUE = DueMessage(
    key="x:1",
    template="shipped",
    category="service",
    due_at=AT,
    created_at=AT,
    lateness=timedelta(0),
    values={
        "text": "read https://evil.example",
        "who": "Ann · ann@mail.example",
        "offer": "10% at tea.example",
    },
)


def test_titles_reviews_and_names_are_no_links_and_what_is_the_shops_own_stays() -> None:
    facts = Facts(shop=Shop(name="Tea"), buyer=Buyer(id="b", name="Refund at evil.com"), order=ORDER)
    made = variables(DUE, facts, AT)

    assert made["buyer"]["name"] is None
    assert made["order"]["items"][0]["title"] == "Mug visit evil\u2024example/r or evil\u2024com"
    assert made["order"]["parcels"][0]["carrier"] == "evil\u2024example"
    assert made["text"] == "read evil\u2024example"
    assert made["who"] == "Ann · ann@mail.example"
    assert made["offer"] == "10% at tea.example"
    assert made["order"]["parcels"][0]["link"] == "https://carrier.example/1"


@pytest.mark.parametrize("name", ["text", "promotion", "tier"])
def test_any_other_value_of_a_message_is_taken_for_a_strangers(name: str) -> None:
    assert not re.search(r"\w\.[a-z]{2}", _made(name)[name])


@pytest.mark.parametrize("name", ["reason", "review", "words"])
def test_what_no_text_may_name_reaches_no_template(name: str) -> None:
    assert name not in _made(name)


def _made(name: str) -> dict[str, Any]:
    due = msgspec.structs.replace(DUE, values={name: "www.evil.example"})
    return variables(due, Facts(shop=Shop(name="Tea"), buyer=Buyer(id="b"), order=None), AT)
