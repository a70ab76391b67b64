"""Commands for tiers: tiers, tiers why, tiers set, tiers end."""

import getpass
import os
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

from bot.api.forms import buyer_tier_form, tiers_form
from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    ShopName,
    WrongUse,
    choose_shop,
    opened,
    read_config,
    words_of,
)
from bot.commands.screen import remark, say, show, show_json, table, tell
from bot.config import ShopSettings
from bot.domain.clock import utc_now
from bot.domain.money import Money
from bot.domain.untrusted_text import quote
from bot.seller import knowing
from bot.seller.knowing import BuyerTier, Refused
from bot.seller.words import QUOTED_MAX, SellerWords
from bot.texts import formats
from storage import tier_records
from storage.lookup import find_buyer
from storage.tier_records import TierRow

REFUSALS = {Refused.BUYER: "no_buyer", Refused.TIER: "no_tier", Refused.UNTIL: "until_over"}
NONE = "none"  # what is written for no tier

tiers_app = typer.Typer(help="Which of your buyers are in which tier.", invoke_without_command=True)

BuyerName = Annotated[str, typer.Argument(help="Our id, an address of theirs, or channel:address.")]


@tiers_app.callback()
def tiers(
    context: typer.Context,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show how many buyers are in each tier, and to whom you gave one."""
    if context.invoked_subcommand:
        return
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        found = database.read_now(partial(knowing.tier_sizes, shop_id=shop_id, shop=shop, now=utc_now()))
    if as_json:
        show_json(tiers_form(found, shop.currency))
        return
    if not found.sizes:
        tell(say("no_tiers", words.locale))
        return
    shown = table(*(say(head, words.locale) for head in ("tier", "buyers")))
    for name, buyers in found.sizes:
        shown.add_row(name, formats.number(buyers, words.reader))
    show(shown)
    for buyer, who, row in found.given:
        tell(_given(row, who or buyer, words))
    if found.as_of is None:
        remark(say("figures_missing", words.locale))
    else:
        code = "tiers_by_points" if found.points else "tiers_by_thresholds"
        lately = formats.number(found.lately, words.reader)
        remark(say(code, words.locale, at=words.moment(found.as_of), buyers=lately))


@tiers_app.command("why")
def why(
    buyer: BuyerName, config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Tell in which tier a buyer is and was, since when, and why."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    with opened(config) as database:
        found = _found(database.read_now(_look(shop_id, shop, buyer)), buyer, shop)
    if as_json:
        show_json(buyer_tier_form(found, shop.currency))
    else:
        _tell(found, shop)


@tiers_app.command("set")
def set_tier(
    buyer: BuyerName,
    tier: Annotated[str, typer.Argument(help="A tier of the settings; none: in no tier.")],
    because: Annotated[str, typer.Option("--because", help="Why; whoever looks later reads it.")],
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="The last day, such as 2027-01-31.")
    ] = None,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Give a buyer a tier, whatever they bought."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    give = partial(
        knowing.give_tier,
        shop_id=shop_id,
        shop=shop,
        name=buyer,
        tier=None if tier == NONE and NONE not in shop.tier_names else tier,
        until=_end_of(until, shop),
        who=f"command:{user()}",
        reason=because,
        now=utc_now(),
    )
    with opened(config) as database:
        given = database.write_now(give)
        if isinstance(given, Refused):
            known = ", ".join((*shop.tier_names, NONE))
            named = repr(tier if given is Refused.TIER else buyer)
            raise WrongUse(say(REFUSALS[given], words.locale, name=named, names=known))
        found = _found(database.read_now(_look(shop_id, shop, given)), buyer, shop)
    if as_json:
        show_json(buyer_tier_form(found, shop.currency))
    else:
        _tell(found, shop)


@tiers_app.command("end")
def end(
    buyer: BuyerName, config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Take back a tier that you gave; what the buyer bought decides again."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words, now = words_of(shop), utc_now()

    def take_back(connection: Connection) -> bool:
        id = find_buyer(connection, shop_id, buyer)
        return id is not None and tier_records.take_back(connection, shop_id, id, now)

    with opened(config) as database:
        ended = database.write_now(take_back)
        found = _found(database.read_now(_look(shop_id, shop, buyer)), buyer, shop)
    if not ended:
        raise WrongUse(say("no_tier_given", words.locale, who=found.who or found.buyer))
    if as_json:
        show_json(buyer_tier_form(found, shop.currency))
    else:
        _tell(found, shop)


def _look(shop_id: str, shop: ShopSettings, buyer: str) -> "partial[BuyerTier | None]":
    return partial(knowing.buyer_tier, shop_id=shop_id, shop=shop, name=buyer, now=utc_now())


def _found(found: BuyerTier | None, buyer: str, shop: ShopSettings) -> BuyerTier:
    if found is None:
        raise WrongUse(say("no_buyer", words_of(shop).locale, name=repr(buyer)))
    return found


def _end_of(day: str | None, shop: ShopSettings) -> datetime | None:
    """The end of a day of the shop's."""
    if day is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time.min, shop.zone())
    except (ValueError, OverflowError):
        raise WrongUse(say("no_day", words_of(shop).locale, given=repr(day))) from None


def _tell(found: BuyerTier, shop: ShopSettings) -> None:
    words = words_of(shop)
    who = found.who or found.buyer
    tell(say("in_tier", words.locale, who=who, tier=found.tier) if found.tier else _in_none(who, words))
    for row in found.history:
        tell("  " + (_given(row, who, words) if row.kind == "given" else _kept(row, shop, words)))
    if found.bought:
        values = {
            "orders": formats.number(found.bought.orders, words.reader),
            "spent": formats.money(Money(found.bought.spent, shop.currency), words.reader),
            "last": words.moment(found.bought.last_order_at),
        }
        remark(say("bought_lately", words.locale, **values))


def _in_none(who: str, words: SellerWords) -> str:
    return say("in_no_tier", words.locale, who=who)


def _kept(row: TierRow, shop: ShopSettings, words: SellerWords) -> str:
    points = knowing.points_then(row)
    values = {
        "tier": row.tier,
        "since": _day(row.since, words),
        "orders": formats.number(row.orders or 0, words.reader),
        "spent": formats.money(Money(row.spent_minor or 0, shop.currency), words.reader),
        "points": f"{points.r} + {points.f} + {points.m} = {points.total}" if points else "",
    }
    code = "kept_by_points" if points else "kept_by_thresholds"
    return say(code, words.locale, **values) + _until(row, words)


def _given(row: TierRow, who: str, words: SellerWords) -> str:
    values = {
        "who": who,
        "tier": row.tier or say("no_tier_at_all", words.locale),
        "since": _day(row.since, words),
        "by": quote(row.who, QUOTED_MAX) or "",
        "reason": quote(row.reason, QUOTED_MAX) or "",
    }
    return say("tier_given", words.locale, **values) + _until(row, words)


def _until(row: TierRow, words: SellerWords) -> str:
    """The last day of a tier that ends or ended."""
    if row.until is None:
        return ""
    return say("tier_until", words.locale, until=_day(row.until - timedelta(microseconds=1), words))


def _day(at: datetime, words: SellerWords) -> str:
    """With its year, since a tier may be years old."""
    return at.astimezone(words.zone).date().isoformat()


def user() -> str:
    """The name of who runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a number that has no name here, as in a container
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
