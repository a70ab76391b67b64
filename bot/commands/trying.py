"""The command for newcomers: try, a sample order sent to the running program, and what follows."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp import web
from pydantic import SecretStr
from rich.box import ROUNDED
from rich.panel import Panel
from rich.text import Text

from bot.api.forms import message_form
from bot.channels import standard_webhooks
from bot.channels.registry import open_http
from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    ShopName,
    WrongUse,
    choose_shop,
    opened,
    read_config,
    reader_of,
    words_of,
)
from bot.commands.outbox import show_messages
from bot.commands.screen import say, show, show_json, tell
from bot.commands.serving import base_address
from bot.config import Config, ShopSettings
from bot.domain.clock import utc_now
from bot.texts import operator_words
from bot.texts.languages import nearest_language
from storage import read_models
from storage.database import Database
from storage.read_models import Message, MessageFilter

TIMEOUT = 8.0  # seconds until we stop waiting for the program to act
SHOWN = 20
LOCAL = ("127.0.0.1", "localhost", "::1")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sample order is posted, and `url`, where the program's messages go."""

    address: str
    secret: SecretStr
    url: str | None


def try_out(config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False) -> None:
    """Send a sample order to the running `xiaoer serve`, and show what becomes of it."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    target = _target(config, shop_id, shop)
    order = f"T{int(time.time()):x}".upper()
    with opened(config) as database:
        received, messages = asyncio.run(_try(database, shop_id, shop, target, order))
    if as_json:
        texts = {message["template"]: message["text"] for message in received or []}
        queued = [message_form(message, words_of(shop)) for message in messages]
        show_json({"order": order, "received": texts, "messages": queued})
        return
    _tell(shop, target, order, received, messages)


def _target(config: Config, shop_id: str, shop: ShopSettings) -> Target:
    for name, settings in shop.channels.items():
        if settings.kind == "webhook" and settings.secrets:
            address = f"{base_address(config)}/hooks/{shop_id}/{name}"
            return Target(address=address, secret=settings.secrets[0], url=settings.url)
    raise WrongUse(say("no_webhook", reader_of(config), shop=f"shops.{shop_id}"))


async def _try(
    database: Database, shop_id: str, shop: ShopSettings, target: Target, order: str
) -> tuple[list[dict[str, Any]] | None, list[Message]]:
    """What a stand-in for the shop's chat received (None: the shop has its own), and the order's messages."""
    now = utc_now()
    body = msgspec.json.encode(_sample(shop, order, now))
    headers = standard_webhooks.sign(standard_webhooks.key(target.secret), f"try-{order}", now, body)
    async with _stand_in(target.url) as received:
        async with open_http() as http:
            await _post(http, target.address, body, headers, words_of(shop).locale)
        messages = await _watch(database, shop_id, order)
    return received, messages


async def _post(
    http: aiohttp.ClientSession, address: str, body: bytes, headers: dict[str, str], reader: str
) -> None:
    try:
        async with http.post(address, data=body, headers=headers) as answer:
            status = answer.status
    except aiohttp.ClientError:
        raise WrongUse(say("nobody_answers", reader, address=address)) from None
    if status != 200:
        raise WrongUse(say("wrong_answer", reader, address=address, status=status))


async def _watch(database: Database, shop_id: str, order: str) -> list[Message]:
    """Poll the order's messages until none is due or being sent, at most TIMEOUT seconds."""
    wanted = MessageFilter(order=order)
    until = time.monotonic() + TIMEOUT
    while True:
        found = await database.read(partial(read_models.messages, shop=shop_id, wanted=wanted, limit=SHOWN))
        now = utc_now()
        busy = any(m.state == "sending" or (m.state == "queued" and m.try_at <= now) for m in found)
        if (found and not busy) or time.monotonic() > until:
            return found
        await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def _stand_in(url: str | None) -> AsyncIterator[list[dict[str, Any]] | None]:
    """Receive messages in place of the shop's chat if `url` is a free port of this machine; else None."""
    parts = urlsplit(url or "")
    if parts.hostname not in LOCAL or not parts.port or not _is_free(parts.hostname, parts.port):
        yield None
        return
    received: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        message = (await request.json())["data"]["message"]
        if message["id"] not in {known["id"] for known in received}:
            received.append(message)
        return web.Response(status=200)

    chat = web.Application()
    chat.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(chat, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, parts.hostname, parts.port).start()
        yield received
    finally:
        await runner.cleanup()


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return True
    return False


def _of_sample(shop: ShopSettings, name: str) -> str:
    """A value of the sample order, in the shop's language."""
    return operator_words.say("sample_order", name, nearest_language(shop.locale), {})


def _sample(shop: ShopSettings, order: str, now: datetime) -> dict[str, Any]:
    name, item, price, postage = map(partial(_of_sample, shop), ("buyer", "item", "price", "postage"))
    total = f"{float(price) + float(postage):.{2 if '.' in price else 0}f}"
    placed_at = now - timedelta(seconds=1)
    return {
        "type": "order.placed",
        "timestamp": placed_at,
        "data": {
            "order": {
                "id": order,
                "placed_at": placed_at,
                "total": total,
                "postage": postage,
                "currency": shop.currency,
                "buyer": {"id": f"try-{order}", "name": name, "locale": shop.locale},
                "lines": [{"sku": "TRY-1", "title": item, "quantity": 1, "price": price}],
            }
        },
    }


def _tell(
    shop: ShopSettings,
    target: Target,
    order: str,
    received: list[dict[str, Any]] | None,
    messages: list[Message],
) -> None:
    words = words_of(shop)
    reader = words.locale
    buyer = _of_sample(shop, "buyer")
    tell(say("try_sent", reader, order=order, buyer=buyer, address=target.address))
    for message in received or []:
        tell("\n" + say("try_received", reader, buyer=buyer, template=words.template(message["template"])))
        show(Panel(Text(message["text"]), box=ROUNDED, expand=False, style="cyan"))
    if received:
        tell(say("try_receiver", reader, url=target.url))
    tell("\n" + say("try_next", reader))
    show_messages(messages, {}, words)  # its id is its number
    tell("\n" + say("try_explain", reader, order=order))
