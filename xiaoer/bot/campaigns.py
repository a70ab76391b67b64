"""Campaigns: a promotion whose hour came is written, page by page, to each buyer it is for, once."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from xiaoer.bot.context import Buyer
from xiaoer.bot.errors import TemplateError
from xiaoer.bot.hours import daytime_slot
from xiaoer.bot.rules import PROMOTION, Rules
from xiaoer.bot.shop import Promotion, Shop, Tier
from xiaoer.storage import calendar, history, outbox, records
from xiaoer.storage.database import try_lock

log = structlog.get_logger()

PAGE = 500  # buyers in one transaction

DueAt = Callable[[Promotion, datetime, ZoneInfo], datetime | None]
TierOf = Callable[[int, int, str, tuple[Tier, ...]], Tier | None]


def start_due(connection: Connection, shops: Mapping[str, Shop], due_at: DueAt, now: datetime) -> None:
    """Note every hour that the calendar named and nobody has noted yet; two clocks note it once."""
    for shop_id, shop in shops.items():
        for name, promotion in shop.promotions.items():
            slot = due_at(promotion, now, shop.zone())
            if slot is not None:
                calendar.start_campaign(connection, shop_id, name, slot)


def run_page(
    connection: Connection, shops: Mapping[str, Shop], rules: Rules, tier_of: TierOf, now: datetime
) -> int:
    """One page of each campaign that is under way; returns how many buyers were looked at.

    The cursor moves in the same transaction, so a restart goes on where the last page ended.
    """
    looked = 0
    for shop_id, shop in shops.items():
        if not shop.promotions or not try_lock(connection, f"campaign:{shop_id}"):
            continue
        for campaign in calendar.open_campaigns(connection, shop_id):
            promotion = shop.promotions.get(campaign.promotion)
            page = records.agreeing_buyers(connection, shop_id, campaign.cursor, PAGE) if promotion else []
            try:
                drafts = (
                    _drafts(
                        connection, shop_id, shop, campaign.promotion, promotion, page, rules, tier_of, now
                    )
                    if promotion
                    else []
                )
            except TemplateError as error:  # the others have their words; this one waits for its own
                log.error(
                    "promotion has no words", shop=shop_id, promotion=campaign.promotion, why=str(error)
                )
                continue
            outbox.queue(connection, shop_id, drafts, now)
            done_at = None if len(page) == PAGE else now
            cursor = page[-1].id if page else campaign.cursor
            calendar.advance_campaign(connection, campaign, cursor, len(drafts), done_at)
            looked += len(page)
    return looked


def _drafts(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    name: str,
    promotion: Promotion,
    page: Iterable[Buyer],
    rules: Rules,
    tier_of: TierOf,
    now: datetime,
) -> list[outbox.Draft]:
    rule = f"promotions.{name}"
    told = history.offered_to(connection, shop_id, rule, {buyer.id for buyer in page})
    buyers = {buyer.id: buyer for buyer in page if not buyer.stopped and buyer.id not in told}
    standings = records.standings(connection, shop_id, buyers, now - shop.vip.period, shop.currency)
    moment = rules.moments[PROMOTION]
    drafts = []
    for id, buyer in buyers.items():
        count, spent = standings.get(id, (0, 0))
        tier = tier_of(count, spent, shop.currency, shop.vip.tiers)
        if tier is None or tier.name != promotion.tier:
            continue
        locale = buyer.locale or shop.locale
        version = rules.texts.pin(promotion.template, locale)
        outbox.keep_versions(connection, shop_id, [version])
        key = f"promotion:{name}:{id}"
        drafts.append(
            outbox.Draft(
                key=key,
                buyer=id,
                template=promotion.template,
                version=version.id,
                category=moment.category,
                rule=rule,
                due_at=daytime_slot(now, promotion.daytime, shop.zone(buyer.timezone), _share(key)),
                lateness=moment.lateness,
                values={"promotion": name, "offer": offer_in(promotion, locale), "tier": tier.name},
            )
        )
    return drafts


def offer_in(promotion: Promotion, locale: str) -> str:
    """The offer in the buyer's language, else in the one nearest to it, else in the first."""
    if isinstance(promotion.offer, str):
        return promotion.offer
    exact = promotion.offer.get(locale)
    near = next((words for name, words in promotion.offer.items() if name[:2] == locale[:2]), None)
    return exact or near or next(iter(promotion.offer.values()))


def _share(key: str) -> float:
    """The buyer's own place in the day, the same whenever it is asked for."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) / 2**32
