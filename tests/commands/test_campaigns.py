"""Campaigns on the command line: a last look, a second person, a stop, and what is refused in words."""

import json
from pathlib import Path

import pytest

from bot.commands.options import FOUND, WRONG_USE
from tests.commands.test_segments import SETTINGS, Folder

CAMPAIGN = """
    campaigns:
      tea:
        segment: regulars
        start: 2026-01-01
        end: 2099-01-01
        offer: "{{percent}}% off: {{code}}"
        percent: 15
        codes: true
        approval: true
"""


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    made = Folder(tmp_path, capsys)
    made.config.write_text((SETTINGS.rstrip("\n") + CAMPAIGN).format(locale="en"), "utf-8")
    assert made.run("migrate") == 0
    return made


def test_a_campaign_is_looked_at_approved_by_another_stopped_and_resumed(
    folder: Folder, tmp_path: Path
) -> None:
    (tmp_path / "codes.txt").write_text("A1\nA2\nA1\n\n", "utf-8")
    assert folder.run("campaign", "codes", "tea", str(tmp_path / "codes.txt")) == 0
    assert folder.out == "codes: 2 left, 0 given out\n"
    assert folder.run("campaign", "start", "tea", "--json") == FOUND  # a look alone starts nothing
    assert json.loads(folder.out)["told"] == 0
    assert folder.run("campaign", "approve", "tea", "--as", "bob") == WRONG_USE
    assert folder.run("campaign", "start", "tea", "--yes", "--as", "anna") == 0
    assert folder.run("campaign", "approve", "tea", "--as", "Anna") == WRONG_USE
    assert "somebody else" in folder.err
    assert folder.run("campaign", "start", "tea") == WRONG_USE
    assert folder.out == ""  # what is refused is not looked at first
    assert folder.run("campaign", "approve", "tea", "--as", "bob") == 0
    assert folder.run("campaign", "list") == 0
    assert "under way" in folder.out
    assert folder.run("campaign", "stop", "tea") == 0
    assert folder.run("campaign", "stop", "tea") == WRONG_USE
    assert folder.run("campaign", "resume", "tea") == 0
    assert folder.run("campaign", "status", "tea") == 0
    assert "by anna, approved by bob" in folder.out
    assert folder.run("campaign", "result", "tea") == 0
    assert "too few to say" in folder.out
    assert "Early" in folder.out


def test_settings_changed_since_the_look_are_not_approved(folder: Folder) -> None:
    assert folder.run("campaign", "start", "tea", "--yes", "--as", "anna") == 0
    text = folder.config.read_text("utf-8")
    folder.config.write_text(text.replace("percent: 15", "percent: 50"), "utf-8")
    assert folder.run("campaign", "approve", "tea", "--as", "bob") == WRONG_USE
    assert "were changed" in folder.err


def test_a_campaign_can_be_played_before_it_is_started(folder: Folder) -> None:
    assert folder.run("simulate", "--start", "tea", "--days", "2") == 0
    assert folder.run("campaign", "status", "tea") == 0
    assert "not started" in folder.out
    assert folder.run("simulate", "--start", "coffee") == WRONG_USE
    assert "'coffee'" in folder.err


def test_an_unknown_campaign_is_named_with_the_known_ones(folder: Folder) -> None:
    assert folder.run("campaign", "status", "coffee") == WRONG_USE
    assert "'coffee'" in folder.err
    assert "tea" in folder.err
