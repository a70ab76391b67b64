"""Segments and tiers on the command line: counts, examples with why, conditions tried, a buyer's reason."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.cli import main
from bot.config import load_config
from bot.domain.clock import utc_now
from bot.domain.context import Buyer
from bot.domain.money import Money
from bot.react.nights import Nights
from storage import buyer_records, order_records, schema
from storage.asking import ask
from storage.database import Database
from tests.react.test_nights import paid

SETTINGS = """
secret: ${{SECRET}}
shops:
  tea:
    name: Tea
    locale: {locale}
    currency: GBP
    region: GB
    timezone: Europe/London
    channels:
      webhook: {{url: 'http://127.0.0.1:9/', secrets: ['${{SECRET}}']}}
    vip:
      tiers:
        - {{name: gold, orders: 3}}
        - {{name: silver, spent: 50}}
    segments:
      regulars: orders >= 3 and last_order in the last 90 days
      mugs:
        - segment regulars
        - bought "blue mug" or not agrees
"""


class Folder:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], locale: str = "en") -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(SETTINGS.format(locale=locale), "utf-8")
        (folder / ".env").write_text(f"SECRET=whsec_{'s' * 43}=\n", "utf-8")
        (folder / ".env").chmod(0o600)
        self._capsys = capsys
        self.out = self.err = ""

    def run(self, *arguments: str) -> int:
        self._capsys.readouterr()
        code = main([*arguments, "--config", str(self.config)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str) -> Any:
        self.run(*arguments, "--json")
        return json.loads(self.out)

    def sum_up(self, *records: Any) -> None:
        """As a running program would have done."""
        config = load_config(self.config, {})
        database = Database(config.database)
        schema.migrate(database.engine)

        def keep(connection: Any) -> None:
            people = [each for each in records if isinstance(each, Buyer)]
            ask(connection, "tea", buyer_records.save(people))
            ask(connection, "tea", order_records.save(each for each in records if each not in people))

        database.write_now(keep)

        async def nights() -> None:
            work = Nights(config.shops)
            while await work.run(database, utc_now()):
                pass

        asyncio.run(nights())
        database.close()


def records(money: str = "GBP") -> list[Any]:
    now = utc_now()
    orders = [paid(f"{n}", "ann", 2000, now - timedelta(days=n), "Blue mug") for n in (1, 2, 3)]
    orders.append(paid("9", "bob", 6000, now - timedelta(days=200), "teapot"))

    def there(amount: Money) -> Money:
        return Money(amount.minor, money)

    orders = [
        replace(
            each,
            total=there(each.total),
            payments=tuple(replace(part, amount=there(part.amount)) for part in each.payments),
        )
        for each in orders
    ]
    people = [("ann", "Ann", "ann@mail.example"), ("bob", "Bob", None), ("cy", None, None)]
    buyers = [Buyer(id=id, name=name, email=mail, created_at=now) for id, name, mail in people]
    return [*buyers, *orders]


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    made = Folder(tmp_path, capsys)
    made.sum_up(*records())
    return made


def test_segments_are_listed_with_their_sizes(folder: Folder) -> None:
    assert folder.run("segments") == 0
    assert "regulars" in folder.out
    assert "As of" in folder.err
    found = folder.json("segments")
    assert [(each["name"], each["buyers"]) for each in found["segments"]] == [("regulars", 1), ("mugs", 1)]
    assert found["segments"][1]["condition"] == '(segment regulars) and (bought "blue mug" or not agrees)'
    assert datetime.fromisoformat(found["as_of"])


def test_a_segment_is_shown_with_examples_and_why(folder: Folder) -> None:
    assert folder.run("segments", "show", "regulars") == 0
    assert "1 of 3 buyers" in folder.out
    assert "Ann" in folder.out
    assert "orders >= 3: yes (3)" in folder.out

    found = folder.json("segments", "show", "mugs")
    because = found["examples"][0]["because"]
    assert [each["condition"] for each in because] == [
        "orders >= 3", "last_order in the last 90 days", 'bought "blue mug"',
    ]  # fmt: skip
    assert because[2] == {"condition": 'bought "blue mug"', "holds": True, "known": "a blue mug"}


def test_a_condition_is_tried_before_it_stands_anywhere(folder: Folder) -> None:
    found = folder.json("segments", "try", "spent >= 60.00 and not segment regulars")
    assert (found["buyers"], found["known"]) == (1, 3)
    assert found["examples"][0]["because"][0]["known"] == "60.00"

    assert folder.run("segments", "try", "ordrs > 3") == 2
    assert "line 1, column 1: there is no 'ordrs' to ask about; did you mean orders?" in folder.err
    assert folder.run("segments", "try", "segment regular") == 2
    assert "did you mean regulars?" in folder.err


def test_a_buyer_is_in_or_out_for_a_reason(folder: Folder) -> None:
    assert folder.run("segments", "why", "regulars", "ann") == 0
    assert "is in the segment regulars" in folder.out
    assert folder.run("segments", "why", "regulars", "bob") == 1
    assert "orders >= 3: no (1)" in folder.out
    assert "last_order" not in folder.out  # one condition decides
    assert folder.json("segments", "why", "mugs", "cy")["holds"] is False
    assert folder.run("segments", "why", "regulars", "nobody") == 2
    assert folder.run("segments", "why", "regulrs", "bob") == 2
    assert "did you mean regulars?" in folder.err


def test_tiers_are_counted_given_and_explained(folder: Folder) -> None:
    found = folder.json("tiers")
    assert found["tiers"] == [{"name": "gold", "buyers": 1}, {"name": "silver", "buyers": 1}]
    assert (found["bought_lately"], found["by_points"]) == (2, False)

    assert folder.run("tiers", "set", "cy", "gold", "--until", "2999-01-31", "--because", "a friend") == 0
    assert "is in the tier gold" in folder.out
    assert "a friend" in folder.out
    assert folder.run("tiers", "set", "ann", "none", "--because", "asked for it") == 0
    found = folder.json("tiers")
    assert found["tiers"] == [{"name": "gold", "buyers": 1}, {"name": "silver", "buyers": 1}]
    assert [(each["buyer"], each["record"]["tier"]) for each in found["given"]] == [
        ("ann", None),
        ("cy", "gold"),
    ]
    assert folder.json("segments", "try", "tier = gold")["examples"][0]["buyer"] == "cy"

    history = folder.json("tiers", "why", "ann")
    assert (history["tier"], history["given"]["because"]) == (None, "asked for it")
    assert [(row["kind"], row["tier"], row["orders"], row["spent"]) for row in history["history"]] == [
        ("given", None, None, None),
        ("kept", "gold", 3, "60.00"),
    ]
    assert folder.run("tiers", "end", "ann") == 0
    assert folder.json("tiers", "why", "ann")["tier"] == "gold"
    assert folder.run("tiers", "end", "ann") == 2
    assert folder.run("tiers", "set", "ann", "golden", "--because", "x") == 2
    assert "gold, silver, none" in folder.err
    assert folder.run("tiers", "set", "ann", "gold", "--until", "2020-01-01", "--because", "x") == 2
    assert folder.run("tiers", "set", "ann", "gold", "--until", "soon", "--because", "x") == 2
    assert folder.run("tiers", "why", "nobody") == 2


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_in_the_sellers_language(tmp_path: Path, capsys: pytest.CaptureFixture[str], locale: str) -> None:
    folder = Folder(tmp_path, capsys, locale)
    folder.sum_up()
    assert folder.run("tiers") == 0
    folder.sum_up(*records())

    assert folder.run("segments") == 0
    assert "regulars" in folder.out
    for command in (
        ("segments", "show", "regulars"),
        ("segments", "why", "regulars", "ann"),
        ("tiers", "why", "ann"),
    ):
        assert folder.run(*command) in (0, 1)
        assert "{" not in folder.out
