"""The real program, killed again and again under load: no message lost, doubled or outdated.

XIAOER_KILLS: how often on each database (as many as it says, in place of the few of every day);
XIAOER_SEED: the seed of an earlier run, to kill at the same times again.
"""

import asyncio
import contextlib
import os
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import String, select

from bot.domain.context import Buyer, Conversation
from bot.domain.wishes import Wish
from bot.operations.audit.audit import audit
from bot.texts.catalogue import Catalogue
from storage import (
    buyer_records,
    calendar,
    campaign_records,
    conversation_records,
    outbox,
    tables,
    wish_records,
)
from storage.asking import ask
from storage.database import Database
from storage.wish_records import WishRecord
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import (
    FAST_SHOP,
    LAST_REMINDER,
    DatabaseProbe,
    Receiver,
    Traffic,
    delivery_of,
    until,
)
from tests.world import SECRET, config_of, served

pytestmark = pytest.mark.faults

KILLS = {
    "sqlite": int(os.environ.get("XIAOER_KILLS", "16")),
    "postgresql": int(os.environ.get("XIAOER_KILLS", "12")),
}
SEED = int(os.environ.get("XIAOER_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
outbox_rows = tables.outbox
REMINDERS = ("payment_reminder", "second_contact")


async def kill_at_random(program: Program, kills: int, rng: random.Random) -> None:
    """Kill and restart the program at random times; it runs at the end."""
    for _ in range(kills):
        program.start()
        if rng.random() < 0.9:  # else it is killed while it starts
            await program.ready()
        await asyncio.sleep(rng.uniform(0.0, 0.5))
        program.kill()
    program.start()
    await program.ready()


async def test_killed_again_and_again(database_url: str, tmp_path: Any) -> None:
    rng = random.Random(SEED)
    kills = KILLS["sqlite" if database_url.startswith("sqlite") else "postgresql"]
    print(f"XIAOER_SEED={SEED}: {kills} kills")
    migrated(database_url)
    receiver = Receiver(rng)
    receiver.trouble = 0.03
    async with served(receiver.app()) as url, aiohttp.ClientSession() as http:
        plan = Plan(
            database=database_url,
            receiver=f"{url}/",
            port=free_port(),
            shop=FAST_SHOP,
            log=str(tmp_path / "program.log"),
        )
        with programs(plan) as (program,), contextlib.closing(DatabaseProbe(database_url)) as probe:
            traffic = Traffic(http, [program.url], rng)
            living = asyncio.create_task(traffic.live())
            await kill_at_random(program, kills, rng)
            traffic.full.set()
            await living
            receiver.trouble = 0.0
            await probe.rest(program.complaints, LAST_REMINDER)
            await everything_was_done(probe, traffic, receiver)
            config = config_of(database_url, f"{url}/", **FAST_SHOP)
            found = await asyncio.to_thread(audit, probe.database, config.shops, datetime.now(UTC))
            assert [finding.sentence for finding in found] == []
    print(f"{len(traffic.orders)} orders, answers {dict(traffic.answers)}, {len(receiver.attempts)} attempts")


async def everything_was_done(probe: DatabaseProbe, traffic: Traffic, receiver: Receiver) -> None:
    """Compare the acknowledged deliveries, the received messages and the database."""
    kept = {delivery_of(name) for (name,) in await probe.rows(select(tables.inbox.c.external_id))}
    assert set(traffic.acknowledged) <= kept
    assert set(await probe.counts(tables.inbox)) == {"done"}
    asked = Counter(f"hello:None:b{int(id[3:]) // 2}:" for id in traffic.acknowledged if id.startswith("m-"))
    said = receiver.said()
    assert {key: count for key, count in said.items() if count > max(1, asked[key])} == {}
    assert asked <= said
    confirmed = [m["order"] for m in receiver.messages.values() if m["template"] == "order_confirmation"]
    assert sorted(confirmed) == sorted(traffic.orders)
    late = [
        attempt
        for attempt in receiver.attempts
        if attempt.message["template"] in REMINDERS
        and traffic.paid_at.get(attempt.message["order"], attempt.decided_at) < attempt.decided_at
    ]
    assert late == []
    unpaid = set(traffic.orders) - set(traffic.paid_at)
    reminded = {m["order"] for m in receiver.messages.values() if m["template"] == "payment_reminder"}
    assert unpaid <= reminded
    states = await probe.counts(outbox_rows)
    assert set(states) <= {"sent", "queued", "withdrawn", "skipped"}, states
    named = ("shop-" + outbox_rows.c.id.cast(String)).label("name")
    sent = {name for (name,) in await probe.rows(select(named).where(outbox_rows.c.state == "sent"))}
    tried = {name for (name,) in await probe.rows(select(named).where(outbox_rows.c.attempts > 0))}
    assert sent <= set(receiver.messages) <= tried  # an answer may be lost, and the message untrue by then


# A platform that does not drop repeats, and a kill between its answer and our commit (promise 8)


class Telegram:
    """Takes every message each time it comes; may have us killed before it answers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def send(self, request: web.Request) -> web.Response:
        self.texts.append((await request.json())["text"])
        if self.before_answer is not None:
            act, self.before_answer = self.before_answer, None
            await act()
        return web.json_response({"ok": True, "result": {"message_id": len(self.texts)}})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/bot{token}/sendMessage", self.send)
        return app


OFFER = {
    "tier": "all",
    "cron": "0 0 1 * *",
    "start": "2020-01-01",
    "end": "2199-01-01",
    "offer": "九折",
    "daytime": ["00:00", "23:59"],  # at whatever time the test runs
}


def chat_shop(api: str) -> dict[str, Any]:
    telegram = {"kind": "telegram", "secrets": ["a secret of the test"], "token": "1:x", "api": api}
    return {
        **FAST_SHOP,
        "channels": {"telegram": telegram, "webhook": {"kind": "webhook", "secrets": [SECRET]}},
        "vip": {"tiers": [{"name": "all"}]},
        "promotions": {"sale": OFFER},
    }


def ann_waits_for(database_url: str, template: str, category: str) -> None:
    """Ann has a chat, and one message to this chat is due."""
    now = datetime.now(UTC)
    version = Catalogue(None).resolve(template, "zh-CN")
    ann = Buyer(id="ann", name="安娜", locale="zh-CN", created_at=now)
    agreed = Wish(what="offers", yes=True, at=now)
    word = WishRecord(address=("telegram", "42"), wish=agreed, channel="telegram", event="yes", buyer="ann")
    chat = Conversation(channel="telegram", address="42", buyer="ann", last_in_at=now)
    draft = outbox.Draft(
        key=f"{template}:1",
        buyer="ann",
        template=template,
        version=version.id,
        category=category,
        rule="promotions.sale",
        due_at=now,
        lateness=timedelta(hours=1),
        to="telegram:42",
        values={"promotion": "sale", "offer": "九折", "tier": "all"},
    )
    database = Database(database_url)
    with database.engine.begin() as connection:
        ask(connection, "shop", buyer_records.save([ann]))
        ask(connection, "shop", conversation_records.save([chat]))
        ask(connection, "shop", wish_records.add([word], now))
        ask(connection, "shop", outbox.keep_versions([version]))
        ask(connection, "shop", outbox.queue([draft], now))
    database.close()


@pytest.mark.parametrize(
    ("template", "category", "copies", "state"),
    [("hello", "answer", 2, "sent"), ("vip_promotion", "promotion", 1, "unknown")],
    ids=["a service message is sent again", "an offer is left"],
)
async def test_killed_between_the_platforms_answer_and_our_commit(
    database_url: str, tmp_path: Any, template: str, category: str, copies: int, state: str
) -> None:
    migrated(database_url)
    ann_waits_for(database_url, template, category)
    telegram = Telegram()
    async with served(telegram.app()) as api:
        log = str(tmp_path / "program.log")
        plan = Plan(
            database=database_url,
            receiver="http://127.0.0.1:9/",
            port=free_port(),
            shop=chat_shop(api),
            log=log,
            speed=5.0,  # the message that nobody knows about is sent again after half a minute
        )
        with programs(plan) as (program,), contextlib.closing(DatabaseProbe(database_url)) as probe:

            async def kill() -> None:
                program.kill()

            async def killed() -> bool:
                return not program.alive and bool(telegram.texts)

            telegram.before_answer = kill
            program.start()
            await until(killed)
            assert await probe.counts(outbox_rows) == {"sending": 1}
            program.start()
            await program.ready()
            await until(lambda: in_state(probe, state))
            await asyncio.sleep(1)
            assert len(telegram.texts) == copies
            outcomes = await probe.rows(select(tables.attempts.c.outcome))
            assert [outcome for (outcome,) in outcomes] == ["DeliveryUnknown"]


async def in_state(probe: DatabaseProbe, state: str) -> bool:
    return await probe.counts(outbox_rows) == {state: 1}


# Codes of campaigns: one for each buyer, whenever the program dies

TEAS = [f"tea-{number}" for number in range(6)]
READERS = [f"b{number}" for number in range(30)]
CODE = re.compile(r"tea-\d+/\d+")


def readers_with_codes(database_url: str) -> None:
    """Everybody agreed to offers, and each campaign has a code for each of them, and none more."""
    now = datetime.now(UTC)
    agreed = Wish(what="offers", yes=True, at=now)
    words = [
        WishRecord(address=("webhook", id), wish=agreed, channel="webhook", event=f"yes-{id}", buyer=id)
        for id in READERS
    ]
    chats = [Conversation(channel="webhook", address=id, buyer=id, last_in_at=now) for id in READERS]
    database = Database(database_url)
    with database.engine.begin() as connection:
        ask(connection, "shop", buyer_records.save([Buyer(id=id, created_at=now) for id in READERS]))
        ask(connection, "shop", conversation_records.save(chats))
        ask(connection, "shop", wish_records.add(words, now))
        for name in TEAS:
            campaign_records.add_codes(
                connection, "shop", name, [f"{name}/{place}" for place in range(len(READERS))]
            )
    database.close()


async def test_a_code_is_given_once_whenever_the_program_is_killed(database_url: str, tmp_path: Any) -> None:
    rng = random.Random(SEED)
    print(f"XIAOER_SEED={SEED}")
    migrated(database_url)
    readers_with_codes(database_url)
    receiver = Receiver(rng)
    receiver.trouble = 0.1
    tea = {**OFFER, "offer": "九折 {code}", "codes": True, "pace": 100_000}  # at once, and not over the day
    shop = {
        **FAST_SHOP,
        "limits": {"per_day": 1000, "promotions_per_week": 1000},
        "vip": {"tiers": [{"name": "all"}]},
        "promotions": dict.fromkeys(TEAS, tea),
    }
    async with served(receiver.app()) as url:
        log = str(tmp_path / "program.log")
        plan = Plan(database=database_url, receiver=f"{url}/", port=free_port(), shop=shop, log=log)
        with programs(plan) as (program,), contextlib.closing(DatabaseProbe(database_url)) as probe:
            for name in TEAS:
                begin = partial(calendar.start_campaign, shop="shop", promotion=name, slot=datetime.now(UTC))
                await probe.database.write(begin)
                program.start()
                await program.ready()
                await asyncio.sleep(rng.uniform(0.0, 0.7))
                program.kill()
            receiver.trouble = 0.0
            program.start()
            await program.ready()
            under_way = select(tables.campaigns.c.promotion).where(tables.campaigns.c.done_at.is_(None))

            async def over() -> bool:
                return not await probe.rows(under_way)

            await until(over)
            await probe.rest(program.complaints)
            codes = tables.campaign_codes
            given = {(row.code, row.buyer) for row in await probe.rows(select(codes.c.code, codes.c.buyer))}
    read = Counter((CODE.findall(m["text"])[0], m["buyer"]["id"]) for m in receiver.messages.values())
    assert set(read.values()) == {1}, "nobody reads of a campaign twice"
    assert set(read) == given, "everybody reads the code that is theirs, and no code is lost"
    assert len(given) == len({(code.split("/")[0], buyer) for code, buyer in given}) == 180
