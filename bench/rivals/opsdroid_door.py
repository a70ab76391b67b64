"""opsdroid's webhook receiver: a skill that is called with each delivery, token compared, JSON read."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from opsdroid.cli.utils import configure_lang
from opsdroid.core import OpsDroid
from opsdroid.matchers import match_webhook
from opsdroid.skill import Skill

from bench.deliveries import OPSDROID_TOKEN


class Taking(Skill):
    @match_webhook("taking")
    async def take(self, request: web.Request) -> None:
        delivery: dict[str, Any] = await request.json()
        assert delivery["type"]


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[web.Application]:
    settings = {
        "web": {"webhook-token": OPSDROID_TOKEN},
        "connectors": {"websocket": {}},  # it asks for one; nobody comes through it
        "skills": {"bench": {"module": __name__}},
    }
    configure_lang({})
    with OpsDroid(config=settings, loopless=True) as bot:
        await bot.load()
        yield bot.web_server.web_app
