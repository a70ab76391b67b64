"""`xiaoer reconcile` says what it matched and what it leaves, `xiaoer transfers` shows and settles it."""

import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.domain.clock import utc_now
from bot.domain.memos import memo
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.shop import LOCALES
from storage import order_records, schema
from storage.asking import ask
from storage.database import Database
from tests.statements.files import icbc

SHOP = "teahouse"


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Path:
    locale = getattr(request, "param", "en")
    assert main(["init", str(tmp_path / "shop"), "--locale", locale]) == 0
    database = Database(f"sqlite:///{tmp_path}/shop/xiaoer.db")
    schema.ready(database.engine)
    orders = [
        Order(id=id, channel="webhook", placed_at=utc_now().replace(hour=0), total=Money(minor, "CNY"))
        for id, minor in (("1001", 12800), ("1002", 9900), ("1003", 9900))
    ]
    database.write_now(lambda link: ask(link, SHOP, order_records.save(orders)))
    database.close()
    day = utc_now().date().isoformat()
    lines = [(day, "128.00", "", memo("1001")), (day, "99.00", "", "1002"), (day, "5.21", "", "利息")]
    (tmp_path / "shop" / "statement.csv").write_bytes(icbc(lines))
    capsys.readouterr()
    return tmp_path / "shop"


def run(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main([*words, "--config", str(folder / "config.yaml")])
    said = capsys.readouterr()
    return code, said.out + said.err


def reconcile(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    return run(folder, capsys, "reconcile", str(folder / "statement.csv"), *options)


def test_it_says_what_is_matched_and_what_is_left(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = reconcile(folder, capsys)

    assert code == 1
    assert "Payments among them: 3" in said
    assert "Read in the form of icbc." in said
    assert "says nothing of, so they were not read: " in said
    assert "Matched: 1 (CN¥128.00)" in said
    assert "For you to decide: 1 (CN¥99.00)" in said
    assert "For no order that we know: 1 (CN¥5.21)" in said
    assert "1002 (its number, without the digit, the same sum)" in " ".join(said.split())
    assert "Counted before: 1" in reconcile(folder, capsys)[1]


def test_a_trial_and_a_run_are_told_to_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trial = json.loads(reconcile(folder, capsys, "--dry-run", "--json")[1])
    told = json.loads(reconcile(folder, capsys, "--json")[1])

    assert trial["certain"] == told["certain"] == {"memo": {"count": 1, "minor": {"CNY": 12800}}}
    assert (trial["doubts"][0]["case"], told["doubts"][0]["case"]) == (None, 1)
    assert [each["number"] for each in told["doubts"][0]["candidates"]] == ["1002", "1003"]


def test_what_is_doubtful_is_settled_by_its_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reconcile(folder, capsys)
    assert run(folder, capsys, "transfers")[0] == 1

    assert run(folder, capsys, "transfers", "settle", "1")[0] == 2
    assert "there is no order 7" in run(folder, capsys, "transfers", "settle", "1", "7")[1]
    assert run(folder, capsys, "transfers", "settle", "1", "1002") == (0, "Case 1 is settled: 1002.\n")
    assert "already been settled" in run(folder, capsys, "transfers", "settle", "1", "--none")[1]
    code, said = run(folder, capsys, "transfers")
    assert code == 0
    assert "memo number" in said
    assert "by you" in said


def test_a_fault_names_line_and_column_and_nothing_is_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "statement.csv"
    file.write_bytes(file.read_bytes().replace(b"128.00", b"12x.00"))

    code, said = reconcile(folder, capsys)

    assert code == 1
    assert "line 7: 记账金额(收入): '12x.00' is not an amount in CNY" in said
    assert "Nothing was counted" in said
    assert run(folder, capsys, "transfers")[1].startswith("No statement has been read yet")


def test_an_unknown_bank_and_a_missing_file_are_wrong_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reconcile(folder, capsys, "--bank", "icbcc")[0] == 2
    assert run(folder, capsys, "reconcile", str(folder / "nothing.csv"))[0] == 2


@pytest.mark.parametrize("folder", LOCALES, indirect=True)
def test_it_speaks_the_sellers_language(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "{" not in reconcile(folder, capsys)[1]
    assert "{" not in run(folder, capsys, "transfers")[1]
