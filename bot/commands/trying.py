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
    nearest_language,
    opened,
    read_config,
    words_of,
)
from bot.commands.outbox import show_messages
from bot.commands.screen import show, show_json, tell
from bot.commands.serving import base_address
from bot.commands.words import say
from bot.config import Config, ShopSettings
from bot.domain.clock import utc_now
from storage import read_models
from storage.database import Database
from storage.read_models import Message, MessageFilter

PATIENCE = 8.0  # seconds until we stop waiting for the program to act
SHOWN = 20
LOCAL = ("127.0.0.1", "localhost", "::1")

SAMPLES = {  # by language: the buyer, the item, its price and the postage
    "en": ("Ann", "Jasmine tea, 100 g", "12.00", "3.50"),
    "zh-CN": ("安娜", "青花马克杯", "60.00", "8.00"),
    "zh-TW": ("安娜", "青花馬克杯", "600", "80"),
}


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sample order is handed in, and where the program's answers go."""

    address: str
    secret: SecretStr
    url: str | None


def try_out(config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False) -> None:
    """Send a sample order to the running `xiaoer serve`, and show what becomes of it."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    door = _door(config, shop_id, shop)
    order = f"T{int(time.time()):x}".upper()
    with opened(config) as database:
        received, messages = asyncio.run(_try(database, shop_id, shop, door, order))
    if as_json:
        texts = {message["template"]: message["text"] for message in received or []}
        queued = [message_form(message, words_of(shop)) for message in messages]
        show_json({"order": order, "received": texts, "messages": queued})
        return
    _tell(shop, door, order, received, messages)


def _door(config: Config, shop_id: str, shop: ShopSettings) -> Door:
    for name, settings in shop.channels.items():
        if settings.kind == "webhook" and settings.secrets:
            address = f"{base_address(config)}/hooks/{shop_id}/{name}"
            return Door(address=address, secret=settings.secrets[0], url=settings.url)
    raise WrongUse(f"shops.{shop_id} has no webhook channel with a secret; `xiaoer init DIR` shows one")


async def _try(
    database: Database, shop_id: str, shop: ShopSettings, door: Door, order: str
) -> tuple[list[dict[str, Any]] | None, list[Message]]:
    """What a stand-in for the shop's chat received (None: the shop has one of its own), and the outbox."""
    now = utc_now()
    body = msgspec.json.encode(_sample(shop, order, now))
    headers = standard_webhooks.sign(standard_webhooks.key(door.secret), f"try-{order}", now, body)
    async with _stand_in(door.url) as received:
        async with open_http() as http:
            await _hand_in(http, door.address, body, headers)
        messages = await _watch(database, shop_id, order)
    return received, messages


async def _hand_in(http: aiohttp.ClientSession, address: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        async with http.post(address, data=body, headers=headers) as answer:
            status = answer.status
    except aiohttp.ClientError:
        raise WrongUse(f"nobody answers at {address}; start `xiaoer serve` in another window") from None
    if status != 200:
        raise WrongUse(f"{address} answered {status}; does `xiaoer serve` run on these settings?")


async def _watch(database: Database, shop_id: str, order: str) -> list[Message]:
    """Until everything that is due now was said or held back."""
    wanted = MessageFilter(order=order)
    until = time.monotonic() + PATIENCE
    while True:
        found = await database.read(partial(read_models.messages, shop=shop_id, wanted=wanted, limit=SHOWN))
        now = utc_now()
        busy = any(m.state == "sending" or (m.state == "queued" and m.try_at <= now) for m in found)
        if (found and not busy) or time.monotonic() > until:
            return found
        await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def _stand_in(url: str | None) -> AsyncIterator[list[dict[str, Any]] | None]:
    """Take the messages that nobody else would: only for an address of this machine that is free."""
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


def _sample(shop: ShopSettings, order: str, now: datetime) -> dict[str, Any]:
    name, item, price, postage = SAMPLES[nearest_language(shop.locale)]
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
    door: Door,
    order: str,
    received: list[dict[str, Any]] | None,
    messages: list[Message],
) -> None:
    words = words_of(shop)
    reader = words.locale
    buyer = SAMPLES[nearest_language(shop.locale)][0]
    tell(say("try_sent", reader, order=order, buyer=buyer, address=door.address))
    for message in received or []:
        tell("\n" + say("try_received", reader, buyer=buyer, template=words.template(message["template"])))
        show(Panel(Text(message["text"]), box=ROUNDED, expand=False, style="cyan"))
    if received:
        tell(say("try_receiver", reader, url=door.url))
    tell("\n" + say("try_next", reader))
    show_messages(messages, words)
    tell("\n" + say("try_explain", reader, order=order))
