"""Queue the offers of campaigns that are under way, page by page, once for each buyer they are for."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row

from bot.domain.actions import CALLS
from bot.domain.campaigns import HOUR, Chance, offer_text, rules_of, slots
from bot.domain.context import Buyer
from bot.domain.errors import TemplateError
from bot.domain.hours import daytime_slot
from bot.domain.messages import DueMessage, Facts
from bot.domain.rules import PROMOTION, Rules
from bot.domain.segments import At, matches
from bot.domain.shop import Campaign, Shop
from bot.domain.tiers import NONE_KEPT
from bot.domain.untrusted_text import called
from bot.domain.wishes import PHONE, AddressKey
from bot.seller import campaigning
from bot.texts import operator_words
from bot.texts.catalogue import Catalogue, Version
from bot.texts.variables import variables
from storage import (
    buyer_file,
    buyer_records,
    calendar,
    campaign_records,
    case_records,
    history,
    order_records,
    outbox,
    segments,
    tier_records,
    wish_records,
)
from storage.asking import ask
from storage.campaign_records import Member
from storage.database import try_lock
from storage.unit import Unit

log = structlog.get_logger()

PAGE = 500  # addresses in one transaction
TRIED = 200  # texts that are rendered for a last look
NO_CODES = timedelta(hours=1)  # until a campaign without codes looks for new ones; what adds some wakes it
LATEST = timedelta(days=366)  # so late an offer may be, where its campaign has no end in sight
# Cases in which a buyer waits for a person; the others bind the order that they are about.
WAITS = frozenset((*CALLS, "complaint", "compensation", "bad_review", "return"))
LONG_AGO = datetime.min.replace(tzinfo=UTC)

Named = tuple[str, str]  # a shop, and a promotion of its settings
Asked = dict[Named, datetime | None]  # when each promotion that was asked begins again


class Campaigns:
    """The promotions of all shops.

    The calendar of a promotion is asked when the time comes that it named last, so that a thousand quiet ones
    cost nothing.
    """

    def __init__(
        self, shops: Mapping[str, Shop], rules: Rules, catalogue: Catalogue, secret: str = ""
    ) -> None:
        self._shops = shops
        self._chances = {shop_id: Chance(secret, shop_id) for shop_id in shops}
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
            slot, following = self._rules.promotion_firings(shop.offers[name], now, shop.zone())
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
                try:
                    examined += self._run_page(unit, campaign)
                except TemplateError as error:  # the others go on; this one waits for its texts
                    name, why = campaign.promotion, str(error)
                    log.error("promotion has no template", shop=shop_id, promotion=name, why=why)
        return examined

    def look(self, connection: Connection, shop_id: str, name: str, now: datetime) -> campaigning.Look:
        """What a campaign would do if it began now; nothing is changed."""
        unit = Unit(connection, shop_id, self._shops[shop_id], now)
        campaign, chance = unit.shop.offers[name], self._chances[shop_id]
        audience = Audience(unit, self._rules, name, campaign)
        found, texts, after = list[str](), dict[str, str](), ""
        while True:
            page = wish_records.wanting_offers(connection, shop_id, _address(after), PAGE)
            for each in audience.of(page, after):
                found.append(each.buyer.id)
                if len(texts) < TRIED and not chance.held_out(name, campaign, each.buyer.id):
                    who = called(each.buyer.name, each.buyer.email, each.buyer.phone) or each.buyer.id
                    texts[f"{who} ({each.buyer.id})"] = self._text(unit, name, campaign, each)
            if len(page) < PAGE:
                break
            after = _cursor(page[-1][0])
        codes = campaign_records.code_counts(connection, shop_id, name) if campaign.codes else None
        free = codes[0] if codes else None
        return campaigning.look(name, unit.shop, found, audience.left_out, texts, chance, free, now)

    def why(self, connection: Connection, shop_id: str, name: str, buyer: str, now: datetime) -> str:
        """Why this buyer is told, or is not, as a code."""
        unit = Unit(connection, shop_id, self._shops[shop_id], now)
        member = campaign_records.member(connection, shop_id, name, buyer)
        if member is not None:
            return "held_out" if member.held_out else "told"
        audience = Audience(unit, self._rules, name, unit.shop.offers[name])
        addresses = wish_records.wanting_for(connection, shop_id, buyer)
        if audience.of([(address, (buyer,)) for address in addresses]):
            run = campaign_records.latest(connection, shop_id, name)
            return "to_come" if run is not None and run.state == "running" and not run.done_at else "stopped"
        return next(iter(audience.left_out), "not_agreed")

    def _text(self, unit: Unit, name: str, campaign: Campaign, each: "Wanted") -> str:
        wording = self._chances[unit.shop_id].wording(name, campaign, each.buyer.id)
        code = _no_code(campaign, unit.shop)
        draft, version = self._draft(unit, name, campaign, each, wording, code, unit.now)
        due = DueMessage(
            key=draft.key,
            template=draft.template,
            category="promotion",
            due_at=draft.due_at,
            created_at=unit.now,
            lateness=draft.lateness,
            values=draft.values,
        )
        facts = Facts(shop=unit.shop, buyer=each.buyer)
        return self._catalogue.render(version, variables(due, facts, unit.now)).text

    def _unasked(self) -> dict[Named, datetime]:
        return {
            (shop_id, name): LONG_AGO
            for shop_id, shop in self._shops.items()
            for name, campaign in shop.offers.items()
            if campaign.cron
        }

    def _run_page(self, unit: Unit, run: Row[Any]) -> int:
        connection, shop_id, name = unit.connection, unit.shop_id, run.promotion
        campaign = unit.shop.offers.get(name)
        if run.state == "waiting" and run.next_at is None and campaign is not None and campaign.testers:
            self._tell_testers(unit, run, campaign)
        if run.state != "running" or (run.next_at and run.next_at > unit.now):
            return 0
        over = campaign is None or unit.now >= campaign.ends_at(unit.shop.zone())
        if campaign is None and run.rules:
            return 0  # a program with these settings will come
        if campaign is None or over:
            calendar.advance_campaign(connection, run, run.cursor, 0, unit.now)
            return 0
        begins_at = campaign.starts_at(unit.shop.zone())
        if begins_at > unit.now:
            campaign_records.change(connection, run, next_at=begins_at)
            return 0
        if run.rules and run.rules != rules_of(campaign):  # nobody has looked at these words and numbers
            campaign_records.change(connection, run, state="stopped")
            return 0
        limit = min(PAGE, campaign.pace or PAGE)
        page = wish_records.wanting_offers(connection, shop_id, _address(run.cursor), limit)
        taken, drafts, rest = self._drafts(unit, name, campaign, page, run.cursor)
        ask(connection, shop_id, outbox.queue(drafts, unit.now))
        until = unit.now + campaign.measure
        campaign_records.add_members(connection, shop_id, name, taken, unit.now, until)
        done_at = None if len(page) == limit or rest is not None else unit.now
        cursor = rest if rest is not None else (_cursor(page[-1][0]) if page else run.cursor)
        calendar.advance_campaign(connection, run, cursor, len(drafts), done_at)
        wait = HOUR * len(drafts) / campaign.pace if campaign.pace else timedelta(0)
        if rest == run.cursor and not drafts:
            wait = NO_CODES
        if wait:
            campaign_records.change(connection, run, next_at=unit.now + wait)
        return 0 if rest is not None else len(page)

    def _tell_testers(self, unit: Unit, run: Row[Any], campaign: Campaign) -> None:
        """Let them read every wording, without anybody's code; the run's next_at tells that it is done."""
        connection, shop_id, name, now = unit.connection, unit.shop_id, run.promotion, unit.now
        those = unit.ask(buyer_records.by_id(campaigning.known_testers(connection, shop_id, campaign)))
        drafts, versions = list[outbox.Draft](), dict[str, Version]()
        for buyer in those.values():
            for wording in (*sorted(campaign.wordings),) or (None,):
                each, code = Wanted(buyer=buyer, before=""), _no_code(campaign, unit.shop)
                draft, version = self._draft(unit, name, campaign, each, wording, code, now)
                versions[version.id] = version
                draft.key = campaign_records.test_key_of(name, buyer.id, wording, now)
                draft.due_at, draft.values["test"] = now, True
                drafts.append(draft)
        unit.ask(outbox.keep_versions(versions.values()))
        ask(connection, shop_id, outbox.queue(drafts, now))
        campaign_records.change(connection, run, next_at=now)

    def _drafts(
        self,
        unit: Unit,
        name: str,
        campaign: Campaign,
        page: Sequence[tuple[AddressKey, tuple[str, ...]]],
        begin: str,
    ) -> tuple[list[Member], list[outbox.Draft], str | None]:
        """Whose turn it is, what is said to them, and the cursor from which it goes on if codes run out."""
        connection, shop_id = unit.connection, unit.shop_id
        chance = self._chances[shop_id]
        found = Audience(unit, self._rules, name, campaign).of(page, begin)
        told = [each for each in found if not chance.held_out(name, campaign, each.buyer.id)]
        codes = campaign_records.free_codes(connection, shop_id, name, len(told)) if campaign.codes else []
        times = iter(slots(campaign.pace, len(told), unit.now))
        given: dict[str, str] = {}
        taken, drafts, versions = list[Member](), list[outbox.Draft](), dict[str, Version]()
        rest = None
        for each in found:
            id = each.buyer.id
            if chance.held_out(name, campaign, id):
                taken.append(Member(buyer=id, held_out=True))
                continue
            wording = chance.wording(name, campaign, id)
            if campaign.codes and len(given) == len(codes):
                rest = each.before
                break
            code = codes[len(given)] if campaign.codes else None
            if code is not None:
                given[code] = id
            taken.append(Member(buyer=id, held_out=False, wording=wording))
            draft, version = self._draft(unit, name, campaign, each, wording, code, next(times))
            versions[version.id] = version
            drafts.append(draft)
        unit.ask(outbox.keep_versions(versions.values()))
        campaign_records.give_codes(connection, shop_id, name, given, unit.now)
        return taken, drafts, rest

    def _draft(
        self,
        unit: Unit,
        name: str,
        campaign: Campaign,
        each: "Wanted",
        wording: str | None,
        code: str | None,
        at: datetime,
    ) -> tuple[outbox.Draft, Version]:
        shop, buyer, policy = unit.shop, each.buyer, self._rules.policies[PROMOTION]
        locale = buyer.locale or shop.locale
        version = self._catalogue.resolve(campaign.template, locale)
        key = campaign_records.key_of(name, buyer.id)
        share = 0.0 if campaign.pace and in_daytime(at, campaign, shop, buyer) else _share(key)
        due_at = daytime_slot(at, campaign.daytime, shop.zone(buyer.timezone), share)
        values = {
            "promotion": name,
            "offer": offer_text(campaign, wording, locale, shop.currency, code),
            "tier": each.tier or campaign.segment,
            "code": code,
            "wording": wording,
        }
        draft = outbox.Draft(
            key=key,
            buyer=buyer.id,
            template=campaign.template,
            version=version.id,
            category=policy.category,
            rule=campaign_records.rule_of(name),
            due_at=due_at,
            lateness=max(policy.lateness, min(campaign.ends_at(shop.zone()) - due_at, LATEST)),
            values={name: value for name, value in values.items() if value is not None},
        )
        return draft, version


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer whom a campaign is for. before: the cursor in front of their address."""

    buyer: Buyer
    before: str
    tier: str | None = None


