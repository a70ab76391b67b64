"""Logs tell what happened, and never a buyer's word or a secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.logs import PERSONAL, configure_logs, without_personal_data


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logs("info", json=True, stream=written)
    yield written
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def only(lines: io.StringIO) -> dict[str, Any]:
    (line,) = lines.getvalue().splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def test_a_line_is_an_object_with_level_and_utc_time(lines: io.StringIO) -> None:
    structlog.get_logger().info("delivery kept", shop="teahouse", count=3)

    told = only(lines)
    assert {**told, "timestamp": None} == {
        "event": "delivery kept", "shop": "teahouse", "count": 3, "level": "info", "timestamp": None,
    }  # fmt: skip
    assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize("key", [*sorted(PERSONAL), "buyer_name", "Authorization", "api-tokens", "reply_to"])
def test_personal_keys_are_dropped_wherever_they_stand(lines: io.StringIO, key: str) -> None:
    structlog.get_logger().info("seen", shop="teahouse", inside=[{key: "安娜"}], **{key: "安娜"})

    assert "安娜" not in lines.getvalue()
    assert key not in only(lines)
    assert only(lines)["shop"] == "teahouse"


@pytest.mark.parametrize(
    "leak",
    [
        "ann@example.com",
        "+8613800000000",
        "+86 138 0000 0000",
        "whsec_c2VjcmV0LW9mLXRoZS10ZWE=",
        "Bearer c2VjcmV0",
        "123456789:AAF-abcdefghijklmnopqrstuvwxyz01",
    ],
)
@pytest.mark.parametrize("place", ["{}", "could not write to {}: refused", "https://api.example/bot{}/send"])
def test_what_looks_like_a_contact_or_a_secret_is_taken_out_of_texts(
    lines: io.StringIO, leak: str, place: str
) -> None:
    structlog.get_logger().info(place.format(leak), why=place.format(leak), whys=[(leak,)])

    assert leak not in lines.getvalue()


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://shop.example/stop?token=abc", "https://shop.example/stop"),
        ("postgresql://xiaoer:hunter2@host/shop", "host/shop"),
    ],
)
def test_addresses_lose_what_opens_doors(lines: io.StringIO, address: str, kept: str) -> None:
    structlog.get_logger().info("opened", url=address)

    assert kept in only(lines)["url"]
    assert "abc" not in lines.getvalue()
    assert "hunter2" not in lines.getvalue()


def test_order_numbers_stay_readable(lines: io.StringIO) -> None:
    structlog.get_logger().info("order paid", order="5678901234567", why="order 5678901234567 is paid")

    assert only(lines)["why"] == "order 5678901234567 is paid"


def test_an_exception_is_told_by_kind_and_place_but_not_in_its_words(lines: io.StringIO) -> None:
    try:
        int("我的地址是长安街一号")
    except ValueError:
        structlog.get_logger().exception("event parked")

    told = only(lines)
    assert told["exception"] == "ValueError"
    assert "test_logs.py" in told["at"][-1]
    assert "长安街" not in lines.getvalue()


def test_libraries_are_held_to_the_same_rules(lines: io.StringIO) -> None:
    try:
        raise KeyError("安娜")
    except KeyError:
        logging.getLogger("asyncio").exception("answer to ann@example.com failed")

    told = only(lines)
    assert told["event"] == "answer to <mail> failed"
    assert told["exception"] == "KeyError"
    assert "安娜" not in lines.getvalue()


def test_requests_are_not_logged_one_by_one(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.access").info("GET /stop/abc")

    assert lines.getvalue() == ""


def test_what_is_below_the_level_is_not_told(lines: io.StringIO) -> None:
    structlog.get_logger().debug("looked")

    assert lines.getvalue() == ""


def test_on_a_terminal_the_lines_are_for_people(lines: io.StringIO) -> None:
    configure_logs("info", json=False, stream=lines)

    structlog.get_logger().info("delivery kept", shop="teahouse", buyer_name="安娜")

    assert "delivery kept" in lines.getvalue()
    assert "teahouse" in lines.getvalue()
    assert "安娜" not in lines.getvalue()


VALUES = st.recursive(
    st.just("安娜") | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(PERSONAL)), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(PERSONAL)), VALUES))
def test_however_deep_a_personal_value_lies_it_does_not_come_out(values: dict[str, Any]) -> None:
    told = without_personal_data(None, "info", {"event": "seen", "facts": values, "list": [values]})

    assert "安娜" not in json.dumps(told, ensure_ascii=False)


def test_a_log_that_nobody_can_read_any_more_stops_nothing() -> None:
    stream = io.StringIO()
    configure_logs("info", json=True, stream=stream)
    stream.close()

    structlog.get_logger().warning("delivery refused", shop="mugs")
