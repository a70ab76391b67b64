"""The command that proves the promises again over the whole database: audit."""

import typer

from bot.commands.options import (
    FOUND,
    HERE,
    AsJson,
    ConfigFile,
    ShopName,
    choose_shop,
    opened,
    read_config,
    words_of,
)
from bot.commands.screen import counting, show_json, tell
from bot.commands.words import say
from bot.domain.clock import utc_now
from bot.operations.audit.audit import audit as look_through


def audit(config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False) -> None:
    """Look through everything that was ever said for a broken promise; exit code 1 if there is one."""
    config = read_config(config_file)
    shops = dict([choose_shop(config, shop_name)]) if shop_name else dict(config.shops)
    reader = words_of(next(iter(shops.values()))).locale
    with opened(config) as database, counting(say("audited", reader)) as count:
        found = look_through(database, shops, utc_now(), lambda shop, looked: count(looked))
    if as_json:
        show_json(found)
        raise typer.Exit(FOUND if found else 0)
    for finding in found:
        tell(f"{finding.shop}: {finding.sentence}")
    tell(say("audit_found" if found else "audit_clean", reader, findings=len(found)))
    raise typer.Exit(FOUND if found else 0)
