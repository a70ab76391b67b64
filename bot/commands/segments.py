"""Commands for segments: segments, segments show, segments try, segments why."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from bot.api.forms import preview_form, segment_why_form, segments_form
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
from bot.config import ShopSettings
from bot.domain.clock import utc_now
from bot.domain.money import Money
from bot.domain.segment_reading import nearest
from bot.domain.segments import FIELDS, SegmentFault, Told, Tree
from bot.domain.untrusted_text import quote
from bot.seller import knowing
from bot.seller.words import QUOTED_MAX, SellerWords
from bot.texts import formats, operator_words
from storage.database import Database

segments_app = typer.Typer(help="Who of your buyers is in which segment.", invoke_without_command=True)

SegmentName = Annotated[str, typer.Argument(help="The segment's name in the settings.")]


@segments_app.callback()
def segments(
    context: typer.Context,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show the segments of the settings, with how many buyers are in each."""
    if context.invoked_subcommand:
        return
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words, now = words_of(shop), utc_now()
    with opened(config) as database:
        found = database.read_now(partial(knowing.sizes, shop_id=shop_id, shop=shop, now=now))
        as_of = database.read_now(partial(knowing.as_of, shop_id=shop_id, now=now))
    if as_json:
        show_json(segments_form(found, as_of))
        return
    if not found:
        tell(say("no_segments", words.locale))
        return
    shown = table(*(say(head, words.locale) for head in ("segment", "buyers", "condition")))
    for each in found:
        shown.add_row(each.name, formats.number(each.buyers, words.reader), each.condition)
    show(shown)
    _say_as_of(as_of, words)


@segments_app.command("show")
def show_segment(
    name: SegmentName,
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Show how many buyers are in a segment, and twenty of them, each with why."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    tree = _tree(shop, name)
    with opened(config) as database:
        _preview(database, shop_id, shop, knowing.written(shop.segments[name]), tree, as_json)


@segments_app.command("try")
def try_segment(
    condition: Annotated[str, typer.Argument(help="A condition, such as 'orders >= 3 and agrees'.")],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """The same for a condition that stands in no settings yet."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    try:
        tree = knowing.tried(shop, condition)
    except SegmentFault as fault:
        locale = words_of(shop).locale
        raise WrongUse(operator_words.say("settings", fault.code, locale, fault.values)) from None
    with opened(config) as database:
        _preview(database, shop_id, shop, knowing.written(condition), tree, as_json)


@segments_app.command("why")
def why(
    name: SegmentName,
    buyer: Annotated[str, typer.Argument(help="Our id, an address of theirs, or channel:address.")],
    config_file: ConfigFile = HERE,
    shop_name: ShopName = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether a buyer is in a segment, and why; exit code 1 if they are not."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    tree, words, now = _tree(shop, name), words_of(shop), utc_now()
    with opened(config) as database:
        found = database.read_now(
            partial(knowing.membership, shop_id=shop_id, shop=shop, tree=tree, name=buyer, now=now)
        )
    if found is None:
        raise WrongUse(say("no_buyer", words.locale, name=repr(buyer)))
    if as_json:
        show_json(segment_why_form(found, shop.currency))
    else:
        who = found.who or found.buyer
        code = ("in_segment" if found.holds else "not_in_segment") if found.profiled else "not_profiled"
        tell(say(code, words.locale, who=who, name=name))
        for line in told_lines(found.because, shop, words):
            tell(f"  {line}")
    raise typer.Exit(0 if found.holds else FOUND)


def _tree(shop: ShopSettings, name: str) -> Tree:
    trees, locale = shop.segment_trees, words_of(shop).locale
    if name in trees:
        return trees[name]
    if not trees:
        raise WrongUse(say("no_segments", locale))
    near = nearest(name, tuple(trees))
    code, values = ("segment_unknown_near", {"nearest": near}) if near else ("segment_unknown", {})
    raise WrongUse(operator_words.say("settings", code, locale, {"given": repr(name), **values}))


def _preview(
    database: Database, shop_id: str, shop: ShopSettings, condition: str, tree: Tree, as_json: bool
) -> None:
    words, now = words_of(shop), utc_now()
    found = database.read_now(
        partial(knowing.preview, shop_id=shop_id, shop=shop, condition=condition, tree=tree, now=now)
    )
    if as_json:
        show_json(preview_form(found, shop.currency))
        return
    counts = {"buyers": found.buyers, "known": found.known}
    counted = {name: formats.number(count, words.reader) for name, count in counts.items()}
    tell(say("segment_count", words.locale, condition=condition, **counted))
    if found.examples:
        shown = table(*(say(head, words.locale) for head in ("id", "buyer", "why")))
        for each in found.examples:
            why_in = "\n".join(told_lines(each.because, shop, words))
            shown.add_row(each.buyer, each.who or "", why_in)
        show(shown)
    _say_as_of(found.as_of, words)


def _say_as_of(as_of: datetime | None, words: SellerWords) -> None:
    if as_of is None:
        remark(say("figures_missing", words.locale))
    else:
        remark(say("figures_as_of", words.locale, at=words.moment(as_of)))


def told_lines(because: Iterable[Told], shop: ShopSettings, words: SellerWords) -> list[str]:
    """The conditions that decide, each with what is known of the buyer."""
    return [
        say(
            "told_holds" if each.holds else "told_not",
            words.locale,
            condition=each.text,
            known=_known(each, shop, words),
        )
        for each in because
    ]


def _known(told: Told, shop: ShopSettings, words: SellerWords) -> str:
    known, locale = told.known, words.locale
    match FIELDS[told.field]:
        case _ if known is None or known == frozenset():
            return say("not_known", locale)
        case "flag":
            return say("told_yes" if known else "told_no", locale)
        case "money":
            return formats.money(Money(known, shop.currency), words.reader)
        case "moment":
            return words.moment(known)
        case "number":
            return formats.number(known, words.reader)
        case "set":
            return quote(", ".join(knowing.words_of(told.field, known)), QUOTED_MAX) or ""
    return quote(str(known), QUOTED_MAX) or ""
