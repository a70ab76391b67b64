"""Campaigns in the JSON API: how far each is, a look, start, approval, stop, resume, result, why, codes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from sqlalchemy import Connection

from bot.api import forms
from bot.api.http import ASKING, ApiError, missing, named, read_body
from bot.config import ShopSettings
from bot.react.campaigns import Campaigns
from bot.receive.http_protocol import ReadBody
from bot.seller import campaigning
from bot.seller.campaigning import Look, Refused, Result, Standing
from bot.seller.words import SellerWords
from bot.texts import operator_words
from storage.database import Database
from storage.lookup import find_buyer

T = TypeVar("T")
Work = Callable[[web.Request, str, Any], Awaitable[Any]]


class CampaignDesk:
    """Every operation is a method of its own name, as in `Api`."""

    def __init__(
        self,
        shops: Mapping[str, ShopSettings],
        campaigns: Campaigns,
        database: Database,
        clock: Callable[[], datetime],
        read_body: ReadBody,
    ) -> None:
        self._shops = shops
        self._campaigns = campaigns
        self._database = database
        self._clock = clock
        self._read_body = read_body
        self._looking = asyncio.Lock()  # a look at many buyers takes its time; one after the other
        self.work: dict[str, Work] = {
            "campaigns": self._list,
            "campaign": self._campaign,
            "campaign_look": self._look,
            "campaign_result": self._result,
            "campaign_why": self._why,
            "start_campaign": self._start,
            "approve_campaign": self._approve,
            "stop_campaign": self._stop,
            "resume_campaign": self._resume,
            "add_codes": self._codes,
        }

    async def _list(self, _: web.Request, shop: str, __: forms.NoQuery) -> forms.CampaignList:
        settings, now = self._shops[shop], self._clock()
        look = partial(campaigning.standing, shop_id=shop, shop=settings, now=now)
        found = await self._database.read(
            lambda connection: [look(connection, name=name) for name in settings.offers]
        )
        return forms.CampaignList(campaigns=found)

    async def _campaign(self, request: web.Request, shop: str, _: forms.NoQuery) -> Standing:
        return await self._read(request, shop, campaigning.standing)

    async def _look(self, request: web.Request, shop: str, _: forms.NoQuery) -> Look:
        name, now = self._named(request, shop), self._clock()
        async with self._looking:
            return await self._database.read(
                lambda connection: self._campaigns.look(connection, shop, name, now)
            )

    async def _result(self, request: web.Request, shop: str, _: forms.NoQuery) -> Result:
        return await self._read(request, shop, campaigning.result)

    async def _why(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.CampaignWhy:
        name, buyer, now = self._named(request, shop), named(request, "buyer"), self._clock()

        def look(connection: Connection) -> tuple[str, str]:
            id = find_buyer(connection, shop, buyer)
            if id is None:
                missing("buyer")
            return id, self._campaigns.why(connection, shop, name, id, now)

        id, code = await self._database.read(look)
        return forms.CampaignWhy(buyer=id, code=code, text=self._say(shop, f"campaign_left_{code}"))

    async def _start(self, request: web.Request, shop: str, _: forms.NoQuery) -> Standing:
        wish = await read_body(request, self._read_body, forms.CampaignStart)
        work = partial(campaigning.start, who=request[ASKING], rules=wish.rules)
        return await self._change(request, shop, work)

    async def _approve(self, request: web.Request, shop: str, _: forms.NoQuery) -> Standing:
        return await self._change(request, shop, partial(campaigning.approve, who=request[ASKING]))

    async def _stop(self, request: web.Request, shop: str, _: forms.NoQuery) -> Standing:
        return await self._change(request, shop, campaigning.stop)

    async def _resume(self, request: web.Request, shop: str, _: forms.NoQuery) -> Standing:
        return await self._change(request, shop, campaigning.resume)

    async def _codes(self, request: web.Request, shop: str, _: forms.NoQuery) -> Standing:
        wish = await read_body(request, self._read_body, forms.CampaignCodes)
        return await self._change(request, shop, partial(campaigning.add_codes, codes=wish.codes))

    async def _read(self, request: web.Request, shop: str, look: Callable[..., T]) -> T:
        given = {"shop_id": shop, "shop": self._shops[shop], "name": self._named(request, shop)}
        return await self._database.read(partial(look, **given, now=self._clock()))

    async def _change(self, request: web.Request, shop: str, change: Callable[..., object]) -> Standing:
        given = {"shop_id": shop, "shop": self._shops[shop], "name": self._named(request, shop)}
        try:
            await self._database.write(partial(change, **given, now=self._clock()))
        except Refused as refused:
            says = self._say(shop, f"campaign_{refused.code}", **refused.values)
            raise ApiError(409, refused.code, says) from None
        return await self._read(request, shop, campaigning.standing)

    def _named(self, request: web.Request, shop: str) -> str:
        name = named(request, "campaign")
        if name not in self._shops[shop].offers:
            missing("campaign")
        return name

    def _say(self, shop: str, code: str, **values: object) -> str:
        locale = SellerWords.of(self._shops[shop]).locale
        return operator_words.say("commands", code, locale, values)
