"""`xiaoer unknown`: what buyers wrote and nobody understood, grouped, and taught with one key each."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from bot.cli import main
from bot.domain.events import BuyerRef, MessageReceived
from bot.understanding import learning, vectors
from bot.understanding.examples import Example, read
from storage import inbox
from storage.database import Database
from tests.understanding.sentences import SMALL

STARTER = tuple(Example(text, intent) for intent, texts in SMALL.items() for text in texts)
SETTINGS = """\
secret: ${SECRET}
database: sqlite:///xiaoer.db
shops:
  tea: {name: Tea, locale: en}
"""


class Shop:
    """A seller's folder, what buyers wrote there, and the seller's prompt."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], keys: list[str]) -> None:
        self.folder, self._capsys, self._keys = folder, capsys, keys
        (folder / "config.yaml").write_text(SETTINGS, "utf-8")
        (folder / ".env").write_text(f"SECRET={'s' * 40}\n", "utf-8")
        self.own = folder / "understanding.yaml"
        self.run("migrate")

    def run(self, *arguments: str) -> int:
        self._capsys.readouterr()
        code = main([*arguments, "--config", str(self.folder / "config.yaml")])
        self.out, self.err = self._capsys.readouterr()
        return code

    def heard(self, texts: Iterable[str]) -> None:
        at = datetime(2026, 11, 29, tzinfo=UTC)
        events = [
            MessageReceived(
                channel="chat",
                external_id=f"{number}",
                message_id=f"{number}",
                conversation="1",
                at=at,
                buyer=BuyerRef(id="ann"),
                text=text,
            )
            for number, text in enumerate(texts)
        ]
        database = Database(f"sqlite:///{self.folder / 'xiaoer.db'}")
        rows = [inbox.inbox_event("tea", event, at) for event in events]
        database.write_now(lambda connection: inbox.add(connection, rows))
        database.close()

    def press(self, *keys: str) -> None:
        self._keys[:] = keys


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    keys: list[str] = []
    monkeypatch.setattr(learning, "starters", lambda: STARTER)
    monkeypatch.setattr(vectors, "encoder", lambda: None)
    monkeypatch.setattr(typer, "getchar", lambda: keys.pop(0))
    monkeypatch.setattr(typer, "prompt", lambda question: "gift_wrap")
    return Shop(tmp_path, capsys, keys)


def test_what_is_understood_is_not_listed(shop: Shop) -> None:
    shop.heard(["where is my parcel please", "hello"])
    assert shop.run("unknown") == 0
    assert shop.out == "The last 2 messages of buyers are all understood.\n"


def test_what_is_not_understood_is_listed_once_with_how_often(shop: Shop) -> None:
    shop.heard(["zzyzx qwfp", "Zzyzx  qwfp", "hello", "blorp"])
    assert shop.run("unknown") == 1
    assert [line.split()[0] for line in shop.out.splitlines()[1:]] == ["2", "1"]
    assert shop.run("unknown", "--json") == 1
    found = json.loads(shop.out)
    assert found["looked_at"] == 4
    times = {each["text"]: each["times"] for each in found["unknown"]}
    assert times == {"zzyzx qwfp": 2, "blorp": 1} or times == {"Zzyzx qwfp": 2, "blorp": 1}


def test_one_key_teaches_a_sentence_and_the_file_keeps_what_the_seller_wrote(shop: Shop) -> None:
    shop.own.write_text("# mine\ngift_wrap:  # always free\n    - wrap it\n", "utf-8")
    shop.heard(["zzyzx qwfp", 'blorp: "quoted"'])
    shop.press("n", "s")
    assert shop.run("unknown", "--assign") == 1
    text = shop.own.read_text("utf-8")
    assert text.startswith("# mine\ngift_wrap:  # always free\n    - ")
    assert len([each for each in read(text) if each.intent == "gift_wrap"]) == 2
    assert "1 sentences were added" in shop.out


def test_stopping_keeps_what_was_taught_before(shop: Shop) -> None:
    shop.heard(["zzyzx qwfp", "blorp blorp"])
    shop.press("n", "q")
    shop.run("unknown", "--assign")
    assert len(read(shop.own.read_text("utf-8"))) == 1
