"""Commands that try settings and templates before buyers see them: check, preview."""

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from bot.app import rules_of
from bot.commands.cautions import cautions
from bot.commands.gaps import REFUSED, gaps
from bot.commands.known import unknown_in
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
    reader_of,
    words_of,
)
from bot.commands.screen import remark, say, show_json, tell
from bot.commands.understood import why_left_out
from bot.config import Config, ShopSettings
from bot.domain.clock import utc_now
from bot.domain.context import Buyer
from bot.domain.errors import ConfigError, Mistake, TemplateError
from bot.domain.messages import DueMessage, Facts, MessagePolicy, Reason
from bot.texts import operator_words
from bot.texts.catalogue import Catalogue, Version
from bot.texts.check import Finding, check_folder, check_templates, why_broken
from bot.texts.faults import as_fault, with_place
from bot.texts.languages import system_language
from bot.texts.samples import sample
from bot.texts.variables import variables
from bot.understanding.examples import FaultyExamples, sellers
from storage import buyer_records
from storage.asking import ask
from storage.lookup import find_order

OF_THE_ORDER = (
    "buyer",
    "order",
    "parcel",
    "payment",
    "link",
)  # variables taken from a real order
# How reasons begin that lie in the state of an order, and not in what was said of it.
OF_ITS_STATE = ("order_", "pay", "nothing_owed", "test_order", "reminders_ended")


def check(config_file: ConfigFile = HERE, as_json: AsJson = False) -> None:
    """Look for mistakes in the settings, and in every template in every language; exit code 1 if any."""
    if not config_file.exists():
        raise WrongUse(f"{config_file}: {_no_file()}")
    try:
        config = read_config(config_file)
    except ConfigError as error:
        _show_mistakes(error, as_json)
        raise typer.Exit(FOUND) from None
    texts = Catalogue(config.templates)
    reader, policies = reader_of(config), rules_of(config).policies
    everywhere = (
        each
        for shop in config.shops.values()
        for each in check_templates(texts, shop, policies, reader, ours_too=False)
    )
    found = list(dict.fromkeys(everywhere))
    if config.templates:
        found += check_folder(config.templates, texts, reader)
    open_walls = cautions(config, config_file)
    undone = [*_undone(config, reader), *_unlearned(config, reader)]
    unknown = unknown_in(config, texts, policies, reader)
    if as_json:
        settings = [dict(zip(Mistake._fields, each, strict=True)) for each in undone]
        known = [
            {"file": str(file), "line": line, "path": path, "text": what}
            for file, line, path, what in unknown
        ]
        show_json({"settings": settings, "templates": found, "knowledge": known, "cautions": open_walls})
    else:
        for mistake in undone:
            tell(f"{config_file}: {mistake.path}: {mistake.text}")
        for file, line, path, what in unknown:
            tell(f"{file}:{line}: {path}: {what}" if path else f"{file}:{line}: {what}")
        if found or not (undone or unknown):
            _show_findings(found, config, len(texts.versions))
        for caution in open_walls:
            remark(f"! {caution}")
    raise typer.Exit(FOUND if found or undone or unknown else 0)


def _undone(config: Config, reader: str) -> Iterator[Mistake]:
    """What `serve` would start with, and should not: nobody could reach this shop, or its seller."""
    for shop_id, shop in config.shops.items():
        for code, values in gaps(shop):
            if code in REFUSED:
                place = f"channels.{values['channel']}" if "channel" in values else "seller"
                yield Mistake(0, f"shops.{shop_id}.{place}", say(code, reader, **values))


def _unlearned(config: Config, reader: str) -> Iterator[Mistake]:
    """What is wrong with the seller's example sentences."""
    own = config.understanding.examples
    if own.exists():
        try:
            sellers(own)
        except FaultyExamples as fault:
            yield Mistake(fault.line or 0, "understanding.examples", why_left_out(fault, own, reader))


def _no_file() -> str:
    return operator_words.say("settings", "no_file", system_language(os.environ), {})


