"""Every bank's statement is read in its own form, and what is wrong is told by the file's own words."""

import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.csv_import.faults import BadLine
from bot.domain.bank_formats import BankFormat
from bot.domain.shop import LOCALES
from bot.statements.csv_lines import Context
from bot.statements.lines import Booking, Ignored, Read
from bot.statements.reading import known_banks, read_statement
from bot.statements.report import fault_in_words
from tests.statements.files import FORMS, alipay, camt, mt940, wechat
from tests.world import NOON

CONTEXT = Context(currency="CNY", zone=ZoneInfo("Asia/Shanghai"), now=NOON.replace(day=28))
CAME = [("2026-11-21", "1,128.00", "王安娜", "茶叶 1001-4"), ("2026-11-22", "99.00", "Ann Baker", "1002-2")]


def read(path: Path, content: bytes, bank: str | None = None, **banks: dict[str, Any]) -> list[Read]:
    file = path / "statement"
    file.write_bytes(content)
    described = {name: BankFormat.model_validate(each) for name, each in banks.items()}
    return list(read_statement(file, described, bank, CONTEXT))


def bookings(found: list[Read]) -> list[Booking]:
    assert [each for each in found if isinstance(each, BadLine)] == []
    return [each for each in found if isinstance(each, Booking)]


def faults(found: list[Read]) -> list[tuple[int, str | None, str]]:
    return [(each.line, each.column, each.code) for each in found if isinstance(each, BadLine)]


def ignored(found: list[Read]) -> list[str]:
    return [each.why for each in found if isinstance(each, Ignored)]


@pytest.mark.parametrize("bank", FORMS)
def test_the_money_that_came_is_read_in_the_form_of(bank: str, tmp_path: Path) -> None:
    lines = CAME if bank != "mt940" else [(*CAME[0][:2], "Anna Wang", "TEE 1001-4"), CAME[1]]

    first, second = bookings(read(tmp_path, FORMS[bank](lines)))

    assert {first.bank, second.bank} == {bank}
    assert (first.amount.minor, second.amount.minor) == (112800, 9900)
    told = {"hsbc": "CNY", "hsbc-hk": "HKD", "chase": "USD", "camt": "EUR", "mt940": "EUR"}
    assert first.amount.currency == told.get(bank, "CNY")
    assert "1001-4" in first.text
    assert "Ann Baker" in f"{second.payer} {second.text}"
    assert first.at.astimezone(CONTEXT.zone).date().isoformat() == "2026-11-21"
    assert first.at <= first.latest


@pytest.mark.parametrize("bank", FORMS)
def test_a_booking_is_known_again_at_another_time_of_its_day(bank: str, tmp_path: Path) -> None:
    file = tmp_path / "statement"
    file.write_bytes(FORMS[bank](CAME[1:]))
    morning, night = (
        [
            each.fingerprint()
            for each in read_statement(file, {}, None, replace(CONTEXT, now=NOON.replace(hour=hour)))
            if isinstance(each, Booking)
        ]
        for hour in (0, 15)
    )

    assert morning == night
    assert len(morning) == 1


def test_what_went_what_is_not_there_and_what_is_no_booking_is_left_out(tmp_path: Path) -> None:
    assert ignored(read(tmp_path, alipay(CAME))) == ["outgoing", "not_settled"]
    assert ignored(read(tmp_path, wechat(CAME))) == ["outgoing", "outgoing", "not_settled"]
    assert ignored(read(tmp_path, FORMS["icbc"](CAME))) == ["outgoing", "no_booking"]
    assert ignored(read(tmp_path, camt(CAME))) == ["outgoing", "not_settled"]
    assert ignored(read(tmp_path, mt940(CAME[1:]))) == ["outgoing"]


def test_a_bank_of_the_shops_own_is_described_in_its_settings(tmp_path: Path) -> None:
    mega = {
        "columns": {
            "date": "帳務日",
            "received": "存入金額",
            "text": ["摘要", "附註"],
            "account": "對方帳號",
        },
        "currency": "TWD",
        "encoding": "big5",
    }
    content = (
        "查詢期間 115/11/01\r\n帳務日,摘要,支出金額,存入金額,對方帳號,附註\r\n"
        '115/11/21,跨行轉,,"1,280",0040012345,1001-4\r\n115/11/22,手續費,15,,,\r\n'
    )

    (found,) = bookings(read(tmp_path, content.encode("big5"), mega=mega))

    assert (found.bank, found.amount.minor, found.amount.currency) == ("mega", 128000, "TWD")
    assert (found.account, found.text) == ("0040012345", "跨行轉 1001-4")
    assert found.at.year == 2026


