"""How promises are kept: shares against their goals, what is due, what was missed; numbers and words."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.config import load_config
from bot.domain.actions import NotePromise
from bot.domain.clock import utc_now
from bot.seller.promised import Promised, promised
from storage import promise_records, schema
from storage.asking import ask
from storage.database import Database

SETTINGS = """
secret: ${{SECRET}}
shops:
  tea:
    name: Tea
    locale: {locale}
    channels:
      webhook: {{url: 'http://127.0.0.1:9/', secrets: ['${{SECRET}}']}}
    promises:
      ships: {{since: order.paid, until: order.shipped, within: 2d, goal: 90}}
"""
NOW = utc_now()
DAY = timedelta(days=1)


def note(order: str, state: str, due: timedelta = -DAY) -> NotePromise:
    return NotePromise(name="ships", order=order, state=state, given_at=NOW - 3 * DAY, due_at=NOW + due)


class Books:
    def __init__(self, folder: Path, locale: str = "en") -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(SETTINGS.format(locale=locale), "utf-8")
        (folder / ".env").write_text(f"SECRET=whsec_{'s' * 43}=\n", "utf-8")
        (folder / ".env").chmod(0o600)
        read = load_config(self.config, {})
        self.shop = read.shops["tea"]
        self.database = Database(read.database)
        schema.migrate(self.database.engine)

    def write(self, noted: Iterable[NotePromise]) -> None:
        those = list(noted)
        self.database.write_now(lambda link: ask(link, "tea", promise_records.save(those)))

    def read(self) -> Promised:
        return self.database.read_now(lambda link: promised(link, "tea", self.shop, NOW))


@pytest.mark.parametrize(
    ("kept", "missed", "verdict"), [(20, 9, "few"), (28, 2, "unclear"), (100, 0, "met"), (40, 20, "missed")]
)
def test_a_goal_is_met_or_missed_only_where_the_interval_says_so(
    tmp_path: Path, kept: int, missed: int, verdict: str
) -> None:
    books = Books(tmp_path)
    books.write(note(f"k{number}", "kept") for number in range(kept))
    books.write(note(f"m{number}", "missed") for number in range(missed))

    (share,) = books.read().shares

    assert (share.kept, share.missed, share.verdict) == (kept, missed, verdict)


def test_a_line_of_the_ledger_says_what_holds_now(tmp_path: Path) -> None:
    books = Books(tmp_path)
    back = NotePromise(name="ships", order="1", state="withdrawn")
    for state in ("open", "missed", "kept"):
        books.write([note("1", state)])
        assert getattr(books.read().shares[0], state) == 1
    books.write([back, NotePromise(name="ships", order="2", state="withdrawn")])
    share = books.read().shares[0]
    assert (share.kept, share.withdrawn) == (0, 1)  # the second was never given


def test_what_was_excused_stays_so(tmp_path: Path) -> None:
    books = Books(tmp_path)
    for state in ("excused", "missed"):
        books.write([note("1", state)])
    assert (books.read().shares[0].excused, books.read().shares[0].missed) == (1, 0)


@pytest.mark.parametrize("locale", ["en", "zh-CN", "zh-TW"])
def test_the_command_names_what_is_due_and_what_was_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], locale: str
) -> None:
    books = Books(tmp_path, locale)
    books.write([note("1001", "missed"), note("1002", "open", DAY), note("1003", "open", 30 * DAY)])
    books.database.close()

    assert main(["promises", "--config", str(books.config)]) == 0
    shown = capsys.readouterr().out
    assert "1001" in shown
    assert "1002" in shown
    assert "1003" not in shown
    assert main(["promises", "--json", "--config", str(books.config)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["about"] for each in told["missed"]] == ["order:1001"]
    assert told["promises"][0]["verdict"] == "few"
