"""Queue promotions whose time has come, page by page, once for each buyer of their tier."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from bot.domain.errors import TemplateError
from bot.domain.hours import daytime_slot
from bot.domain.rules import PROMOTION, Rules
from bot.domain.shop import Promotion, Shop, in_language
from bot.domain.tiers import NONE_KEPT
from bot.domain.wishes import PHONE, AddressKey
from bot.texts.catalogue import Catalogue
from storage import (
    buyer_file,
    buyer_records,
    calendar,
    history,
    order_records,
    outbox,
    tier_records,
    wish_records,
)
from storage.asking import ask
from storage.database import try_lock
from storage.unit import Unit

log = structlog.get_logger()

PAGE = 500  # buyers in one transaction
LONG_AGO = datetime.min.replace(tzinfo=UTC)

Named = tuple[str, str]  # a shop, and a promotion of its settings
Asked = dict[Named, datetime | None]  # when each promotion that was asked begins again


class Campaigns:
    """The promotions of all shops.

    The calendar of a promotion is asked when the time comes that it named last, so that a thousand quiet ones
    cost nothing.
    """

    def __init__(self, shops: Mapping[str, Shop], rules: Rules, catalogue: Catalogue) -> None:
        self._shops = shops
        self._rules = rules
        self._catalogue = catalogue
        self._asked_at = LONG_AGO
        self._begins = self._unasked()

    @property
    def next_start(self) -> datetime | None:
        """When the next campaign may begin; None if none will."""
        return min(self._begins.values(), default=None)

    def start_due(self, connection: Connection, now: datetime) -> Asked:
        """Record the campaigns that began by `now`; two programs record each once. Must run in a writing
        transaction; returns what `started` takes once that is committed."""
        if now < self._asked_at:  # a clock that was set back
            self._begins = self._unasked()
        found: Asked = {}
        for (shop_id, name), begins_at in self._begins.items():
            if begins_at > now:
                continue
            shop = self._shops[shop_id]
            slot, following = self._rules.promotion_firings(shop.promotions[name], now, shop.zone())
            if slot is not None:
                calendar.start_campaign(connection, shop_id, name, slot)
            found[shop_id, name] = following
        return found

    def started(self, asked: Asked, now: datetime) -> None:
        """Remember when promotions that were asked at `now` begin again, if ever."""
        self._asked_at = now
        for promotion, following in asked.items():
            if following is None:
                del self._begins[promotion]
            else:
                self._begins[promotion] = following

    def run_page(self, connection: Connection, now: datetime) -> int:
        """Queue one page of each campaign that is under way; returns how many buyers were examined.

        The cursor moves in the same transaction, so a restart goes on where the last page ended.
        """
        examined = 0
        for shop_id in calendar.shops_with_campaigns(connection):
            shop = self._shops.get(shop_id)
            if shop is None or not try_lock(connection, f"campaign:{shop_id}"):
                continue
            unit = Unit(connection, shop_id, shop, now)
            for campaign in calendar.open_campaigns(connection, shop_id):
                examined += self._run_page(unit, campaign)
        return examined

    def _unasked(self) -> dict[Named, datetime]:
        return {
            (shop_id, name): LONG_AGO for shop_id, shop in self._shops.items() for name in shop.promotions
        }

    def _run_page(self, unit: Unit, campaign: Row[Any]) -> int:
        connection, shop_id, name = unit.connection, unit.shop_id, campaign.promotion
        promotion = unit.shop.promotions.get(name)
        after = _address(campaign.cursor)
        page = wish_records.wanting_offers(connection, shop_id, after, PAGE) if promotion else []
        try:
            drafts = self._drafts(unit, name, promotion, page) if promotion else []
        except TemplateError as error:  # the other campaigns go on; this one waits for its texts
            log.error("promotion has no template", shop=shop_id, promotion=name, why=str(error))
            return 0
        ask(connection, shop_id, outbox.queue(drafts, unit.now))
        done_at = None if len(page) == PAGE else unit.now
        cursor = _cursor(page[-1][0]) if page else campaign.cursor
        calendar.advance_campaign(connection, campaign, cursor, len(drafts), done_at)
        return len(page)

    def _drafts(
        self, unit: Unit, name: str, promotion: Promotion, page: Sequence[tuple[AddressKey, tuple[str, ...]]]
    ) -> list[outbox.Draft]:
        """One offer for each address that wants offers, to the buyer of it who is in the tier."""
        connection, shop_id, shop, now = unit.connection, unit.shop_id, unit.shop, unit.now
        rule = f"promotions.{name}"
        every = {buyer for _, buyers in page for buyer in buyers}
        offered = set(history.offered_to(connection, shop_id, rule, every))
        unprofiled = buyer_file.unprofiled(connection, shop_id, every)
        said = ask(connection, shop_id, wish_records.standings([address for address, _ in page]))
        standings = order_records.standings(connection, shop_id, every, now - shop.vip.period, shop.currency)
        known = ask(connection, shop_id, buyer_records.by_id(every))
        kept = tier_records.current(connection, shop_id, every, now) if shop.vip.tiers else {}
        policy = self._rules.policies[PROMOTION]
        drafts = []
        for address, buyers in page:
            holds = said[address]
            if address[0] == PHONE:
                continue  # nothing is sent to phones; a buyer's mailbox or chat has a word of its own
            if holds.stopped or holds.agrees is not True or offered.intersection(buyers):
                continue
            for buyer in (known[id] for id in buyers if id in known):
                count, spent = standings.get(buyer.id, (0, 0))
                if buyer.id in unprofiled:
                    continue
                of_night = kept.get(buyer.id, NONE_KEPT)
                tier = self._rules.tier_of(count, spent, shop.currency, shop.vip.tiers, of_night)
                if tier is None or tier.name != promotion.tier:
                    continue
                offered.add(buyer.id)
                locale = buyer.locale or shop.locale
                version = self._catalogue.resolve(promotion.template, locale)
                ask(connection, shop_id, outbox.keep_versions([version]))
                key = f"promotion:{name}:{buyer.id}"
                due_at = daytime_slot(now, promotion.daytime, shop.zone(buyer.timezone), _share(key))
                drafts.append(
                    outbox.Draft(
                        key=key,
                        buyer=buyer.id,
                        template=promotion.template,
                        version=version.id,
                        category=policy.category,
                        rule=rule,
                        due_at=due_at,
                        lateness=max(policy.lateness, promotion.ends_at(shop.zone()) - due_at),
                        values={
                            "promotion": name,
                            "offer": in_language(promotion.offer, locale),
                            "tier": tier.name,
                        },
                    )
                )
                break
        return drafts


def _cursor(address: AddressKey) -> str:
    return "\x1f".join(address)


def _address(cursor: str) -> AddressKey:
    kind, _, value = cursor.partition("\x1f")
    return kind, value


def _share(key: str) -> float:
    """The buyer's share of the day, 0 to 1, by hash so that it never changes."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) / 2**32
