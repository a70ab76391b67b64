"""What lets others read along is told with its mend, and is no mistake."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import main
from bot.commands.cautions import cautions, unannounced
from bot.config import load_config
from bot.texts.languages import LOCALES

SHOP = """\
secret: ${{SECRET}}
public_url: {scheme}://shop.example
shops:
  tea:
    name: Tea
    locale: {locale}
    channels:
      webhook: {{secrets: ["${{HOOK}}"], url: "{scheme}://crm.example/in"}}
      telegram: {{token: "${{SECRET}}", secrets: ["${{SECRET}}"], api: "{scheme}://bots.example"}}
      own: {{kind: webhook, secrets: ["${{HOOK}}"], url: "http://localhost:9000/in"}}
"""
ENV = "SECRET=a-secret-that-is-only-for-tests\nHOOK=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"


def settings(folder: Path, scheme: str = "https", locale: str = "en") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "config.yaml"
    file.write_text(SHOP.format(scheme=scheme, locale=locale), "utf-8")
    (folder / ".env").write_text(ENV)
    (folder / ".env").chmod(0o600)
    return file


def told(file: Path) -> list[str]:
    return cautions(load_config(file, {}), file)


def test_a_shop_whose_walls_are_closed_is_told_nothing(tmp_path: Path) -> None:
    assert told(settings(tmp_path)) == []


def test_addresses_in_the_clear_are_named_by_their_setting_unless_they_are_of_this_machine(
    tmp_path: Path,
) -> None:
    found = told(settings(tmp_path, "http"))

    assert [each.split(":")[0] for each in found] == [
        "public_url",
        "shops.tea.channels.webhook.url",
        "shops.tea.channels.telegram.api",
    ]
    assert not any("crm.example" in each for each in found)  # an address can hold a secret


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_file_that_others_can_read_is_told_with_the_command_that_closes_it(tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    file = settings(folder)
    (folder / ".env").chmod(0o644)
    (folder / "xiaoer.db").touch()
    (folder / "xiaoer.db").chmod(0o644)
    (folder / "learned").mkdir(0o755)
    (folder / "learned").chmod(0o755)

    found = told(file)

    assert [each.rpartition(": ")[2] for each in found] == [
        *(f"chmod 600 '{folder / name}'" for name in (".env", "xiaoer.db")),
        f"chmod 700 '{folder / 'learned'}'",
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_check_tells_it_in_the_sellers_language_and_finds_no_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], locale: str
) -> None:
    file = settings(tmp_path, "http", locale)
    (tmp_path / ".env").chmod(0o644)

    assert main(["check", "--config", str(file)]) == 0
    shown = capsys.readouterr()

    assert "chmod 600" in shown.err
    assert shown.err.count("https://") == 3
    assert shown.err.count("!") == 4


ASKING = """\
secret: ${{SECRET}}
{public_url}
shops:
  tea:
    name: Tea
    locale: en
    region: {region}
    vip: {{tiers: [{{name: gold, orders: 3}}]}}
    promotions:
      spring: {{tier: gold, cron: "0 9 * * *", start: 2026-12-01, end: 2026-12-24, offer: tea}}
    channels:
      email: {{host: mail.example, sender: tea@shop.example}}
"""


@pytest.mark.parametrize(
    ("region", "public_url", "warned"),
    [("DE", "", True), ("DE", "public_url: https://shop.example", False), ("US", "", False)],
)
def test_a_yes_to_offers_that_nobody_can_confirm_is_told(
    region: str, public_url: str, warned: bool, tmp_path: Path
) -> None:
    file = settings(tmp_path)
    file.write_text(ASKING.format(region=region, public_url=public_url), "utf-8")

    assert any("double_opt_in" in each for each in told(file)) is warned


@pytest.mark.parametrize("locale", LOCALES)
def test_a_year_whose_working_weekends_are_not_announced_is_told_when_it_is_near(
    locale: str, tmp_path: Path
) -> None:
    file = settings(tmp_path, locale=locale)
    file.write_text(f"{file.read_text('utf-8')}    calendar: CN\n", "utf-8")
    config = load_config(file, {})

    assert unannounced(config, datetime(2026, 6, 1, tzinfo=UTC)) == []
    [caution] = unannounced(config, datetime(2089, 12, 1, tzinfo=UTC))[1:]
    assert "2090" in caution
    assert "days_on" in caution
