"""How a platform's JSON is read: exactly, or refused with its place and how to correct it."""

from datetime import UTC, datetime

import msgspec
import pytest

from bot.channels.json_reading import Id, Timestamp, currency, identity, money, pieces, read, timestamp
from bot.domain.errors import Unreadable
from bot.domain.money import Money


class Item(msgspec.Struct):
    price: int


class Form(msgspec.Struct):
    id: Id
    text: str = ""
    at: Timestamp | None = None
    items: tuple[Item, ...] = ()


FORM = msgspec.json.Decoder(Form)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b'{"id": "\xff"}', "the body is not JSON"),
        (b'{"unknown": ' + b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body: expected object, got array"),
        (b"{}", "id is missing"),
        (b'{"id": null}', "id: expected int | str, got null"),
        (b'{"id": 1, "items": [{}]}', "items[0].price is missing"),
        (b'{"id": 1, "items": [{"price": "1"}]}', "items[0].price: expected int, got str"),
        (b'{"id": 1, "at": "yesterday"}', "at is not a timestamp; write 2026-11-21T10:00:00+08:00"),
        (b'{"id": 1, "at": "2026-11-21T10:00:00"}', "at has no time zone; write 2026-11-21T10:00:00+08:00"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(FORM, body)

    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"a\u0000b", "ab"),
        (r"a\\u0000b", r"a\u0000b"),
        (r"a\\\u0000b", "a\\b"),
        (r"\u0000\u0000", ""),
    ],
)
def test_nul_is_left_out_and_text_that_looks_like_it_is_kept(written: str, text: str) -> None:
    assert read(FORM, f'{{"id": 1, "text": "{written}"}}'.encode()).text == text


def test_equal_times_are_written_alike() -> None:
    east, utc, none = "2026-11-21T10:00:00+08:00", "2026-11-21T02:00:00Z", "2026-11-21T02:00:00"

    written = {timestamp(datetime.fromisoformat(text), "at").isoformat() for text in (east, utc, none)}

    assert written == {"2026-11-21T02:00:00+00:00"}


@pytest.mark.parametrize("year", [1, 1969, 2200, 9999])
def test_a_year_that_no_shop_lives_in_is_refused(year: int) -> None:
    with pytest.raises(Unreadable, match=f"at is in the year {year}"):
        timestamp(datetime(year, 1, 1, tzinfo=UTC), "at")


@pytest.mark.parametrize(
    ("given", "id"), [("1001", "1001"), (" 1001 ", "1001"), (1001, "1001"), (2**70, str(2**70))]
)
def test_an_id_is_text_whatever_it_came_as(given: Id, id: str) -> None:
    assert identity(given, "id") == id


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\tb", "control"),
        ("a\x9fb", "control"),
        ("a" * 201, "longer than 200"),
    ],
)
def test_an_id_that_cannot_be_kept_is_refused(given: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=f"order.id .*{reason}"):
        identity(given, "order.id")


def test_a_currency_is_known_by_its_code_in_any_case() -> None:
    assert currency(" cny ", "currency") == "CNY"


@pytest.mark.parametrize("code", [None, "", "RMB", "¥", "X" * 1000])
def test_an_unknown_currency_is_refused_in_few_words(code: str | None) -> None:
    with pytest.raises(Unreadable, match=r"^currency.*write CNY$") as refusal:
        currency(code, "currency")

    assert len(str(refusal.value)) < 100


@pytest.mark.parametrize(
    ("given", "code", "minor"),
    [("12.50", "CNY", 1250), (12.5, "CNY", 1250), (12, "CNY", 1200), ("0", "CNY", 0), ("128", "JPY", 128)],
)
def test_an_amount_is_exact_in_its_currencys_own_units(given: str | float, code: str, minor: int) -> None:
    assert money(given, code, "total") == Money(minor, code)


@pytest.mark.parametrize("given", ["-0.01", "12,50", "NaN", "1e400", "", "9" * 41, "1" + "0" * 15])
def test_what_is_no_amount_of_a_currency_is_refused_by_its_place(given: str) -> None:
    with pytest.raises(Unreadable, match=r"^total.*write 12\.50$"):
        money(given, "CNY", "total")


@pytest.mark.parametrize(
    ("given", "code", "minor"), [("12.505", "CNY", 1251), ("12.504", "CNY", 1250), ("1.5", "JPY", 2)]
)
def test_more_decimals_than_a_currency_has_are_rounded_as_shops_do(given: str, code: str, minor: int) -> None:
    assert money(given, code, "total") == Money(minor, code)


def test_a_discount_may_be_below_zero() -> None:
    assert money("-5.00", "CNY", "price", below_zero=True) == Money(-500, "CNY")


def test_a_whole_number_of_pieces_is_written_without_decimals() -> None:
    assert [str(pieces(quantity)) for quantity in (2.0, 0.5, 3)] == ["2", "0.5", "3"]
