"""The command that shows the coming days: simulate."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from bot.api.forms import ComparedForm, change_form, forecast_form
from bot.commands.options import (
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
from bot.commands.screen import progress, say, show, show_json, table, tell
from bot.domain.clock import utc_now
from bot.domain.forecast import Change, Forecast, Foreseen, changes, figures
from bot.forecast import Plan, forecast
from bot.seller.campaigning import Refused
from bot.seller.words import SellerWords
from bot.texts.catalogue import split_subject
from storage.database import Database
from storage.lookup import names_of, numbers_of
from storage.outbox import SELLER

LONGEST = 366  # days
_SIGNS = {(True, True): "~", (False, True): "+", (True, False): "-", (False, False): ""}


def simulate(
    days: Annotated[int, typer.Option(min=1, max=LONGEST, help="How many days from now on.")] = 30,
    other: Annotated[
        Path | None,
        typer.Option("--with", metavar="FILE", help="Other settings; shows what would be said otherwise."),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(metavar="CAMPAIGN", help="As if this campaign were started now; may be repeated."),
    ] = None,
    limit: Limit = 50,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show what would be said in the next days, to whom, and what would be held or left out, and why.

    It is played on a copy; nothing reaches a buyer.
    """
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    changed = read_config(other) if other else None
    if changed:
        choose_shop(changed, shop_id)
    words, now = words_of(shop), utc_now()
    until = now + timedelta(days=days)
    with opened(config) as database:
        plans = [Plan(config=each, shop=shop_id, now=now, until=until) for each in (config, changed) if each]
        plans[-1] = msgspec.structs.replace(plans[-1], start=_offers(plans[-1], start or (), words))
        try:
            played = _played(database, plans, words.locale)
        except Refused as refused:
            raise WrongUse(say(f"campaign_{refused.code}", words.locale, **refused.values)) from None
        shown = _Shown.of(database, shop_id, played, words)
    before, after = played[0], played[-1]
    otherwise = changes(before, after) if changed else []
    if as_json:
        form = forecast_form(after, words)
        differing = [change_form(each, words) for each in otherwise]
        show_json(ComparedForm(forecast=form, changes=differing) if changed else form)
        return
    if changed:
        tell(say("simulated_with" if otherwise else "simulated_same", words.locale, count=len(otherwise)))
        if otherwise:
            show(shown.changes(otherwise[:limit]))
    else:
        tell(say("simulated", words.locale, until=words.moment(until)))
        show(shown.messages(after.messages[:limit]))
    if len(otherwise if changed else after.messages) > limit:
        tell(say("simulated_more", words.locale, limit=limit))
    for part in shown.sums(after):
        show(part)


def _offers(plan: Plan, start: Sequence[str], words: SellerWords) -> tuple[str, ...]:
    offers = plan.config.shops[plan.shop].offers
    for name in start:
        if name not in offers:
            raise WrongUse(say("no_campaign", words.locale, name=repr(name), known=", ".join(offers) or "-"))
    return tuple(start)


def _played(database: Database, plans: Sequence[Plan], reader: str) -> list[Forecast]:
    whole = sum(int((plan.until - plan.now).total_seconds()) for plan in plans)
    done, found = 0, []
    with progress(say("simulating", reader), whole) as advance:
        for plan in plans:

            def on_time(at: datetime, began_at: datetime = plan.now, before: int = done) -> None:
                advance(before + int((at - began_at).total_seconds()))

            found.append(asyncio.run(forecast(database, plan, on_time)))
            done += int((plan.until - plan.now).total_seconds())
    return found


class _Shown:
    """Forecasts in words. numbers: of orders; names: of buyers; both by id."""

    def __init__(self, numbers: Mapping[str, str], names: Mapping[str, str], words: SellerWords) -> None:
        self._numbers = numbers
        self._names = names
        self._words = words
        self._say: Callable[..., str] = lambda code, **values: say(code, words.locale, **values)

    @classmethod
    def of(cls, database: Database, shop: str, played: Iterable[Forecast], words: SellerWords) -> "_Shown":
        every = [each for forecast in played for each in forecast.messages]
        orders = {each.order for each in every if each.order}
        numbers = database.read_now(partial(numbers_of, shop=shop, ids=orders))
        names = database.read_now(partial(names_of, shop=shop, ids={each.buyer for each in every}))
        return cls(numbers, names, words)

    def messages(self, messages: Iterable[Foreseen]) -> Table:
        shown = table(*map(self._say, ("at", "message", "buyer", "order", "outcome")))
        for each in messages:
            shown.add_row(self._moment(each), *self._what(each), self._outcome(each))
        return shown

    def changes(self, found: Iterable[Change]) -> Table:
        """- what is no longer said, + what is said besides, ~ what is said otherwise."""
        shown = table("", *map(self._say, ("at", "message", "buyer", "order", "outcome")))
        for change in found:
            each = change.after if _is_said(change.after) or change.before is None else change.before
            if each is None:
                continue
            sign = (
                "~"
                if _is_said(change.before) and _is_said(change.after)
                else "+"
                if _is_said(change.after)
                else "-"
            )
            shown.add_row(sign, self._moment(each), *self._what(each), self._outcome(change.after or each))
        return shown

    def sums(self, found: Forecast) -> Iterable[Table | str]:
        sums = figures(found)
        yield from self._counted("simulated_said", sums.said, self._words.template)
        yield from self._counted("simulated_held", sums.held, self._reason)
        yield from self._counted("simulated_not_said", sums.not_said, self._reason)
        if sums.busiest:
            yield self._say(
                "simulated_busiest", at=self._words.moment(sums.busiest[0]), count=sums.busiest[1]
            )
        if sums.hears_most:
            buyer, count = sums.hears_most
            yield self._say("simulated_hears_most", buyer=self._names.get(buyer, buyer), count=count)

    def _counted(
        self, code: str, counted: Mapping[str, int], named: Callable[[str], str]
    ) -> Iterable[Table | str]:
        yield self._say(code, count=sum(counted.values()))
        if counted:
            shown = table("", "")
            shown.show_header = False
            for name, count in counted.items():
                shown.add_row(f"{count:>8}", named(name))
            yield shown

    def _reason(self, code: str) -> str:
        return self._words.reason(code, {})

    def _moment(self, each: Foreseen) -> str:
        return self._words.moment(each.at or each.due_at)

    def _what(self, each: Foreseen) -> tuple[str, str, str]:
        order = self._numbers.get(each.order, each.order) if each.order else ""
        if each.buyer == SELLER:
            about = split_subject(each.text or "")[0]  # which case, and what it is about
            return about or self._words.template(each.template), self._say("you"), order
        return self._words.template(each.template), self._names.get(each.buyer, each.buyer), order

    def _outcome(self, each: Foreseen) -> str:
        if each.state in ("sent", "queued"):
            said = self._words.state(each.state)
            return f"{said}: {self._words.reason(each.held.code, each.held.values)}" if each.held else said
        why = each.reason
        return self._words.reason(why.code, why.values) if why else self._words.state(each.state)


def _is_said(each: Foreseen | None) -> bool:
    return each is not None and each.state == "sent"