class Audience:
    """Whom a campaign is for, and why others are left out."""

    def __init__(self, unit: Unit, rules: Rules, name: str, campaign: Campaign) -> None:
        self._unit = unit
        self._rules = rules
        self._name = name
        self._campaign = campaign
        self._testers = campaigning.known_testers(unit.connection, unit.shop_id, campaign)
        self.left_out: Counter[str] = Counter()

    def of(self, page: Sequence[tuple[AddressKey, tuple[str, ...]]], begin: str = "") -> list[Wanted]:
        """One buyer for each address that wants offers; `left_out` counts the others by their reasons."""
        unit, name, campaign = self._unit, self._name, self._campaign
        connection, shop_id = unit.connection, unit.shop_id
        every = {buyer for _, buyers in page for buyer in buyers}
        offered = set(history.offered_to(connection, shop_id, campaign_records.rule_of(name), every))
        offered |= campaign_records.members_among(connection, shop_id, name, every)
        unprofiled = buyer_file.unprofiled(connection, shop_id, every)
        said = unit.ask(wish_records.standings([address for address, _ in page]))
        known = unit.ask(buyer_records.by_id(every))
        those = self._those(every - unprofiled)
        follow = those.keys() if campaign.after is None else self._told_before(campaign.after, set(those))
        cases = unit.ask(case_records.open_of(every, ()))
        waits = {buyer for buyer, case in cases if case.kind in WAITS}
        held = order_records.unpaid_or_lately(
            connection, shop_id, every, unit.now - unit.shop.payment.close, unit.now - campaign.quiet
        )
        found: list[Wanted] = []
        before = begin
        for address, buyers in page:
            here, before = before, _cursor(address)
            if address[0] == PHONE:
                continue  # nothing is sent to phones; a buyer's mailbox or chat has a word of its own
            if said[address].stopped or said[address].agrees is not True:
                self.left_out["not_agreed"] += 1
                continue
            if self._testers.intersection(buyers):
                self.left_out["tester"] += 1
                continue
            if offered.intersection(buyers):
                self.left_out["told_before"] += 1
                continue
            id = next((id for id in buyers if id in known and id in follow), None)
            if id is None:
                self.left_out["not_yet" if those.keys() & set(buyers) else "not_in_segment"] += 1
            elif id in waits:
                self.left_out["case_open"] += 1
            elif id in held:
                self.left_out[held[id]] += 1
            else:
                offered.add(id)
                found.append(Wanted(buyer=known[id], before=here, tier=those[id]))
        return found

    def _told_before(self, name: str, every: set[str]) -> set[str]:
        """Those who were told of another campaign long enough ago for this one, the next step."""
        unit = self._unit
        before = unit.now - self._campaign.wait
        return campaign_records.told_among(unit.connection, unit.shop_id, name, every, before)

    def _those(self, every: set[str]) -> dict[str, str | None]:
        """Those in the segment, or in the tier by fresh facts; with their tier, where that was asked."""
        unit, campaign = self._unit, self._campaign
        connection, shop_id, shop, now = unit.connection, unit.shop_id, unit.shop, unit.now
        if campaign.segment is not None:
            tree = shop.segment_trees[campaign.segment]
            at = At(now=now, zone=shop.zone(), close=shop.payment.close)
            figures = segments.figures_of(connection, shop_id, every, now)
            return {id: each.tier for id, each in figures.items() if matches(tree, each, at)[0]}
        standings = order_records.standings(connection, shop_id, every, now - shop.vip.period, shop.currency)
        kept = tier_records.current(connection, shop_id, every, now) if shop.vip.tiers else {}
        tiers: dict[str, str | None] = {}
        for id in every:
            count, spent = standings.get(id, (0, 0))
            of_night = kept.get(id, NONE_KEPT)
            tier = self._rules.tier_of(count, spent, shop.currency, shop.vip.tiers, of_night)
            if tier is not None and tier.name == campaign.tier:
                tiers[id] = tier.name
        return tiers


def in_daytime(at: datetime, campaign: Campaign, shop: Shop, buyer: Buyer) -> bool:
    opens, closes = campaign.daytime
    return opens <= at.astimezone(shop.zone(buyer.timezone)).time() < closes


def _no_code(campaign: Campaign, shop: Shop) -> str | None:
    """What stands for a code where nobody is given one."""
    return operator_words.say("commands", "campaign_no_code", shop.locale, {}) if campaign.codes else None


def _cursor(address: AddressKey) -> str:
    return "\x1f".join(address)


def _address(cursor: str) -> AddressKey:
    kind, _, value = cursor.partition("\x1f")
    return kind, value


def _share(key: str) -> float:
    """The buyer's share of the day, 0 to 1, by hash so that it never changes."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) / 2**32
