"""The command promises: how the promises of the settings are kept."""

from functools import partial

from bot.api.forms import promises_form
from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    ShopName,
    choose_shop,
    opened,
    read_config,
    words_of,
)
from bot.commands.screen import say, show, show_json, table, tell
from bot.domain.clock import utc_now
from bot.seller.promised import Share, promised
from bot.seller.words import SellerWords
from bot.texts import formats
from storage.promise_records import PromiseRow

HEADS = ("promise", "promises_kept", "promises_not_kept", "promises_open", "share_kept", "promise_goal")
VERDICTS = {"few": "too_few", "met": "goal_met", "missed": "goal_missed", "unclear": "goal_unclear"}


def promises(config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False) -> None:
    """Show how your promises are kept, what is due soon, and what was missed."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    words = words_of(shop)
    with opened(config) as database:
        found = database.read_now(partial(promised, shop_id=shop_id, shop=shop, now=utc_now()))
    if as_json:
        show_json(promises_form(found))
        return
    if not found.shares:
        tell(say("no_promises", words.locale))
        return
    shown = table(*(say(head, words.locale) for head in HEADS))
    for each in found.shares:
        counts = (formats.number(count, words.reader) for count in (each.kept, each.missed, each.open))
        verdict = f"{each.goal:g} %: {say(VERDICTS[each.verdict], words.locale)}"
        shown.add_row(each.name, *counts, _percent(each), verdict)
    show(shown)
    for head, rows in (("promises_due", found.due_soon), ("promises_missed", found.missed)):
        if rows:
            tell(say(head, words.locale))
        for row in rows:
            tell("  " + _line(row, words))


def _percent(share: Share) -> str:
    """The share kept, with its interval; nothing where they are too few."""
    if share.verdict == "few" or share.low is None or share.high is None:
        return "-"
    return f"{share.kept / share.due:.1%} ({share.low:.1%}-{share.high:.1%})"


def _line(row: PromiseRow, words: SellerWords) -> str:
    kind, _, id = row.about.partition(":")
    about = say(f"about_{kind}", words.locale, number=row.number or id)
    return say("promise_line", words.locale, due=words.moment(row.due_at), promise=row.name, about=about)
