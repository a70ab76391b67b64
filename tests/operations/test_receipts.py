"""The file of receipts: each once, in order, and whole also after a crash."""

from pathlib import Path

from bot.operations.receipts import Receipt, Receipts
from tests.world import NOON


def receipt(id: str, shop: str = "mugs") -> Receipt:
    stops = {"x1": ("all", NOON)}
    return Receipt(shop=shop, id=id, at=NOON, who="command:li", digests=("x1", "x2"), stops=stops)


def test_a_receipt_is_kept_once_and_read_in_order(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path / "deep" / "erasures.jsonl")
    assert list(receipts.of("mugs")) == []

    for each in (receipt("b"), receipt("a"), receipt("b"), receipt("c", "teas")):
        receipts.add(each)

    assert [each.id for each in receipts.of("mugs")] == ["b", "a"]
    assert list(receipts.of("teas")) == [receipt("c", "teas")]


def test_a_line_that_broke_off_hides_no_other(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path / "erasures.jsonl")
    receipts.add(receipt("a"))
    with receipts.file.open("ab") as out:
        out.write(b'{"shop": "mu')

    receipts.add(receipt("b"))

    assert [each.id for each in receipts.of("mugs")] == ["a", "b"]
