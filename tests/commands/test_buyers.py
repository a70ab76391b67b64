"""`xiaoer buyers`: what a seller reads before anything is erased, and what is left afterwards."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bot.cli import main
from bot.domain.actions import OpenCase
from bot.domain.contacts import Contacts, Told
from bot.domain.context import Buyer
from bot.domain.orders import Order
from storage import buyer_records, case_records, order_records
from storage.asking import ask
from storage.sqlite_copy import copy_to
from tests.commands.test_commands import NOW, Shop

MAIL = "ann@example.com"


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """Ann with an order, and Eve who typed Ann's mail at the checkout."""
    assert main(["init", str(tmp_path / "shop"), "--locale", "en"]) == 0
    made, name = Shop(tmp_path / "shop", capsys), "teahouse"

    def work(connection: Connection) -> None:
        for id, who in (("a1", "Ann"), ("e1", "Eve")):
            told = {"name": Told(who, NOW), "email": Told(MAIL, NOW), "id": Told(f"{id}-web", NOW)}
            order = Order(id=f"order-{id}", channel="web", buyer=id, placed_at=NOW, contacts=Contacts(**told))
            ask(connection, name, buyer_records.save([Buyer(id=id, name=who, created_at=NOW)]))
            ask(connection, name, order_records.save([order]))
            ask(connection, name, buyer_records.add_identities({("web", f"{id}-web"): id}))

    made.keep(work)
    return made


def test_a_mail_that_several_named_is_a_list_to_choose_from(shop: Shop) -> None:
    assert shop.run("buyers", "export", MAIL) == 1
    assert "anybody may have typed it" in shop.out
    assert "a1" in shop.out
    assert "e1" in shop.out
    assert shop.run("buyers", "erase", MAIL, "--yes") == 1
    assert "a1" in shop.out
    assert {each["id"] for each in shop.json("buyers", "erase", MAIL, "--yes")["which"]} == {"a1", "e1"}


def test_a_buyer_is_exported_in_words_and_as_json(shop: Shop) -> None:
    assert shop.run("buyers", "export", "web:a1-web") == 0
    assert "order order-a1: placed" in shop.out
    assert "order-e1" not in shop.out
    assert not re.search(r"[a-z]_[a-z]+:|\w\.\w+: ", shop.out)  # no name of a column or of a field
    assert shop.json("buyers", "export", "a1")["records"]["orders"][0]["id"] == "order-a1"


def test_nothing_is_erased_without_a_yes(shop: Shop) -> None:
    assert shop.run("buyers", "erase", "a1") == 1
    assert "Buyer a1: Ann" in shop.out
    assert "Also named by others, whose records stay: ann@example.com" in shop.out
    assert "Nothing was erased" in shop.err
    assert shop.json("buyers", "erase", "a1")["erased"] is False
    assert shop.run("buyers", "export", "a1") == 0


def test_who_was_erased_is_nobodys_any_more_and_stands_in_the_trail(shop: Shop) -> None:
    with capture_logs() as lines:
        assert shop.run("buyers", "erase", "a1", "--yes") == 0
    assert "Erased. Receipt" in shop.out
    assert lines == []
    assert shop.run("buyers", "export", "a1") == 2
    assert shop.run("buyers", "export", "e1") == 0
    assert shop.run("trail") == 0
    assert "buyer erased" in shop.out
    assert (shop.folder / "erasures.jsonl").exists()
    assert shop.run("buyers", "compact") == 0


def test_a_restored_copy_is_erased_again_before_anything_is_sent(shop: Shop) -> None:
    file = shop.folder / "xiaoer.db"
    copy_to(file, shop.folder / "copy")
    (shop.folder / "copy").rename(shop.folder.parent / "copy")
    assert shop.run("buyers", "erase", "a1", "--yes") == 0
    file.unlink()
    (shop.folder.parent / "copy").rename(file)
    assert shop.run("hold", "--copy") == 0

    assert shop.run("release", "--yes") == 0

    assert "1 buyers" in shop.err
    assert shop.run("buyers", "export", "a1") == 2


def test_a_file_is_found_shown_and_written_in(shop: Shop) -> None:
    assert shop.run("buyers", "find", "ann@") == 0
    assert "a1" in shop.out
    assert shop.run("buyers", "find", "nobody") == 1
    assert shop.run("buyers", "note", "a1", "likes blue") == 0
    assert shop.run("buyers", "tag", "a1", "regular") == 0
    assert shop.run("buyers", "set", "a1", "city=Taipei") == 0
    assert shop.run("buyers", "set", "a1", "shoe=42") == 2

    assert shop.run("buyers", "show", "a1") == 0
    for words in (
        "note: likes blue",
        "tags: regular",
        "city: Taipei",
        "perhaps the same person",
        "order order-a1: placed",
    ):
        assert words in shop.out
    shown = shop.json("buyers", "show", "a1", "--limit", "1")
    assert shown["file"]["notes"][0]["who"].startswith("command:")
    assert shop.run("buyers", "show", "a1", "--before", shown["next"]) == 0
    assert shop.run("buyers", "show", "a1", "--before", "yesterday") == 2
    assert shop.run("buyers", "untag", "a1", "regular") == 0
    assert shop.json("buyers", "show", "a1")["file"]["tags"] == []


def test_files_are_joined_and_parted_by_the_seller(shop: Shop) -> None:
    assert shop.run("buyers", "join", "a1", "a1") == 2
    assert shop.run("buyers", "join", "a1", "e1") == 0
    assert shop.json("buyers", "show", "a1")["file"]["orders"] == 2
    assert shop.run("buyers", "part", "e1", "a1") == 0
    assert shop.json("buyers", "show", "a1")["file"]["orders"] == 1
    assert shop.run("buyers", "join", "a1", "e1") == 0

    assert shop.run("buyers", "erase", "e1", "--yes") == 0

    assert shop.json("buyers", "show", "a1")["file"]["joined"] == []


def test_what_was_said_and_decided_is_shown_in_words(shop: Shop) -> None:
    def work(connection: Connection) -> None:
        opened = OpenCase(kind="order_change", key="c", reason="asked_to_cancel", order="order-a1")
        case_records.open_case(connection, "teahouse", opened, "a1", NOW)

    shop.keep(work)

    assert shop.run("buyers", "show", "a1") == 0
    assert "case 1: please do not send an order: the buyer wants to cancel it" in " ".join(shop.out.split())
    assert "asked_to_cancel" not in shop.out
