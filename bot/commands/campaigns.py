"""Commands for campaigns: list, status, start, approve, stop, resume, result, why, codes."""

import getpass
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from bot.app import rules_of
from bot.commands.options import (
    FOUND,
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
from bot.config import Config, ShopSettings
from bot.domain.clock import utc_now
from bot.domain.money import Money
from bot.domain.shop import Shop
from bot.domain.statistics import Interval
from bot.react.campaigns import Campaigns
from bot.seller import campaigning
from bot.seller.campaigning import Difference, Look, Refused
from bot.seller.words import SellerWords
from bot.texts import formats
from bot.texts.catalogue import Catalogue
from storage import campaign_records
from storage.database import Database
from storage.lookup import find_buyer

T = TypeVar("T")

campaigns_app = typer.Typer(help="Offers to the buyers of a segment.", no_args_is_help=True)

CampaignName = Annotated[str, typer.Argument(help="The campaign's name in the settings.")]
Who = Annotated[
    str | None, typer.Option("--as", metavar="WHO", help="Who you are; your login, if not given.")
]


class _Desk:
    """A shop's campaigns, with the words to tell of them."""

    def __init__(self, config_file: Path, shop_name: str | None) -> None:
        self.config: Config = read_config(config_file)
        self.id, self.shop = choose_shop(self.config, shop_name)
        self.words: SellerWords = words_of(self.shop)

    def say(self, code: str, **values: object) -> str:
        return say(code, self.words.locale, **values)

    def named(self, name: str) -> str:
        if name not in self.shop.offers:
            known = ", ".join(self.shop.offers) or "-"
            raise WrongUse(self.say("no_campaign", name=repr(name), known=known))
        return name

    def read(self, name: str, question: Callable[[Connection], T]) -> T:
        """Ask about a campaign that there is."""
        self.named(name)
        with opened(self.config) as database:
            return database.read_now(question)

    def do(self, database: Database, work: Callable[[Connection], T]) -> T:
        return self._allowed(lambda: database.write_now(work))

    def look(self, database: Database, work: Callable[[Connection], T]) -> T:
        return self._allowed(lambda: database.read_now(work))

    def _allowed(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except Refused as refused:
            raise WrongUse(self.say(f"campaign_{refused.code}", **refused.values)) from None


@campaigns_app.command("list")
def list_campaigns(
    config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Show every campaign of the settings, and how far it is."""
    desk = _Desk(config_file, shop_name)
    shop: Shop = desk.shop
    with opened(desk.config) as database:
        found = [
            database.read_now(
                partial(campaigning.standing, shop_id=desk.id, shop=shop, name=name, now=utc_now())
            )
            for name in shop.offers
        ]
    if as_json:
        show_json(found)
        return
    shown = table(
        *map(desk.say, ("campaign", "campaign_state", "buyers", "campaign_told", "campaign_held_out"))
    )
    for each in found:
        to = shop.offers[each.name].segment or shop.offers[each.name].tier or ""
        counts = (str(each.told), str(each.held_out))
        shown.add_row(each.name, desk.say(f"campaign_state_{each.state}"), to, *counts)
    show(shown)


@campaigns_app.command("status")
def status(
    name: CampaignName, config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Show how far a campaign is."""
    desk = _Desk(config_file, shop_name)
    found = desk.read(
        name, partial(campaigning.standing, shop_id=desk.id, shop=desk.shop, name=name, now=utc_now())
    )
    if as_json:
        show_json(found)
        return
    tell(f"{name}: {desk.say(f'campaign_state_{found.state}')}")
    if found.started_at:
        at = desk.words.moment(found.started_at)
        tell(desk.say("campaign_started_by", at=at, who=found.who or "cron", second=found.approved_by or "-"))
    if found.changed:
        tell(desk.say("campaign_changed", name=name))
    for code, count in (("campaign_told", found.told), ("campaign_held_out", found.held_out)):
        tell(f"  {desk.say(code)}: {count}")
    for state, count in found.messages.items():
        tell(f"  {desk.words.state(state)}: {count}")
    if found.codes:
        tell(desk.say("campaign_codes", free=found.codes[0], given=found.codes[1]))


@campaigns_app.command("start")
def start(
    name: CampaignName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    who: Who = None,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show whom a campaign would reach, with which words and when; then start it, if you say yes."""
    desk = _Desk(config_file, shop_name)
    desk.named(name)
    with opened(desk.config) as database:
        desk.look(
            database,
            partial(campaigning.may_start, shop_id=desk.id, shop=desk.shop, name=name, now=utc_now()),
        )
        found = _look(desk, database, name)
        if as_json:
            show_json(found)
        else:
            _show_look(desk, found)
        if not yes and (as_json or not typer.confirm(desk.say("campaign_start_it", name=name))):
            raise typer.Exit(FOUND)
        begin = partial(
            campaigning.start, shop_id=desk.id, shop=desk.shop, name=name, who=_who(who), now=utc_now()
        )
        state = desk.do(database, begin)
    remark(desk.say("campaign_waits" if state == "waiting" else "campaign_runs", name=name))


def _look(desk: _Desk, database: Database, name: str) -> Look:
    shops = {desk.id: desk.shop}
    catalogue = Catalogue(desk.config.templates)
    rules = rules_of(desk.config)
    engine = Campaigns(shops, rules, catalogue, desk.config.secret.get_secret_value())
    return database.read_now(lambda connection: engine.look(connection, desk.id, name, utc_now()))


def _show_look(desk: _Desk, found: Look) -> None:
    words = desk.words
    tell(desk.say("campaign_look", name=found.name, told=found.told, held_out=found.held_out))
    for code, count in found.left_out.items():
        tell(f"  {count:>8}  {desk.say(f'campaign_left_{code}')}")
    if found.testers:
        tell(desk.say("campaign_testers", testers=found.testers))
    for buyer, text in found.texts:
        tell(f"\n{buyer}:\n{text}")
    begins, ends = words.moment(found.begins_at), words.moment(found.ends_at)
    tell("\n" + desk.say("campaign_when", begins=begins, ends=ends))
    if found.longest:
        tell(desk.say("campaign_longest", longest=found.longest))
    if found.until:
        tell(desk.say("campaign_until", until=words.moment(found.until)))
    if not found.in_time:
        tell(desk.say("campaign_too_slow"))
    if found.free_codes is not None:
        tell(desk.say("campaign_codes", free=found.free_codes, given=0))


@campaigns_app.command("approve")
def approve(
    name: CampaignName, who: Who = None, config_file: ConfigFile = HERE, shop_name: ShopName = None
) -> None:
    """Let a campaign start that somebody else has looked at."""
    desk = _Desk(config_file, shop_name)
    desk.named(name)
    with opened(desk.config) as database:
        give = partial(
            campaigning.approve, shop_id=desk.id, shop=desk.shop, name=name, who=_who(who), now=utc_now()
        )
        desk.do(database, give)
    remark(desk.say("campaign_runs", name=name))


@campaigns_app.command("stop")
def stop(name: CampaignName, config_file: ConfigFile = HERE, shop_name: ShopName = None) -> None:
    """Stop a campaign at once."""
    desk = _Desk(config_file, shop_name)
    desk.named(name)
    with opened(desk.config) as database:
        count = desk.do(
            database, partial(campaigning.stop, shop_id=desk.id, shop=desk.shop, name=name, now=utc_now())
        )
    remark(desk.say("campaign_was_stopped", name=name, count=count))


@campaigns_app.command("resume")
def resume(name: CampaignName, config_file: ConfigFile = HERE, shop_name: ShopName = None) -> None:
    """Let a stopped campaign go on; nobody hears of it twice."""
    desk = _Desk(config_file, shop_name)
    desk.named(name)
    with opened(desk.config) as database:
        again = partial(campaigning.resume, shop_id=desk.id, shop=desk.shop, name=name, now=utc_now())
        count = desk.do(database, again)
    remark(desk.say("campaign_goes_on", name=name, count=count))


@campaigns_app.command("result")
def result(
    name: CampaignName, config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Show what those who were told bought, against those held out."""
    desk = _Desk(config_file, shop_name)
    found = desk.read(
        name, partial(campaigning.result, shop_id=desk.id, shop=desk.shop, name=name, now=utc_now())
    )
    if as_json:
        show_json(found)
        return
    one, two = desk.say("campaign_told"), desk.say("campaign_held_out")
    _show_difference(desk, found.against, one, two)
    for each in found.wordings:
        _show_difference(desk, each, each.one.name or "", each.two.name or "")
    if found.early:
        tell(desk.say("campaign_early"))


def _show_difference(desk: _Desk, found: Difference, one: str, two: str) -> None:
    currency, reader = desk.shop.currency, desk.words.reader
    for name, group in ((one, found.one), (two, found.two)):
        money = formats.money(Money(group.revenue, currency), reader)
        tell(desk.say("campaign_group", name=name, buyers=group.buyers, bought=group.bought, revenue=money))
    if found.share is None or found.revenue is None:
        tell(desk.say("campaign_too_few"))
        return
    shares = (f"{100 * each:+.1f}" for each in _ends(found.share))
    sums = (formats.money(Money(round(each), currency), reader) for each in _ends(found.revenue))
    for code, (value, low, high) in (("campaign_share", shares), ("campaign_revenue", sums)):
        tell(desk.say(code, value=value, low=low, high=high))


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


@campaigns_app.command("why")
def why(
    name: CampaignName,
    buyer: Annotated[str, typer.Argument(help="Our id, an address of theirs, or channel:address.")],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
) -> None:
    """Tell why a buyer is told of a campaign, or is not."""
    desk = _Desk(config_file, shop_name)
    desk.named(name)
    shop: ShopSettings = desk.shop
    with opened(desk.config) as database:
        id = database.read_now(partial(find_buyer, shop=desk.id, name=buyer))
        if id is None:
            raise WrongUse(desk.say("no_buyer", name=repr(buyer)))
        engine = Campaigns({desk.id: shop}, rules_of(desk.config), Catalogue(desk.config.templates))
        code = database.read_now(lambda connection: engine.why(connection, desk.id, name, id, utc_now()))
    tell(desk.say(f"campaign_left_{code}"))


@campaigns_app.command("codes")
def codes(
    name: CampaignName,
    file: Annotated[Path, typer.Argument(help="A code in each line.", exists=True, dir_okay=False)],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
) -> None:
    """Add codes, of which each buyer gets one of their own; the same file twice changes nothing."""
    desk = _Desk(config_file, shop_name)
    desk.named(name)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    with opened(desk.config) as database:
        add = partial(
            campaigning.add_codes, shop_id=desk.id, shop=desk.shop, name=name, codes=lines, now=utc_now()
        )
        new = desk.do(database, add)
        free, out = database.read_now(partial(campaign_records.code_counts, shop=desk.id, name=name))
    remark(desk.say("campaign_codes_added", new=new))
    tell(desk.say("campaign_codes", free=free, given=out))


def _who(given: str | None) -> str:
    if given and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
