"""What settings leave undone: `check` refuses it, `serve` starts and says so."""

import json
from pathlib import Path

import pytest

from bot.cli import main

HEAD = "secret: ${SECRET}\nshops:\n  tea:\n    name: Tea\n    locale: en\n    channels:\n"
MAIL = "      email: {host: localhost, tls: none, sender: tea@shop.example}\n"
BOT = "      telegram: {token: '${BOT}', secrets: ['${HOOK}']}\n"


def check(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    (folder / "config.yaml").write_text(HEAD + text, "utf-8")
    (folder / ".env").write_text(f"SECRET={'s' * 40}\nHOOK={'h' * 40}\nBOT=7:{'b' * 30}\n", "utf-8")
    (folder / ".env").chmod(0o600)
    settings = str(folder / "config.yaml")
    capsys.readouterr()
    code = main(["check", "--config", settings, "--json"])
    found = json.loads(capsys.readouterr().out)["settings"]
    return code, [each["path"] for each in found], "\n".join(each["text"] for each in found)


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        (
            "      webhook: {url: 'http://127.0.0.1:9/'}\n",
            "shops.tea.channels.webhook",
            "webhook has no secrets",
        ),
        ("      telegram: {token: '${BOT}'}\n", "shops.tea.channels.telegram", "telegram has no secrets"),
        (BOT + "    seller: {email: lin@shop.example}\n", "shops.tea.seller", "no email channel"),
        (BOT + "    seller: {owner: boss@shop.example}\n", "shops.tea.seller", "no email channel"),
        (MAIL + "    seller: {telegram: '42'}\n", "shops.tea.seller", "no telegram channel"),
        (MAIL + "    seller: {webhook: email}\n", "shops.tea.seller", "no webhook channel of that name"),
        (MAIL + "    seller: {webhook: desk}\n", "shops.tea.seller", "no webhook channel of that name"),
    ],
)
def test_what_nobody_could_reach_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, path: str, says: str
) -> None:
    code, paths, told = check(tmp_path, text, capsys)

    assert (code, paths) == (1, [path])
    assert says in told


@pytest.mark.parametrize(
    "text",
    [MAIL + "    seller: {email: lin@shop.example}\n", BOT + MAIL + "    seller: {telegram: '42'}\n", MAIL],
)
def test_what_has_a_way_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert check(tmp_path, text, capsys)[:2] == (0, [])
