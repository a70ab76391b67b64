"""The JSON API under /api/v1: a shop's messages, orders, buyers, events and cases, for who has its token."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog
from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.api import forms, openapi
from bot.api.campaigns import CampaignDesk
from bot.api.http import (
    ASKING,
    ApiError,
    Tokens,
    error_response,
    in_utc,
    json_response,
    missing,
    named,
    read_body,
    read_query,
)
from bot.api.openapi import OPERATIONS, ROOT, Operation
from bot.api.refusals import RefusedTokens
from bot.config import Config, ShopSettings
from bot.csv_import.faults import BadLine
from bot.domain.erasing import Scope
from bot.domain.segments import SegmentFault, Tree
from bot.operations.buyer_export import export
from bot.operations.erasure import Eraser
from bot.operations.metrics import Metrics
from bot.react.campaigns import Campaigns
from bot.receive.http_protocol import ReadBody
from bot.seller import knowing
from bot.seller.explanation import explain
from bot.seller.promised import promised
from bot.seller.settle import Settled, settle_case
from bot.seller.words import SellerWords
from bot.statements.reconciling import Reconciling, examine_text
from bot.statements.report import as_data, fault_as_data
from bot.statements.staging import Staging
from bot.texts import operator_words
from bot.texts.catalogue import Catalogue
from storage import buyer_file, buyer_scope, erasures, inbox, profiles, read_models, tier_records
from storage.buyer_file import BuyerFile
from storage.database import Database
from storage.lookup import can_be_kept, find_buyer, id_in

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


class Erasing(NamedTuple):
    """What erases buyers, and what wakes the loop that goes on with it."""

    eraser: Eraser
    wake: Callable[[], None]


def api_routes(
    config: Config,
    database: Database,
    clock: Callable[[], datetime],
    wake_react: Callable[[], None],
    read_body: ReadBody,
    metrics: Metrics,
    erasing: Erasing,
    campaigns: Campaigns,
) -> list[web.RouteDef]:
    desk = CampaignDesk(config.shops, campaigns, database, clock, read_body)
    api = Api(config, database, clock, wake_react, read_body, metrics, erasing, desk)
    routes = [web.get("/api/v1/openapi.json", api.describe)]
    for operation in OPERATIONS:
        routes.append(web.route(operation.method, ROOT + operation.path, api.handler(operation)))
        routes.append(web.route("*", ROOT + operation.path, api.wrong_method(operation)))
    return [*routes, web.route("*", "/api/{rest:.*}", api.nothing_here)]


class Api:
    """Every operation is a method of its own name: (request, shop's id, query) -> a form."""

    def __init__(
        self,
        config: Config,
        database: Database,
        clock: Callable[[], datetime],
        wake_react: Callable[[], None],
        read_body: ReadBody,
        metrics: Metrics,
        erasing: Erasing,
        desk: CampaignDesk,
    ) -> None:
        self._config = config
        self._erasing = erasing
        self._database = database
        self._clock = clock
        self._wake_react = wake_react
        self._read_body = read_body
        self._texts = Catalogue(config.templates)
        self._tokens = Tokens({shop_id: shop.api_tokens for shop_id, shop in config.shops.items()})
        self._refused = RefusedTokens(database, metrics, clock, config.shops)
        self._words = {shop_id: _words(shop) for shop_id, shop in config.shops.items()}
        self._work: dict[str, Callable[[web.Request, str, Any], Awaitable[Any]]] = {
            "messages": self._messages,
            "explanation": self._explanation,
            "order": self._order,
            "buyer": self._buyer,
            "buyers": self._buyers,
            "file": self._file,
            "time_line": self._time_line,
            "note": self._note,
            "tag": self._tag,
            "detail": self._detail,
            "join": self._join,
            "export": self._export,
            "erase": self._erase,
            "erasure": self._erasure,
            "events": self._events,
            "retry": self._retry,
            "cases": self._cases,
            "settle": self._settle,
            "statement": self._statement,
            "segments": self._segments,
            "segment": self._segment,
            "try_segment": self._try_segment,
            "segment_why": self._segment_why,
            "promises": self._promises,
            "tiers": self._tiers,
            "buyer_tier": self._buyer_tier,
            "give_tier": self._give_tier,
            "end_tier": self._end_tier,
            **desk.work,
        }

    # Routes

    def handler(self, operation: Operation) -> Handler:
        work = self._work[operation.name]

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                shop_id, request[ASKING] = self._tokens.authenticate(request)
                query = read_query(request.query, operation.query)
                return json_response(await work(request, shop_id, query))
            except ApiError as error:
                if error.status == 401:
                    self._refused.note(request.match_info["shop"])
                return error_response(error)
            except DBAPIError as error:
                log.error("api could not read", operation=operation.name, error=type(error).__name__)
                away = {"Retry-After": "5"}
                return error_response(
                    ApiError(503, "unavailable", "the database does not answer; come again", away)
                )

        return handle

    def wrong_method(self, operation: Operation) -> Handler:
        allowed = "GET, HEAD" if operation.method == "GET" else operation.method

        async def handle(_: web.Request) -> web.StreamResponse:
            says = f"this can only be asked with {operation.method}"
            return error_response(ApiError(405, "wrong_method", says, {"Allow": allowed}))

        return handle

    async def nothing_here(self, _: web.Request) -> web.StreamResponse:
        says = "there is nothing at this address; /api/v1/openapi.json lists what there is"
        return error_response(ApiError(404, "not_found", says))

    async def describe(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=openapi.document(), content_type="application/json")

    # Operations

    async def _messages(self, _: web.Request, shop: str, query: forms.MessagesQuery) -> forms.Messages:
        wanted = read_models.MessageFilter(
            order=query.order,
            buyer=query.buyer,
            states=query.state,
            template=query.template,
            since=in_utc(query.since),
        )
        found = await self._read(
            lambda connection: read_models.messages(connection, shop, wanted, query.limit + 1, query.after)
        )
        shown, more = found[: query.limit], len(found) > query.limit
        words = self._words[shop]
        return forms.Messages(
            messages=[forms.message_form(message, words) for message in shown],
            next=shown[-1].id if more else None,
        )

    async def _explanation(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.Explanation:
        name, words, now = named(request, "message"), self._words[shop], self._clock()
        settings = self._config.shops[shop]
        explained = await self._read(
            lambda connection: explain(connection, shop, settings, words, name, self._texts, now)
        )
        return forms.explanation_form(_found(explained, "message"), words)

    async def _order(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.OrderForm:
        name = named(request, "order")
        file = await self._read(lambda connection: profiles.order_profile(connection, shop, name))
        return forms.order_form(_found(file, "order"), self._words[shop])

    async def _buyer(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.BuyerForm:
        name = named(request, "buyer")
        file = await self._read(lambda connection: profiles.buyer_profile(connection, shop, name))
        return forms.buyer_form(_found(file, "buyer"))

    async def _buyers(self, _: web.Request, shop: str, query: forms.BuyersQuery) -> forms.Buyers:
        look = partial(
            buyer_file.find, shop=shop, words=query.words, after=query.behind, limit=query.limit + 1
        )
        found = await self._read(look) if can_be_kept(query.words + query.behind) else []
        shown, more = found[: query.limit], len(found) > query.limit
        return forms.Buyers(
            buyers=[forms.found_form(each) for each in shown], next=shown[-1].id if more else None
        )

    async def _scope(self, request: web.Request, shop: str) -> Scope:
        """All of the buyer whom the path names by our id."""
        name = named(request, "buyer")

        def look(connection: Connection) -> Scope | None:
            id = buyer_scope.present(connection, shop, name)
            return buyer_scope.together(connection, shop, id) if id else None

        return _found(await self._read(look), "buyer")

    async def _file(self, request: web.Request, shop: str, _: forms.NoQuery) -> BuyerFile:
        scope = await self._scope(request, shop)
        return await self._read(partial(buyer_file.read, shop=shop, scope=scope))

    async def _time_line(self, request: web.Request, shop: str, query: forms.TimeLineQuery) -> forms.TimeLine:
        scope = await self._scope(request, shop)
        try:
            before = buyer_file.cursor_of(query.before)
        except (ValueError, OverflowError):
            raise ApiError(400, "wrong_parameter", "before: take `next` of the page before") from None
        look = partial(buyer_file.time_line, shop=shop, scope=scope, before=before, limit=query.limit)
        moments = await self._read(look)
        return forms.TimeLine(moments=moments, next=buyer_file.next_of(moments, query.limit))

    async def _note(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.Noted:
        wish = await read_body(request, self._read_body, forms.NoteText)
        change = partial(buyer_file.add_note, text=wish.text, who=request[ASKING], now=self._clock())
        return await self._noted(request, shop, change)

    async def _tag(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.Noted:
        wish = await read_body(request, self._read_body, forms.TagText)
        if not wish.on:
            return await self._noted(request, shop, partial(buyer_file.remove_tag, text=wish.tag))
        change = partial(buyer_file.add_tag, text=wish.tag, who=request[ASKING], now=self._clock())
        return await self._noted(request, shop, change)

    async def _detail(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.Noted:
        wish = await read_body(request, self._read_body, forms.DetailText)
        told = partial(buyer_file.set_detail, name=wish.name, value=wish.value)
        return await self._noted(request, shop, partial(told, who=request[ASKING], now=self._clock()))

    async def _join(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.Noted:
        wish = await read_body(request, self._read_body, forms.JoinText)
        found = await self._read(lambda link: buyer_scope.present(link, shop, wish.other))
        other = _found(found, "buyer")
        if other == request.match_info["buyer"]:
            raise ApiError(409, "same_buyer", "a file cannot be joined with itself")
        told = partial(buyer_scope.join, joined=wish.joined, who=request[ASKING], now=self._clock())
        return await self._noted(request, shop, lambda link, shop, id: told(link, shop, id, other))

    async def _noted(self, request: web.Request, shop: str, change: Callable[..., object]) -> forms.Noted:
        name = named(request, "buyer")

        def write(connection: Connection) -> str | None:
            id = buyer_scope.present(connection, shop, name)
            if id:
                change(connection, shop, id)
            return id

        return forms.Noted(buyer=_found(await self._database.write(write), "buyer"))

    async def _export(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.ExportForm:
        retention, who = self._config.retention, request[ASKING]
        archive = retention.archive if retention else None
        work = partial(export, self._database, shop, named(request, "buyer"), archive, who, self._clock())
        return forms.export_form(_found(await asyncio.to_thread(work), "buyer"))

    async def _erase(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.ErasureForm:
        work = partial(self._erasing.eraser.begin, shop, named(request, "buyer"), request[ASKING])
        begun = _found(await asyncio.to_thread(work), "buyer")
        self._erasing.wake()
        return forms.erasure_form(begun)

    async def _erasure(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.ErasureForm:
        id = named(request, "erasure")
        found = await self._read(lambda connection: erasures.find(connection, shop, id))
        return forms.erasure_form(_found(found, "erasure"))

    async def _events(self, _: web.Request, shop: str, query: forms.EventsQuery) -> forms.Events:
        def look(connection: Connection) -> list[forms.EventForm]:
            asked = (connection, shop, query.limit + 1, query.after)
            if query.state == "unreadable":
                return [forms.unread_form(puzzle) for puzzle in read_models.unreadable_deliveries(*asked)]
            found = read_models.events(connection, shop, query.state, query.limit + 1, query.after)
            return [forms.event_form(event) for event in found]

        found = await self._read(look)
        shown, more = found[: query.limit], len(found) > query.limit
        return forms.Events(events=shown, next=shown[-1].id if more else None)

    async def _retry(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.Retried:
        id = _number(request, "event")

        def reopen(connection: Connection) -> bool:
            event = _found(read_models.event(connection, shop, id), "event")
            return event.state == "open" or inbox.reopen(connection, shop, id) > 0

        if not await self._database.write(reopen):
            raise ApiError(
                409, "not_parked", "this event was handled; only one that was put aside can be retried"
            )
        self._wake_react()
        return forms.Retried(event=id, state="open")

    async def _cases(self, _: web.Request, shop: str, query: forms.CasesQuery) -> forms.Cases:
        only_open = query.state == "open"
        found = await self._read(
            lambda connection: read_models.list_cases(
                connection, shop, only_open, query.limit + 1, query.after
            )
        )
        shown, more = found[: query.limit], len(found) > query.limit
        words = self._words[shop]
        return forms.Cases(
            cases=[forms.case_form(case, words) for case in shown], next=shown[-1].number if more else None
        )

    async def _settle(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.SettledForm:
        number = _number(request, "case")
        wish = await read_body(request, self._read_body, forms.Settlement)
        now = self._clock()
        settled = await self._database.write(
            lambda connection: settle_case(connection, shop, number, wish.confirmed, now, request[ASKING])
        )
        match settled:
            case Settled.UNKNOWN:
                missing("case")
            case Settled.CLOSED:
                raise ApiError(409, "closed", "this case was settled before")
            case Settled.NO_CLAIM:
                says = (
                    "only a claim of payment for an order can be confirmed; settle it with confirmed: false"
                )
                raise ApiError(409, "no_claim", says)
            case Settled.DONE:
                self._wake_react()
        return forms.SettledForm(case=number, confirmed=wish.confirmed)

    async def _statement(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.StatementForm:
        wish = await read_body(request, self._read_body, forms.Statement)
        settings, words, now = self._config.shops[shop], self._words[shop], self._clock()
        staging, faults = Staging(), list[BadLine]()
        try:
            text = wish.content.encode("utf-8", "replace")
            found = await asyncio.to_thread(
                examine_text, text, settings, wish.bank, now, staging, faults.append
            )
            work = Reconciling(shop, settings, words.locale, now, found, wish.dry_run)
            for batch in staging.batches() if not faults else ():
                taking = partial(work.take, batch=batch)
                await (self._read(taking) if wish.dry_run else self._database.write(taking))
        finally:
            staging.close()
        if found.certain and not wish.dry_run:
            self._wake_react()
        bad = [fault_as_data(each, words.locale) for each in faults[: forms.FAULTS_SHOWN]]
        data = {**as_data(found, words.locale), "bad": bad, "dry_run": wish.dry_run}
        return msgspec.convert(data, forms.StatementForm)

    async def _segments(self, _: web.Request, shop: str, __: forms.NoQuery) -> forms.Segments:
        settings, now = self._config.shops[shop], self._clock()

        def look(connection: Connection) -> forms.Segments:
            found = knowing.sizes(connection, shop, settings, now)
            return forms.segments_form(found, knowing.as_of(connection, shop, now))

        return await self._read(look)

    async def _segment(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.SegmentPreview:
        name = named(request, "segment")
        tree = self._tree(shop, name)
        return await self._preview(shop, knowing.written(self._config.shops[shop].segments[name]), tree)

    def _tree(self, shop: str, name: str) -> Tree:
        trees = self._config.shops[shop].segment_trees
        if name not in trees:
            missing("segment")
        return trees[name]

    async def _try_segment(
        self, _: web.Request, shop: str, query: forms.SegmentQuery
    ) -> forms.SegmentPreview:
        try:
            tree = knowing.tried(self._config.shops[shop], query.condition)
        except SegmentFault as fault:
            says = operator_words.say("settings", fault.code, self._words[shop].locale, fault.values)
            raise ApiError(409, "wrong_condition", f"condition: {says}") from None
        return await self._preview(shop, knowing.written(query.condition), tree)

    async def _preview(self, shop: str, condition: str, tree: Tree) -> forms.SegmentPreview:
        settings, now = self._config.shops[shop], self._clock()
        found = await self._read(
            lambda connection: knowing.preview(connection, shop, settings, condition, tree, now)
        )
        return forms.preview_form(found, settings.currency)

    async def _segment_why(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.SegmentWhy:
        settings, now, buyer = self._config.shops[shop], self._clock(), named(request, "buyer")
        tree = self._tree(shop, named(request, "segment"))
        found = await self._read(
            lambda connection: knowing.membership(connection, shop, settings, tree, buyer, now)
        )
        return forms.segment_why_form(_found(found, "buyer"), settings.currency)

    async def _promises(self, _: web.Request, shop: str, __: forms.NoQuery) -> forms.Promises:
        settings, now = self._config.shops[shop], self._clock()
        found = await self._read(lambda connection: promised(connection, shop, settings, now))
        return forms.promises_form(found)

    async def _tiers(self, _: web.Request, shop: str, __: forms.NoQuery) -> forms.Tiers:
        settings, now = self._config.shops[shop], self._clock()
        found = await self._read(lambda connection: knowing.tier_sizes(connection, shop, settings, now))
        return forms.tiers_form(found, settings.currency)

    async def _buyer_tier(self, request: web.Request, shop: str, _: forms.NoQuery) -> forms.BuyerTierForm:
        settings, now, name = self._config.shops[shop], self._clock(), named(request, "buyer")
        found = await self._read(lambda connection: knowing.buyer_tier(connection, shop, settings, name, now))
        return forms.buyer_tier_form(_found(found, "buyer"), settings.currency)

    async def _give_tier(self, request: web.Request, shop: str, query: forms.NoQuery) -> forms.BuyerTierForm:
        wish = await read_body(request, self._read_body, forms.TierGift)
        settings, now, name = self._config.shops[shop], self._clock(), named(request, "buyer")
        given = await self._database.write(
            lambda connection: knowing.give_tier(
                connection,
                shop,
                settings,
                name=name,
                tier=wish.tier,
                until=in_utc(wish.until),
                who=request[ASKING],
                reason=wish.because,
                now=now,
            )
        )
        match given:
            case knowing.Refused.BUYER:
                missing("buyer")
            case knowing.Refused.TIER:
                known = ", ".join(settings.tier_names) or "none"
                raise ApiError(404, "no_tier", f"there is no such tier; known are {known}")
            case knowing.Refused.UNTIL:
                raise ApiError(409, "time_over", "until: this time is over")
        return await self._buyer_tier(request, shop, query)

    async def _end_tier(self, request: web.Request, shop: str, query: forms.NoQuery) -> forms.BuyerTierForm:
        name, now = named(request, "buyer"), self._clock()

        def end(connection: Connection) -> bool:
            buyer = _found(find_buyer(connection, shop, name), "buyer")
            return tier_records.take_back(connection, shop, buyer, now)

        if not await self._database.write(end):
            raise ApiError(409, "not_given", "no tier was given that is in force")
        return await self._buyer_tier(request, shop, query)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._database.read(work)


# What was named


def _number(request: web.Request, kind: str) -> int:
    number = id_in(request.match_info[kind])
    if not number:
        missing(kind)
    return number


def _found(thing: T | None, kind: str) -> T:
    if thing is None:
        missing(kind)
    return thing


def _words(shop: ShopSettings) -> SellerWords:
    return SellerWords.of(shop)
