"""The command that shows the audit trail: trail."""

from functools import partial

from bot.commands.options import (
    HERE,
    AsJson,
    ConfigFile,
    Limit,
    ShopName,
    choose_shop,
    opened,
    read_config,
    words_of,
)
from bot.commands.screen import say, show, show_json, table, tell
from bot.seller.words import SellerWords
from storage import trail as storage_trail
from storage.trail import Trace


def trail(
    limit: Limit = 50, config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False
) -> None:
    """Show who settled which case, and how often a wrong API token was tried."""
    config = read_config(config_file)
    shop_id, shop = choose_shop(config, shop_name)
    shops = (shop_id, storage_trail.UNKNOWN_SHOP)
    with opened(config) as database:
        found = database.read_now(partial(storage_trail.newest, shops=shops, limit=limit))
    if as_json:
        show_json(found)
    elif found:
        _show(found, words_of(shop))
    else:
        tell(say("no_trail", words_of(shop).locale))


def _show(found: list[Trace], words: SellerWords) -> None:
    shown = table(*(say(head, words.locale) for head in ("at", "what", "who", "about", "times")))
    for trace in found:
        what = f"trail_{trace.what}" if trace.shop else "trail_no_shop"
        shown.add_row(
            words.moment(trace.at),
            say(what, words.locale),
            trace.who or "",
            trace.about or "",
            str(trace.times),
        )
    show(shown)
