"""The work that is the same for all: prove a delivery, render a text, sign it, send it."""

import http.client
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jinja2
import msgspec
from aiohttp import web
from pydantic import SecretStr

from bench.deliveries import SECRET
from bench.rivals.place import RECEIVER
from bot.channels import standard_webhooks
from bot.domain.errors import WebhookRefused

TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "zh-CN"
ACCOUNTS = [{"bank": "工商银行", "number": "6222 0000 1111", "name": "张三"}]

Facts = dict[str, Any]  # a task as it travels: the template's name, whom it is for, and what the text needs
Keep = Callable[[str, Facts], Awaitable[None]]

_KEY = standard_webhooks.key(SecretStr(SECRET))
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def door(keep: Keep) -> web.Application:
    """A door that answers as soon as `keep` has what it was brought."""

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            standard_webhooks.check((_KEY,), request.headers, body, datetime.now(UTC))
        except WebhookRefused:
            return web.Response(status=401)
        await keep(request.headers["webhook-id"], _facts(_decode(body)))
        return web.Response()

    site = web.Application()
    site.router.add_post("/hooks/{shop}/{channel}", receive)
    return site


def _facts(delivery: dict[str, Any]) -> Facts:
    if delivery["type"] == "message.received":
        return {"template": "hello", "buyer": delivery["data"]["message"]["buyer"]["id"]}
    order = delivery["data"]["order"]
    buyer = order["buyer"]
    return {
        "template": "payment_reminder",
        "buyer": buyer["id"],
        "name": buyer["name"],
        "order": order["id"],
        "left": order["total"],
    }


def reminder(number: int) -> tuple[str, Facts]:
    """An unpaid order's first reminder, due five minutes ago."""
    return f"reminder-{number}", {
        "template": "payment_reminder",
        "buyer": f"buyer-{number}",
        "name": "安娜",
        "order": str(number),
        "left": "128.00",
    }


def message(id: str, facts: Facts) -> tuple[bytes, dict[str, str]]:
    """The body to send and its headers, rendered and signed."""
    now = datetime.now(UTC)
    data = {
        "id": id,
        "buyer": {"id": facts["buyer"]},
        "text": _text(facts),
        "locale": "zh-CN",
        "template": facts["template"],
        "order": facts.get("order"),
    }
    body = _encode({"type": "message.send", "timestamp": now, "data": {"message": data}})
    return body, {**standard_webhooks.sign(_KEY, id, now, body), "content-type": "application/json"}


def _text(facts: Facts) -> str:
    order = {"number": facts.get("order"), "left": facts.get("left")}
    payment = {"accounts": ACCOUNTS, "memo": facts.get("order"), "closes_at": None, "link": None}
    return _template(facts["template"]).render(
        buyer={"called": facts.get("name") or "亲"},
        order=order,
        payment=payment,
        shop={"name": "青花小铺"},
        step=1,
        steps=3,
        last=False,
    )


@cache
def _template(name: str) -> jinja2.Template:
    page = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)  # text
    page.filters["money"] = "¥{}".format
    page.filters["moment"] = str  # only the last reminder says when
    return page.from_string((TEMPLATES / f"{name}.txt").read_text("utf-8"))


def client() -> aiohttp.ClientSession:
    """As Xiaoer opens its own."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=256),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )


async def send(http: aiohttp.ClientSession, id: str, facts: Facts) -> None:
    body, headers = message(id, facts)
    async with http.post(RECEIVER, data=body, headers=headers) as response:
        response.raise_for_status()


class Line:
    """A connection that stays, for those who work without an event loop; one thread's own."""

    def __init__(self) -> None:
        self._line = http.client.HTTPConnection(urlsplit(RECEIVER).netloc)

    def send(self, id: str, facts: Facts) -> None:
        body, headers = message(id, facts)
        self._line.request("POST", "/", body, headers)
        response = self._line.getresponse()
        response.read()
        if response.status != 200:
            raise ConnectionError(f"the receiver answered {response.status}")
