"""What a seller reads when their shops begin to run."""

from pathlib import Path

import pytest

from bot.commands.serving import greet, tell_waiting
from bot.config import load_config

SHOP = """\
secret: ${SECRET}
shops:
  mute:
    name: 青花小铺
    channels:
      webhook: {}
      first: {kind: woocommerce, secrets: ["${HOOK}"]}
      second: {kind: woocommerce, secrets: ["${HOOK}"]}  # its equal numbers are told apart
  fine:
    name: 茶馆
    channels:
      webhook:
        secrets: ["${HOOK}"]
        url: http://127.0.0.1:9000/
"""
ENVIRON = {"SECRET": "a secret that is only for tests", "HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def test_a_shop_that_can_neither_hear_nor_speak_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(SHOP, "utf-8")

    greet(load_config(tmp_path / "config.yaml", ENVIRON))
    mute, fine = capsys.readouterr().out.split("fine: ")

    assert mute.count("    ! ") == 2
    assert "webhook 没有设置 secrets" in mute
    assert "没有能给买家发消息的渠道" in mute
    assert "    ! " not in fine


@pytest.mark.parametrize("here", ["/bin/xiaoer", "/a/folder/with/a/long/name/.venv/bin/xiaoer"])
def test_what_to_try_can_be_copied_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: str
) -> None:
    (tmp_path / "config.yaml").write_text(SHOP, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.argv", [here, "serve"])

    greet(load_config(tmp_path / "config.yaml", ENVIRON))
    folder, *commands = capsys.readouterr().out.split(f"  cd {tmp_path}")[1].splitlines()[:4]

    assert folder == ""
    assert [line.partition("  ")[0] for line in (each.strip() for each in commands)] == [
        f"{here} {words}" for words in ("try", "outbox", "preview shipped")
    ]


def test_a_start_says_how_many_cases_wait_in_which_shop_and_how_to_see_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    english = SHOP.replace("name: 茶馆", "name: Blue Teahouse\n    locale: en")
    (tmp_path / "config.yaml").write_text(english, "utf-8")
    config = load_config(tmp_path / "config.yaml", ENVIRON)

    tell_waiting(config, {"mute": 3, "fine": 1, "gone": 2})
    assert capsys.readouterr().out.splitlines() == [
        "青花小铺：还有 3 件待办等您处理，用 xiaoer cases 查看",
        "Blue Teahouse: cases that wait for you: 1. See them with xiaoer cases",
    ]
    tell_waiting(config, {})
    assert capsys.readouterr().out == ""
