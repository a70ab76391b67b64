"""The fuzzers run, begin where deliveries were recorded, and cry out when a target breaks its promise."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.channels import standard_webhooks
from tests.fuzz.targets import KEY, NOW, TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_what_it_begins_with(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)
        TARGETS[name](seed[: len(seed) // 2])


def test_a_signature_that_fits_would_be_a_find() -> None:
    made = standard_webhooks.sign(KEY, "d1", NOW, b"{}")

    with pytest.raises(AssertionError, match="guessed"):
        TARGETS["signatures"]("|".join(made.values()).encode() + b"\n{}")


def test_a_short_run_finds_nothing_in_the_door_for_any_shop_system() -> None:
    pytest.importorskip("atheris", reason="atheris has no package for this system")
    command = [sys.executable, "-m", "tests.fuzz", "webhook", "--runs", "3000", "--seconds", "10"]

    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing found" in ended.stdout
