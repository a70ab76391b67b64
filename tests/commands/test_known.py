"""`xiaoer check` says what is wrong in a knowledge file: where, and how to mend it."""

from pathlib import Path

import pytest

from bot.cli import main
from bot.domain.products import Item, retold
from storage import product_records
from storage.asking import ask
from storage.database import Database
from tests.one_shop import NOON


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "shop"), "--locale", "en"]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def check(shop: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (shop / "knowledge.yaml").write_text(text, "utf-8")
    code = main(["check", "--config", str(shop / "config.yaml")])
    said = capsys.readouterr()
    return code, (said.out + said.err).replace(f"{shop}/", "")


def test_a_new_shops_file_is_well(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(shop, (shop / "knowledge.yaml").read_text("utf-8"), capsys)[0] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:\n  questions: [b]\n  answer：c\n", "knowledge.yaml:3: the colon is a full-width one"),
        (
            "a:\n  questions: [b]\n  answer: Ask {{ seler.contact }}.\n",
            "knowledge.yaml:3: a.answer.en: seler.contact is not known; did you mean seller.contact?",
        ),
        (
            "a:\n  questions: [b]\n  answer: |\n    Yes.\n    {{ order.number }}\n",
            "knowledge.yaml:5: a.answer.en: 'number' was asked of something empty",
        ),
        ("a:\n  questions: [b]\n  answer: '{% if x'\n", "knowledge.yaml:3: a.answer.en: "),
        ("a:\n  questions: [b]\n  answer: {zh-CN: 好}\n", "a.answer: has no answer in en"),
    ],
)
def test_each_fault_is_told_with_its_line_and_mend(
    shop: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    code, told = check(shop, text, capsys)

    assert code == 1
    assert said in told


def test_a_product_that_nobody_told_of_is_found_once_there_are_products(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "a:\n  questions: [b]\n  answer: c\n  product: [MUG-1, blue mug, NOPE]\n"
    assert check(shop, text, capsys)[0] == 0
    csv = shop / "products.csv"
    csv.write_text("sku,title\nMUG-1,Blue mug\n")
    assert main(["import", "products", str(csv), "--config", str(shop / "config.yaml")]) == 0
    assert check(shop, text, capsys)[0] == 0  # imported, and not handled yet

    told = retold(None, NOON, (Item(sku="MUG-1", title="Blue mug"),))
    source = ("import", "MUG-1")
    database = Database(f"sqlite:///{shop}/xiaoer.db")
    with database.engine.begin() as connection:
        ask(connection, "teahouse", product_records.save({source: told}))
        ask(connection, "teahouse", product_records.add_words([(source, "blue")], [(source, "MUG-1")]))
    database.close()

    code, found = check(shop, text, capsys)

    assert code == 1
    assert "knowledge.yaml:1: a.product: there is no product 'NOPE'" in found
    assert found.count("there is no product") == 1