def _show_mistakes(error: ConfigError, as_json: bool) -> None:
    if as_json:
        show_json({"settings": [dict(zip(Mistake._fields, each, strict=True)) for each in error.mistakes],
                   "templates": [], "knowledge": [], "cautions": []})  # fmt: skip
        return
    tell(str(error))


def _show_findings(found: list[Finding], config: Config, templates: int) -> None:
    for finding in found:
        folder = config.templates if finding.own and config.templates else Path("templates")
        place = f"{folder}/{finding.file}" if finding.file else str(folder)
        line = f":{finding.line}" if finding.line else ""
        tell(f"{place}{line}: {finding.what}")
    if not found:
        tell(say("all_well", reader_of(config), templates=templates))


def preview(
    template: Annotated[str, typer.Argument(help="Its name, as order_confirmation.")],
    locale: Annotated[
        str | None, typer.Option(help="For a reader of this language; the shop's, if not given.")
    ] = None,
    order: Annotated[str | None, typer.Option(help="With the facts of this order.")] = None,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show how a message reads; exit code 1 if your words are broken and ours stand in."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    texts, reader = Catalogue(config.templates), words_of(shop).locale
    try:
        version = texts.resolve(template, locale or shop.locale)
        name = "安娜" if version.locale.startswith("zh") else "Anna"
        policies = rules_of(config).policies
        values: Mapping[str, Any] = sample(template, shop, policies, name)
        why = None
        if order is not None:
            facts = _facts_of(config, shop_id, shop, order)
            due, now = _due(template, facts, policies[template]), utc_now()
            known = variables(due, facts, now)
            values = {**values, **{each: known[each] for each in OF_THE_ORDER}}
            why = _why_unsaid(policies[template].why_outdated(due, facts, now))
        rendered = texts.render(version, values)
    except TemplateError as error:
        raise WrongUse(with_place(as_fault(error), reader)) from None
    used, fault = rendered.version, None
    if rendered.fault:
        fault = _default_used(version, values, reader)
    if as_json:
        used_version = {"template": template, "locale": used.locale, "version": used.id, "own": used.own}
        unsaid = {"code": why.code, "values": why.values} if why else None
        show_json({**used_version, "text": rendered.text, "fault": fault, "unsaid": unsaid})
    else:
        if fault:
            remark(fault)
        if why:
            remark(f"! {words_of(shop).reason(why.code, why.values)}")
        whose = say("yours" if used.own else "ours", reader)
        remark(f"{used.where} ({whose})\n")
        tell(rendered.text)
    raise typer.Exit(FOUND if fault else 0)


def _default_used(version: Version, values: Mapping[str, Any], reader: str) -> str:
    fault = with_place(why_broken(version, values), reader)
    return operator_words.say("templates", "default_used", reader, {"fault": fault})


def _why_unsaid(why: Reason | None) -> Reason | None:
    """What is so of the order itself; that an earlier message is missing, or its time is over, is not."""
    if why is None or why.code in ("order_unknown", "order_reviewed"):
        return None
    return why if why.code.startswith(OF_ITS_STATE) else None


def _facts_of(config: Config, shop_id: str, shop: ShopSettings, name: str) -> Facts:
    with opened(config) as database:
        facts = database.read_now(partial(_facts, shop_id=shop_id, shop=shop, name=name))
    if facts is None or facts.order is None:
        raise WrongUse(say("no_order", words_of(shop).locale, name=repr(name)))
    return facts


def _due(template: str, facts: Facts, policy: MessagePolicy) -> DueMessage:
    now, order = utc_now(), facts.order.id if facts.order else None
    return DueMessage(
        key=f"{template}:{order}",
        template=template,
        category=policy.category,
        due_at=now,
        created_at=now,
        lateness=timedelta(0),
        values=policy.samples[0],
        order=order,
    )


def _facts(connection: Connection, shop_id: str, shop: ShopSettings, name: str) -> Facts | None:
    order = find_order(connection, shop_id, name)
    if order is None:
        return None
    buyer = Buyer(id=order.buyer or "")
    if order.buyer:
        buyer = ask(connection, shop_id, buyer_records.by_id({order.buyer})).get(order.buyer, buyer)
    return Facts(shop=shop, buyer=buyer, order=order, orders=(order,))
