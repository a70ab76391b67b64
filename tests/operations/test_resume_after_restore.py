"""Holding all that would be sent, and letting it go: what a person sees, and what becomes of each message."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.cli import main
from bot.operations.resume_after_restore import leave_out
from storage import instance, tables
from storage.held_outbox import count_waiting
from tests.world import NOON, SECRET, World, world

SETTINGS = """\
database: {database}
secret: ${{SECRET}}
shops:
  shop:
    name: 青花小铺
    channels:
      webhook:
        secrets: ["${{HOOK}}"]
        url: http://127.0.0.1:9/
"""


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[World]:
    async with world(database_url) as made:
        yield made


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text(f"SECRET=only for tests, and long enough\nHOOK={SECRET}\n")
    file = tmp_path / "config.yaml"
    file.write_text(SETTINGS.format(database=database_url.replace("+psycopg", "")), "utf-8")
    return file


async def hold(shop: World) -> None:
    await shop.program.parts.database.write(lambda link: instance.hold(link, instance.ASKED, shop.clock.now))


async def test_what_is_held_is_decided_and_not_sent(shop: World) -> None:
    await hold(shop)

    await shop.place()
    await shop.forward(timedelta(minutes=1))

    assert (await shop.outbox())["order_confirmation:1001"] == "queued"
    assert shop.receiver.attempts == []


async def test_what_became_untrue_while_it_was_held_stays_unsaid(shop: World) -> None:
    await hold(shop)
    await shop.place()
    await shop.forward(timedelta(minutes=30))
    await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
    await shop.settle()

    await shop.program.parts.database.write(instance.release)
    await shop.settle()

    assert "payment_reminder" not in shop.receiver.templates
    assert "order_confirmation" in shop.receiver.templates


async def test_what_waits_is_counted_by_kind_the_longest_due_first(shop: World) -> None:
    await hold(shop)
    await shop.place("1001")
    await shop.place("1002", buyer="bob")
    await shop.settle()

    kinds = await shop.program.parts.database.read(
        lambda link: count_waiting(link, "shop", NOON + timedelta(minutes=25))
    )

    first = kinds[0]
    assert (first.template, first.count, first.overdue) == ("order_confirmation", 2, 2)
    reminders = next(kind for kind in kinds if kind.template == "payment_reminder")
    assert reminders.overdue == 2
    assert reminders.count > 2


async def test_what_was_due_before_a_moment_is_withdrawn_and_says_why(
    shop: World, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await hold(shop)
    await shop.place()
    await shop.settle()
    moment = (NOON + timedelta(minutes=1)).isoformat()

    code = main(["release", "--yes", "--drop-before", moment, "--config", str(settings)])
    told = capsys.readouterr().out
    main(["explain", "order_confirmation:1001", "--config", str(settings)])
    story = capsys.readouterr().out
    await shop.settle()

    assert code == 0
    assert "已撤回 1 条" in told
    assert "恢复备份之前可能已经发过" in story
    assert shop.receiver.templates == []
    assert (await shop.outbox())["payment_reminder:1001:1"] == "queued"


async def test_what_was_in_hand_when_the_copy_was_made_is_left_as_unknown(shop: World) -> None:
    await hold(shop)
    await shop.place()
    await shop.settle()
    over = {"state": "sending", "text": "您好", "channel": "webhook", "lease_until": NOON - timedelta(days=1)}
    confirmation = update(tables.outbox).where(tables.outbox.c.template == "order_confirmation")
    await shop.program.parts.database.write(lambda link: link.execute(confirmation.values(**over)))

    later = NOON + timedelta(minutes=1)
    left = await shop.program.parts.database.write(lambda link: leave_out(link, "shop", later, later))

    assert left == 1
    assert (await shop.outbox())["order_confirmation:1001"] == "unknown"


async def test_nothing_is_let_go_without_a_yes(
    shop: World, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await hold(shop)
    await shop.place()
    await shop.settle()

    code = main(["release", "--json", "--config", str(settings)])
    said: dict[str, Any] = json.loads(capsys.readouterr().out)

    assert code == 1
    assert said["held"]["why"] == "asked"
    assert said["released"] is False
    assert {kind["template"] for kind in said["waiting"]} >= {"order_confirmation"}
    assert shop.program.parts.database.read_now(instance.held) is not None


async def test_holding_by_hand_is_told_wherever_messages_are_looked_at(
    shop: World, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hold", "--config", str(settings)]) == 0
    capsys.readouterr()

    assert main(["outbox", "--config", str(settings)]) == 0
    outbox = capsys.readouterr().err
    assert main(["release", "--yes", "--config", str(settings)]) == 0
    assert main(["release", "--config", str(settings)]) == 0

    assert "发送已按您的要求暂停" in outbox
    assert "没有暂停发送" in capsys.readouterr().out


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_postgresql_is_copied_by_its_own_tools(
    shop: World, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "copy.db", "--config", str(settings)]) == 2
    assert "pg_dump" in capsys.readouterr().err


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_backup_is_never_written_over_another_file(
    shop: World, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"

    assert main(["backup", str(copy), "--config", str(settings)]) == 0
    assert main(["backup", str(copy), "--config", str(settings)]) == 2
    assert "已经存在" in capsys.readouterr().err


def test_a_moment_that_is_none_is_refused(
    database_url: str, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["release", "--drop-before", "gestern", "--config", str(settings)]) == 2
    assert "2026-11-20T18:30" in capsys.readouterr().err


async def test_who_says_that_it_is_a_copy_is_believed_by_every_program_that_comes(
    shop: World, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await shop.place("1001")
    await shop.settle()

    assert main(["hold", "--copy", "--config", str(settings)]) == 0
    await shop.place("1002", buyer="bob")
    await shop.settle()
    hold = await shop.program.parts.restore_guard.check()

    assert hold is not None
    assert hold.why == instance.COPY
    ids = select(tables.outbox.c.id).where(tables.outbox.c.key == "order_confirmation:1002")
    assert shop.program.parts.database.read_now(lambda link: link.scalar(ids)) > NOON.timestamp() * 1_000_000