def test_a_file_without_names_is_read_by_places(tmp_path: Path) -> None:
    plain = {"columns": {"date": 1, "text": 2, "amount": 3}, "skip": 1, "decimal": ",", "delimiter": ";"}
    content = b"my account\n21/11/2026;ANN BAKER 1001-4;1.128,00\n22/11/2026;rent;-500,00\n"

    (found,) = bookings(read(tmp_path, content, plain=plain))

    assert (found.amount.minor, found.text, found.at.day) == (112800, "ANN BAKER 1001-4", 21)


def test_of_two_forms_that_fit_the_shops_own_is_taken(tmp_path: Path) -> None:
    own = {"columns": {"date": "Posting Date", "amount": "Amount", "text": "Description"}, "dates": "mdy"}

    assert {each.bank for each in bookings(read(tmp_path, FORMS["chase"](CAME), own=own))} == {"own"}
    named = bookings(read(tmp_path, FORMS["chase"](CAME), "chase", own=own))
    assert {each.bank for each in named} == {"chase"}


HEAD = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", (1, None, "empty")),
        (b"a,b,c\n1,2,3\n", (1, None, "no_bank")),
        (HEAD.encode() + b"CREDIT,21/11/2026,x,5.00,T,1,\n", (2, "Posting Date", "date")),
        (HEAD.encode() + b"CREDIT,11/21/2026,x,five,T,1,\n", (2, "Amount", "amount")),
        (HEAD.encode() + b"CREDIT,11/21/2026,x,,T,1,\n", (2, "Amount", "no_amount")),
        (HEAD.encode() + b"CREDIT,,x,5.00,T,1,\n", (2, "Posting Date", "no_date")),
        (HEAD.encode() + b"CREDIT,11/21/2027,x,5.00,T,1,\n", (2, "Posting Date", "future")),
        (b"PK\x03\x04 and so on", (1, None, "spreadsheet")),
        (b"\x00\xff\x81 \x80\n", (1, None, "not_text")),
        (b"<?xml version='1.0'?><a>", (1, None, "not_xml")),
        (b"<?xml version='1.0'?><a/>", (1, None, "not_camt")),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", (1, None, "doctype")),
        (b":20:X\n:60F:C261120EUR1,\n:61:nothing\n:86:x\n", (3, ":61:", "mt940_line")),
    ],
)
def test_a_fault_is_told_with_its_line_and_its_column_in_the_files_own_words(
    content: bytes, fault: tuple[int, str | None, str], tmp_path: Path
) -> None:
    found = read(tmp_path, content)

    assert faults(found) == [fault]
    bad = next(each for each in found if isinstance(each, BadLine))
    assert all(fault_in_words(bad, locale) for locale in LOCALES)


def test_the_wrong_bank_is_told_by_the_column_that_it_lacks(tmp_path: Path) -> None:
    assert faults(read(tmp_path, FORMS["chase"](CAME), "icbc")) == [(1, "交易日期", "no_column")]


def test_nothing_in_xml_is_expanded(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 30))
    bomb = f'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a0 "x">{entities}]><Document>&a29;</Document>'

    assert faults(read(tmp_path, bomb.encode())) == [(1, None, "doctype")]
    assert faults(read(tmp_path, b"<Document>" * 100)) == [(1, None, "too_deep")]


@pytest.mark.parametrize("bank", FORMS)
@given(data=st.data())
def test_a_damaged_statement_is_read_or_refused(
    bank: str, data: st.DataObject, tmp_path_factory: Any
) -> None:
    content = bytearray(FORMS[bank]([CAME[1]]))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    read(tmp_path_factory.getbasetemp(), bytes(content[: data.draw(st.integers(0, len(content)))]))


@given(st.binary(max_size=300), st.sampled_from([None, "alipay", "chase", "camt", "mt940"]))
def test_any_bytes_are_read_or_refused(content: bytes, bank: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read(Path(folder), content, bank)


def test_what_we_know_of_banks_is_whole() -> None:
    assert {"alipay", "wechat", "cmb", "icbc", "hsbc", "chase"} <= set(known_banks())


def test_the_example_of_the_docs_is_read_as_it_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reconcile.md").read_text("utf-8")
    described = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["shops"]["teahouse"]["banks"]
    content = page.split("```csv\n")[1].split("```")[0].encode("big5")

    (found,) = bookings(read(tmp_path, content, **described))

    assert (found.bank, found.amount.minor, found.account) == ("mega", 128000, "0040012345")
    assert all(f"`{bank}`" in page for bank in (*known_banks(), "camt", "mt940"))
