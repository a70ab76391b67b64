"""aiogram's webhook receiver: Telegram's updates, their secret compared, parsed and handed to a handler."""

import contextlib
from collections.abc import AsyncIterator

from aiogram import Bot, Dispatcher
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from bench.deliveries import TELEGRAM_SECRET


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[web.Application]:
    bot, dispatcher = Bot("1:for_measurements_only"), Dispatcher()

    @dispatcher.message()
    async def take(message: Message) -> None:
        assert message.text

    door = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token=TELEGRAM_SECRET).register(door, "/telegram")
    setup_application(door, dispatcher, bot=bot)
    yield door
