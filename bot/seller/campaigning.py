"""Campaigns for the seller: the last look before one starts, how far it is, and what it changed; as data."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from bot.domain.campaigns import HOUR, Chance, rules_of
from bot.domain.shop import Campaign, Shop
from bot.domain.statistics import ENOUGH, Interval, Sums, mean_difference, rate_difference
from storage import campaign_records
from storage.campaign_records import Bought
from storage.lookup import find_buyer

State = Literal["new", "waiting", "running", "stopped", "done", "over"]


LONGEST_CODE = 40
MOST_CODES = 1_000_000  # at a time


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign would do if it started now. told, held_out: buyers. left_out: by reason. texts: what
    some of those told would read, by buyer. rules: a hash of the settings.
    until: when the last is told by its pace; None: within a day."""

    name: str
    told: int
    held_out: int
    testers: int
    left_out: dict[str, int]
    texts: tuple[tuple[str, str], ...]
    longest: int
    free_codes: int | None
    rules: str
    begins_at: datetime
    until: datetime | None
    ends_at: datetime

    @property
    def in_time(self) -> bool:
        return self.until is None or self.until < self.ends_at


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a campaign is. messages: by their state; told, held_out: buyers whose turn came."""

    name: str
    state: State
    started_at: datetime | None = None
    who: str | None = None
    approved_by: str | None = None
    changed: bool = False
    told: int = 0
    held_out: int = 0
    messages: dict[str, int] = {}
    codes: tuple[int, int] | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Buyers whose time to buy is over. revenue: of all of them, in minor units."""

    name: str | None
    buyers: int
    bought: int
    revenue: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first group against the second; None: too few to say. revenue: in minor units a buyer."""

    one: Group
    two: Group
    share: Interval | None
    revenue: Interval | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """against: those told against those held out. wordings: each against the first. early: turns are still
    to come, or the time of some is not over, so a look now is one of many, and may mislead."""

    name: str
    currency: str
    against: Difference
    wordings: tuple[Difference, ...]
    early: bool


class Refused(Exception):
    """Why a campaign was not changed: a code, and its values."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def standing(connection: Connection, shop_id: str, shop: Shop, name: str, now: datetime) -> Standing:
    campaign, run = shop.offers[name], campaign_records.latest(connection, shop_id, name)
    state = _state(campaign, run, shop, now)
    codes = campaign_records.code_counts(connection, shop_id, name) if campaign.codes else None
    if run is None:
        return Standing(name=name, state=state, codes=codes)
    told, held_out = campaign_records.turns(connection, shop_id, name)
    return Standing(
        name=name,
        state=state,
        told=told,
        held_out=held_out,
        started_at=run.slot,
        who=run.who,
        approved_by=run.approved_by,
        changed=bool(run.rules) and run.rules != rules_of(campaign),
        messages=campaign_records.states(connection, shop_id, name),
        codes=codes,
    )


def _state(campaign: Campaign, run: Row[Any] | None, shop: Shop, now: datetime) -> State:
    if run is not None and run.done_at:
        return "done"
    if now >= campaign.ends_at(shop.zone()):
        return "over"
    return "new" if run is None else run.state


def look(
    name: str,
    shop: Shop,
    found: Iterable[str],
    left_out: Counter[str],
    texts: Mapping[str, str],
    chance: Chance,
    free_codes: int | None,
    now: datetime,
) -> Look:
    """found: ids of all whom it is for. texts: of some of those told, by id."""
    campaign = shop.offers[name]
    every = list(found)
    held = sum(chance.held_out(name, campaign, id) for id in every)
    told, begins = len(every) - held, max(now, campaign.starts_at(shop.zone()))
    return Look(
        name=name,
        told=told,
        held_out=held,
        testers=len(campaign.testers),
        left_out=dict(left_out.most_common()),
        texts=tuple(list(texts.items())[:3]),
        longest=max(map(len, texts.values()), default=0),
        free_codes=free_codes,
        rules=rules_of(campaign),
        begins_at=begins,
        until=begins + _lasts(campaign, told) if campaign.pace else None,
        ends_at=campaign.ends_at(shop.zone()),
    )


