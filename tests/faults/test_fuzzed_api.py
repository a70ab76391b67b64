"""The API of the real program under a fuzzer that follows its answers: everything is as it is described."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec
import pytest
from aiohttp import web
from yarl import URL

from bot.api.openapi import OPERATIONS, ROOT, Operation
from bot.channels import standard_webhooks
from tests.faults.poison import RAISES
from tests.faults.programs import Plan, Program, free_port, migrated, programs
from tests.faults.traffic_simulation import FAST_SHOP, KEY, paid, placed, until
from tests.fuzzing import complaints, of_one_shop
from tests.world import served

TOKEN = "a token that is only for tests"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
EXAMPLES = 25  # for each operation and phase
FEWER = 15  # where only the database is another one; with fewer some paths are not found
TIMEOUT = 60.0

pytestmark = pytest.mark.faults


class Desk:
    """Who may ask about the shop, and who brings what there is to ask about."""

    def __init__(self, program: Program, http: aiohttp.ClientSession) -> None:
        self.program = program
        self._http = http

    async def bring(self, id: str, type: str, data: dict[str, Any]) -> None:
        body = msgspec.json.encode({"type": type, "timestamp": datetime.now(UTC), "data": data})
        headers = standard_webhooks.sign(KEY, id, datetime.now(UTC), body)
        async with self._http.post(
            f"{self.program.url}/hooks/shop/webhook", data=body, headers=headers
        ) as answer:
            assert answer.status == 200

    async def description(self) -> dict[str, Any]:
        async with self._http.get(f"{self.program.url}/api/v1/openapi.json") as answer:
            described: dict[str, Any] = await answer.json()
            return described

    async def get(self, path: str) -> Any:
        url = f"{self.program.url}/api/v1/shops/shop/{path}"
        async with self._http.get(url, headers=SHOWN) as answer:
            assert answer.status == 200
            return await answer.json()

    async def ask(self, operation: Operation, parameter: str, value: Any) -> None:
        """And be answered well."""
        path, place = ROOT.replace("{shop}", "shop") + operation.path, f"{{{parameter}}}"
        given = quote(str(value), safe="")
        url = path.replace(place, given) if place in path else f"{path}?{parameter}={given}"
        body = BODIES.get(operation.name)
        async with self._http.request(
            operation.method, URL(self.program.url + url, encoded=True), json=body, headers=SHOWN
        ) as answer:
            assert answer.status == 200, (url, await answer.text())


# What they answer needs a night, a statement, a campaign or an erasure, which their own tests have.
ASKED_ELSEWHERE = {
    "erase",
    "statement",
    "segments",
    "segment",
    "try_segment",
    "segment_why",
    "tiers",
    "buyer_tier",
    *("campaigns", "campaign", "campaign_look", "campaign_result", "campaign_why", "add_codes"),
    *("start_campaign", "approve_campaign", "stop_campaign", "resume_campaign"),
}
# Lists and what needs no other answer, or more than one thing of others.
LED_TO_BY_NOTHING = {
    *("buyers", "segments", "tiers", "statement", "try_segment", "promises"),
    *("segment_why", "detail", "join", "give_tier", "end_tier"),
    *("campaigns", "campaign_why", "add_codes"),
}
# What a fuzzer rarely asks before it has erased the buyer.
OF_A_BUYER = {"file", "time_line", "note", "tag", "export"}
BODIES = {"settle": {"confirmed": False}, "note": {"text": "likes blue"}, "tag": {"tag": "regular"}}


async def take(_: web.Request) -> web.Response:
    return web.Response()


@asynccontextmanager
async def asked(database_url: str, log: Path) -> AsyncIterator[Desk]:
    """A program with something of everything that can be asked for."""
    migrated(database_url)
    receiver = web.Application()
    receiver.router.add_post("/", take)
    async with served(receiver) as address, aiohttp.ClientSession() as http:
        plan = Plan(
            database=database_url,
            receiver=f"{address}/",
            port=free_port(),
            shop={**FAST_SHOP, "api_tokens": [TOKEN]},
            log=str(log),
            poisoned=True,
        )
        with programs(plan) as (program,):
            program.start()
            await program.ready()
            desk = Desk(program, http)
            await live(desk)
            yield desk


async def live(desk: Desk) -> None:
    for number, (order, buyer) in enumerate([("1001", "ann"), ("1002", "bob"), ("A/3 号?", "ann/二")]):
        await desk.bring(f"p{number}", "order.placed", placed(order, buyer))
    await desk.bring("paid", "order.paid", paid("1002"))
    await desk.bring("odd", "order.placed", {"order": {"id": "1004"}})
    words = [("bob", RAISES), ("eve", RAISES), ("bob", "找人工"), ("ann", "我已经付款了")]
    for number, (buyer, text) in enumerate(words):
        message = {"id": f"m{number}", "buyer": {"id": buyer}, "text": text}
        await desk.bring(f"m{number}", "message.received", {"message": message})

    async def all_there() -> bool:
        parked, unread = await desk.get("events"), await desk.get("events?state=unreadable")
        cases, sent = await desk.get("cases"), await desk.get("messages?state=sent")
        least = ((parked["events"], 2), (unread["events"], 1), (cases["cases"], 4), (sent["messages"], 4))
        return all(len(found) >= count for found, count in least)

    await until(all_there, TIMEOUT)


async def test_every_answer_leads_where_its_description_says(tmp_path: Path) -> None:
    async with asked(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path / "log") as desk:
        [message] = (await desk.get("messages?order=1001&limit=1"))["messages"]
        asked_for = {
            "messages": "messages?order=1001&limit=1",
            "explanation": f"messages/{message['name']}/explanation",
            "order": "orders/1001",
            "buyer": f"buyers/{message['buyer']}",
            "buyers": "buyers?limit=1",
            "events": "events?limit=1",
            "cases": "cases?state=all&limit=1",
        }
        answers = {name: await desk.get(path) for name, path in asked_for.items()}  # before any of it changes
        by_name = {operation.name: operation for operation in OPERATIONS}
        led = [
            (operation, lead)
            for operation in OPERATIONS
            for lead in operation.leads
            if operation.name not in ASKED_ELSEWHERE
        ]
        for operation, lead in led:
            found = at(answers[operation.name], lead.found_at)
            await desk.ask(by_name[lead.to], lead.parameter, found)

    assert {operation.name for operation, _ in led} == set(asked_for)
    every = {lead.to for operation in OPERATIONS for lead in operation.leads}
    assert every | LED_TO_BY_NOTHING == set(by_name)


def at(answer: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        answer = answer[int(name) if isinstance(answer, list) else name]
    return answer


async def test_a_fuzzer_that_follows_the_answers_finds_nothing_to_complain_of(
    database_url: str, tmp_path: Path
) -> None:
    async with asked(database_url, tmp_path / "log") as desk:
        described = of_one_shop(await desk.description())
        most = FEWER if database_url.startswith("postgresql") else EXAMPLES
        options = ("--mode", "all", "--max-examples", str(most), "--report-har-path", "heard.json")

        assert await complaints(described, desk.program.url, TOKEN, tmp_path, *options) == ""
        assert "Traceback" not in desk.program.complaints()

    assert never_well_answered(tmp_path / "heard.json") == []


async def test_a_fuzzer_that_does_not_know_the_shop_finds_nothing_either(tmp_path: Path) -> None:
    async with asked(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path / "log") as desk:
        described, options = await desk.description(), ("--mode", "all", "--max-examples", "5")

        assert await complaints(described, desk.program.url, TOKEN, tmp_path, *options) == ""


def never_well_answered(heard: Path) -> list[str]:
    """The operations that were never answered 200: of those the fuzzer knows nothing."""
    entries = json.loads(heard.read_text())["log"]["entries"]
    good = [entry["request"] for entry in entries if entry["response"]["status"] == 200]
    well = {(request["method"], urlsplit(request["url"]).path) for request in good}

    def known(operation: Operation) -> bool:
        form = re.compile(re.sub(r"\{\w+\}", "[^/]+", ROOT + operation.path))
        return any(method == operation.method and form.fullmatch(path) for method, path in well)

    unled = LED_TO_BY_NOTHING | ASKED_ELSEWHERE | OF_A_BUYER | {"erasure"}
    return [each.name for each in OPERATIONS if each.name not in unled and not known(each)]
