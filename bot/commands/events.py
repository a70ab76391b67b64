"""The command that lists, and retries, failed events and unreadable deliveries: events."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
import typer
from sqlalchemy import Connection

from bot.api.forms import event_form, unread_form
from bot.channels import Delivery, ReceivingChannel
from bot.channels.registry import open_channels, open_http
from bot.commands.options import (
    FOUND,
    HERE,
    AsJson,
    ConfigFile,
    Limit,
    ShopName,
    WrongUse,
    choose_shop,
    opened,
    read_config,
    words_of,
)
from bot.commands.screen import say, show, show_json, table, tell
from bot.config import ShopSettings
from bot.domain.clock import utc_now
from bot.domain.errors import Unreadable
from bot.seller.words import SellerWords
from storage import inbox, read_models
from storage.database import Database
from storage.inbox import InboxEvent, inbox_event
from storage.lookup import LARGEST_ID
from storage.read_models import EventView, UnreadableView

PAGE = 50  # deliveries in memory at once


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """`still`: deliveries that still cannot be read, as (id, why)."""

    events: int
    read: int
    still: tuple[tuple[int, str], ...] = ()


def events(
    retry: Annotated[
        int | None, typer.Option(metavar="ID", min=1, max=LARGEST_ID - 1, help="Give this one another try.")
    ] = None,
    retry_all: Annotated[bool, typer.Option("--retry-all", help="Give all of them another try.")] = False,
    unreadable: Annotated[bool, typer.Option("--unreadable", help="Only what could not be read.")] = False,
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show events that were put aside and deliveries that could not be read; exit code 1 if there are any."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        if retry is not None or retry_all:
            done = _retry(database, shop_id, shop, retry, unreadable)
            if not (done.events or done.read or done.still) and retry is not None:
                raise WrongUse(say("no_such_event", words.locale, id=retry))
            _tell(done, words, as_json)
            raise typer.Exit(FOUND if done.still else 0)
        parked = [] if unreadable else database.read_now(_parked(shop_id, limit))
        unread = database.read_now(partial(read_models.unreadable_deliveries, shop=shop_id, limit=limit))
    if as_json:
        show_json({"parked": list(map(event_form, parked)), "unreadable": list(map(unread_form, unread))})
    else:
        _show(parked, unread, words)
    raise typer.Exit(FOUND if parked or unread else 0)


def _parked(shop: str, limit: int) -> partial[list[EventView]]:
    return partial(read_models.events, shop=shop, state="parked", limit=limit)


# Retrying


def _retry(
    database: Database, shop_id: str, shop: ShopSettings, id: int | None, unreadable_only: bool
) -> Retried:
    now = utc_now()
    done = 0
    still: list[tuple[int, str]] = []
    for page in _pages(database, shop_id, id):
        read, unread = asyncio.run(_read_again(shop_id, shop, page, now))
        database.write_now(partial(_take_in, shop=shop_id, read=read, now=now))
        done += len(read)
        still += unread
    reopened = 0
    if not unreadable_only:
        reopened = database.write_now(partial(inbox.reopen, shop=shop_id, id=id))
    return Retried(events=reopened, read=done, still=tuple(still))


def _pages(database: Database, shop: str, id: int | None) -> Iterator[list[UnreadableView]]:
    """UnreadableView deliveries, newest first: all, or the one with that id. Each is whole: few a page."""
    after = None if id is None else id + 1
    while page := database.read_now(
        partial(read_models.unreadable_deliveries, shop=shop, limit=PAGE, after=after)
    ):
        if id is not None:
            yield [each for each in page if each.id == id]
            return
        yield page
        after = page[-1].id


def _take_in(
    connection: Connection, shop: str, read: Sequence[tuple[int, list[InboxEvent]]], now: datetime
) -> None:
    inbox.add(connection, [arrival for _, arrivals in read for arrival in arrivals])
    inbox.settle_unreadable(connection, shop, [id for id, _ in read], now)


async def _read_again(
    shop_id: str, shop: ShopSettings, wanted: Iterable[UnreadableView], now: datetime
) -> tuple[list[tuple[int, list[InboxEvent]]], list[tuple[int, str]]]:
    """Parse each delivery again: those read, as (id, events), and those still unreadable, as (id, why)."""
    read: list[tuple[int, list[InboxEvent]]] = []
    still: list[tuple[int, str]] = []
    async with open_http() as http:
        channels, _ = open_channels(shop.channels, shop.region, shop.currency, http, shop.seller.webhook)
        for each in wanted:
            channel = channels.get(each.channel)
            if channel is None:
                still.append(
                    (each.id, say("channel_gone", words_of(shop).locale, channel=repr(each.channel)))
                )
                continue
            try:
                read.append((each.id, _arrivals(shop_id, channel, each)))
            except Unreadable as error:
                still.append((each.id, str(error)))
    return read, still


def _arrivals(shop: str, channel: ReceivingChannel, unread: UnreadableView) -> list[InboxEvent]:
    """Its events; the signature was verified when it arrived."""
    delivery = Delivery(
        method="POST",
        headers=json.loads(unread.headers),
        query={},
        body=unread.body,
        received_at=unread.received_at,
    )
    return [inbox_event(shop, event, unread.received_at) for event in channel.parse(delivery)]


# Showing


def _tell(done: Retried, words: SellerWords, as_json: bool) -> None:
    if as_json:
        still = [{"id": id, "error": why} for id, why in done.still]
        show_json({"events": done.events, "read": done.read, "unreadable": still})
        return
    tell(say("retried", words.locale, events=done.events, read=done.read, unread=len(done.still)))
    for id, why in done.still:
        tell(f"  {id}: {why}")


def _show(parked: Sequence[EventView], unread: Sequence[UnreadableView], words: SellerWords) -> None:
    if not parked and not unread:
        tell(say("no_parked", words.locale))
    if parked:
        tell(say("parked", words.locale))
        shown = table(*(say(head, words.locale) for head in ("id", "arrived", "event", "why")))
        for event in parked:
            shown.add_row(str(event.id), words.moment(event.received_at), event.type, event.error or "")
        show(shown)
    if unread:
        tell(say("unreadable", words.locale))
        shown = table(*(say(head, words.locale) for head in ("id", "arrived", "channel", "why")))
        for each in unread:
            shown.add_row(str(each.id), words.moment(each.received_at), each.channel, each.error)
        show(shown)
