"""The figures of buyers and their tiers: summed up each night of a shop, and where something new arrived.

It reads page by page beside all other work, and writes what differs in short transactions that move a cursor,
so that a restart goes on where it was. Of two programs at one page the second finds the cursor moved.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from bot.domain.shop import Shop
from bot.domain.statistics import quintile_places
from bot.domain.tiers import ENOUGH, Cuts, cuts_of, night_after, night_before, points_of, tier_at_night
from storage import figure_records, night_records, tier_records
from storage.database import Database
from storage.figure_records import Changes
from storage.night_records import Night
from storage.tier_records import Decided

PAGE = 1000  # buyers in one transaction
FEED_EVERY = timedelta(minutes=5)  # how long new facts may wait until the figures know them
EVERY = timedelta(seconds=30)  # between two looks whether anything is to do
WITH_SEGMENTS, WITH_TIERS = "s", "t"  # before the hash; what was bought is read for segments alone
LONG_AGO = datetime.min.replace(tzinfo=UTC)

_cuts = msgspec.json.Decoder(Cuts)


class Nights:
    """The nights of all shops that have tiers or segments; for others there is nothing to do."""

    def __init__(self, shops: Mapping[str, Shop]) -> None:
        self._shops = {shop_id: shop for shop_id, shop in shops.items() if shop.keeps_figures}
        self._rules = {shop_id: rules_of(shop) for shop_id, shop in self._shops.items()}
        self._asked: set[str] = set()  # shops whose settings were compared with those of the last night
        self._next = dict.fromkeys(self._shops, LONG_AGO)  # when there may be something to do
        self._nights: dict[str, datetime] = {}  # when the next night begins, where it is known

    @property
    def any(self) -> bool:
        return bool(self._shops)

    @property
    def next_start(self) -> datetime | None:
        """When the next night begins; None if none will."""
        return min(self._nights.values(), default=None)

    async def run(self, database: Database, now: datetime) -> int:
        """Do one page of each shop; returns how many buyers were looked at, 0 once nothing is left."""
        done = 0
        for shop_id, shop in self._shops.items():
            if now >= self._next[shop_id]:
                done += await self._step(database, shop_id, shop, now)
        return done

    async def _step(self, database: Database, shop_id: str, shop: Shop, now: datetime) -> int:
        night = await database.read(partial(night_records.latest, shop=shop_id))
        slot = self._due(shop_id, shop, night, now)
        if slot is not None:
            begin = partial(self._begin, shop_id=shop_id, slot=slot, before=night)
            await database.write(begin)
            return 1
        if night is None:
            return 0
        match night.step:
            case "figures":
                return await self._sum_up(database, night, shop, now)
            case "cuts":
                return await self._cut(database, night, shop, now)
            case "tiers":
                return await self._decide(database, night, shop, now)
        return await self._feed(database, night, shop, now)

    def _due(self, shop_id: str, shop: Shop, night: Night | None, now: datetime) -> datetime | None:
        """The slot of the night that is to begin, if one is."""
        slot = night_before(now, shop.zone())
        asked = shop_id in self._asked
        self._asked.add(shop_id)
        if night is None or night.slot < slot:
            return slot
        if not asked and night.rules != self._rules[shop_id] and night.slot < now:
            return now  # other settings than last night's are not kept waiting
        return None

    def _begin(self, connection: Connection, shop_id: str, slot: datetime, before: Night | None) -> None:
        rules = self._rules[shop_id]
        read_before = before and before.rules.startswith(WITH_SEGMENTS)
        unfinished = before and before.whole and before.step == "figures"
        whole = rules.startswith(WITH_SEGMENTS) and (not read_before or bool(unfinished))
        feed = before.feed if before and not whole else figure_records.newest_event(connection, shop_id)
        night_records.begin(connection, shop_id, slot, feed=feed, whole=whole, rules=rules)

    async def _sum_up(self, database: Database, night: Night, shop: Shop, now: datetime) -> int:
        read = partial(
            figure_records.changes_of_page,
            shop_id=night.shop,
            shop=shop,
            after=night.cursor,
            limit=PAGE,
            now=now,
            whole=night.whole,
        )
        changes: Changes = await database.read(read)
        news: dict[str, object] = {"cursor": changes.until}
        if changes.until is None:
            news = {"cursor": "", "step": "cuts"}

        def write(connection: Connection) -> None:
            if night_records.advance(connection, night, **news):
                figure_records.save(connection, night.shop, changes)

        await database.write(write)
        return max(1, changes.read)

    async def _cut(self, database: Database, night: Night, shop: Shop, now: datetime) -> int:
        """Count, find the ends of the fifths, and go on with the tiers, if there are any."""
        known = await database.read(partial(figure_records.count, shop=night.shop))
        news: dict[str, object] = _done(now) | {"known": known}
        if shop.vip.tiers:
            count, cuts = await database.read(partial(_cuts_now, shop=night.shop, zone=shop.zone()))
            text = msgspec.json.encode(cuts).decode() if cuts else None
            news = {"step": "tiers", "known": known, "buyers": count, "cuts": text}
        await database.write(lambda connection: night_records.advance(connection, night, **news))
        return 1

    async def _decide(self, database: Database, night: Night, shop: Shop, now: datetime) -> int:
        cuts = _cuts.decode(night.cuts) if night.cuts else None
        find = partial(_decided, shop_id=night.shop, shop=shop, cuts=cuts, after=night.cursor)
        last, read, found = await database.read(find)
        news: dict[str, object] = {"cursor": last}
        if read < PAGE:
            news = _done(now)

        def write(connection: Connection) -> None:
            if night_records.advance(connection, night, **news):
                tier_records.decided(connection, night.shop, found, now)

        await database.write(write)
        return max(1, read)

    async def _feed(self, database: Database, night: Night, shop: Shop, now: datetime) -> int:
        """Sum up anew those of whom something arrived since, where segments are to know it soon."""
        begins = self._nights[night.shop] = night_after(now, shop.zone())
        self._next[night.shop] = min(now + FEED_EVERY, begins) if shop.segments else begins
        if not shop.segments:
            return 0

        def read(connection: Connection) -> tuple[int, Changes | None]:
            feed, changed = figure_records.changed_since(connection, night.shop, night.feed, now)
            if not changed:
                return feed, None
            return feed, figure_records.changes_of(connection, night.shop, shop, changed, now)

        feed, changes = await database.read(read)
        if feed == night.feed:
            return 0
        self._next[night.shop] = now  # there may be more

        def write(connection: Connection) -> None:
            if night_records.advance(connection, night, feed=feed) and changes is not None:
                figure_records.save(connection, night.shop, changes)

        await database.write(write)
        return 1


def _done(now: datetime) -> dict[str, object]:
    return {"cursor": "", "step": "done", "done_at": now}


def rules_of(shop: Shop) -> str:
    """A hash of the settings that figures and tiers go by, and whether there are segments."""
    text = f"{shop.currency} {shop.timezone} {shop.vip!r}"
    mark = WITH_SEGMENTS if shop.segments else WITH_TIERS
    return mark + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _cuts_now(connection: Connection, shop: str, zone: ZoneInfo) -> tuple[int, Cuts | None]:
    count = tier_records.who_bought_lately(connection, shop)
    if count < ENOUGH:
        return count, None
    places = quintile_places(count)
    lately, often, spent = (
        tier_records.at_places(connection, shop, column, places)
        for column in ("last_order_at", "lately_orders", "lately_spent_minor")
    )
    return count, cuts_of(lately, often, spent, zone)


def _decided(
    connection: Connection, shop_id: str, shop: Shop, cuts: Cuts | None, after: str
) -> tuple[str, int, list[Decided]]:
    """The last buyer of the next page, how many it has, and those whose tier is another now."""
    everybody = any(tier.rfm is None and not tier.has_thresholds for tier in shop.vip.tiers)
    page = tier_records.page(connection, shop_id, after, PAGE, everybody)
    found = []
    for buyer, bought, kept in page:
        points = points_of(bought, cuts) if bought and cuts else None
        tier = tier_at_night(bought, points, shop.currency, shop.vip.tiers)
        if (tier.name if tier else None) != kept:
            found.append(Decided(buyer, tier.name if tier else None, bought, points))
    return (page[-1][0] if page else after), len(page), found