def _lasts(campaign: Campaign, told: int) -> timedelta:
    """By the pace, in the hours of the day in which it may be told."""
    hours = HOUR * told / (campaign.pace or 1)
    opens, closes = campaign.daytime
    day = timedelta(hours=closes.hour - opens.hour, minutes=closes.minute - opens.minute)
    return timedelta(days=hours // day) + hours % day


def known_testers(connection: Connection, shop_id: str, campaign: Campaign) -> set[str]:
    """Our ids of those who read a campaign first, as far as we know them."""
    found = {find_buyer(connection, shop_id, name) for name in campaign.testers}
    return {id for id in found if id is not None}


def start(
    connection: Connection,
    shop_id: str,
    shop: Shop,
    name: str,
    who: str,
    now: datetime,
    rules: str | None = None,
) -> State:
    """Start a campaign, or let it wait for its testers and a second person. Raises Refused.

    rules: of the look that was taken, if it was not just now.
    """
    campaign = may_start(connection, shop_id, shop, name, now, rules)
    begun: State = "waiting" if campaign.waits else "running"
    campaign_records.begin(connection, shop_id, name, now, who, rules_of(campaign), begun)
    return begun


def may_start(
    connection: Connection, shop_id: str, shop: Shop, name: str, now: datetime, rules: str | None = None
) -> Campaign:
    """The campaign, if it may be started. Raises Refused."""
    campaign = shop.offers[name]
    state = standing(connection, shop_id, shop, name, now).state
    if campaign.cron:
        raise Refused("by_cron", name=name)
    if state != "new":
        raise Refused(f"is_{state}", name=name)
    if rules is not None and rules != rules_of(campaign):
        raise Refused("look_again", name=name)
    unknown = [each for each in campaign.testers if find_buyer(connection, shop_id, each) is None]
    if unknown:
        raise Refused("no_tester", names=", ".join(map(repr, unknown)))
    return campaign


def approve(connection: Connection, shop_id: str, shop: Shop, name: str, who: str, now: datetime) -> None:
    """Let a campaign start that waits; once its testers were told, so that somebody can have read it. Raises
    Refused."""
    campaign, run = shop.offers[name], campaign_records.latest(connection, shop_id, name)
    if run is None or run.state != "waiting" or run.done_at:
        raise Refused("not_waiting", name=name)
    if campaign.approval and who.strip().casefold() == (run.who or "").strip().casefold():
        raise Refused("same_person", who=who)
    if run.rules != rules_of(campaign):
        raise Refused("changed", name=name)
    if campaign.testers and (run.next_at is None or campaign_records.tests_wait(connection, shop_id, name)):
        raise Refused("untested", name=name)
    if not campaign_records.change(connection, run, state="running", approved_by=who):
        raise Refused("not_waiting", name=name)
    campaign_records.put_back(connection, shop_id, name, now)  # of what it had withdrawn when it was stopped


def stop(connection: Connection, shop_id: str, shop: Shop, name: str, now: datetime) -> int:
    """Stop a campaign; what it has decided and not said waits. Returns how much. Raises Refused."""
    run = campaign_records.latest(connection, shop_id, name)
    if run is None or run.state == "stopped":
        raise Refused("not_running", name=name)
    campaign_records.change(connection, run, state="stopped")
    return campaign_records.withdraw(connection, shop_id, name, now)


def resume(connection: Connection, shop_id: str, shop: Shop, name: str, now: datetime) -> int:
    """Let a stopped campaign go on where it was; testers read it anew, if its settings were changed. Returns
    how many messages wait again. Raises Refused."""
    campaign, run = shop.offers[name], campaign_records.latest(connection, shop_id, name)
    if run is None or run.state != "stopped":
        raise Refused("not_stopped", name=name)
    rules = rules_of(campaign) if run.rules else None
    changed = rules != run.rules
    if campaign.approval and run.approved_by and changed:
        raise Refused("changed", name=name)
    if campaign.waits and (run.approved_by is None or changed):
        waiting = {"state": "waiting", "approved_by": None, "next_at": None}
        campaign_records.change(connection, run, rules=rules, **waiting)
        return 0
    campaign_records.change(connection, run, rules=rules, state="running")
    return campaign_records.put_back(connection, shop_id, name, now)


def add_codes(
    connection: Connection, shop_id: str, shop: Shop, name: str, codes: Iterable[str], now: datetime
) -> int:
    """Add codes; those that are there stay as they are. Returns how many are new. Raises Refused."""
    given = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    wrong = any(len(code) > LONGEST_CODE or not code.isprintable() for code in given)
    if wrong or len(given) > MOST_CODES:
        raise Refused("codes_wrong")
    return campaign_records.add_codes(connection, shop_id, name, given)


def result(connection: Connection, shop_id: str, shop: Shop, name: str, now: datetime) -> Result:
    """What those who were told bought, against those held out, whether they read it or not."""
    found = campaign_records.results(connection, shop_id, name, shop.currency, now)
    told = [each for each in found if not each.held_out]
    held = [each for each in found if each.held_out]
    by_wording = [_Summed.of([each], each.wording) for each in told if each.wording is not None]
    run = campaign_records.latest(connection, shop_id, name)
    early = run is None or run.done_at is None or now < run.done_at + shop.offers[name].measure
    return Result(
        name=name,
        currency=shop.currency,
        against=_Summed.of(told, None).against(_Summed.of(held, None)),
        wordings=tuple(each.against(by_wording[0]) for each in by_wording[1:]),
        early=early,
    )


class _Summed(msgspec.Struct, frozen=True, kw_only=True):
    group: Group
    sums: Sums

    @classmethod
    def of(cls, those: list[Bought], name: str | None) -> "_Summed":
        buyers, total = sum(each.buyers for each in those), sum(each.total for each in those)
        bought, squares = sum(each.bought for each in those), sum(each.squares for each in those)
        group = Group(name=name, buyers=buyers, bought=bought, revenue=total)
        return cls(group=group, sums=Sums(buyers, total, squares))

    def against(self, other: "_Summed") -> Difference:
        one, two = self.group, other.group
        enough = min(one.buyers, two.buyers) >= ENOUGH
        return Difference(
            one=one,
            two=two,
            share=rate_difference(one.bought, one.buyers, two.bought, two.buyers) if enough else None,
            revenue=mean_difference(self.sums, other.sums) if enough else None,
        )
