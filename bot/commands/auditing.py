"""The command that checks the whole database for broken promises: audit."""

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
from bot.commands.screen import counting, say, show_json, tell
from bot.domain.clock import utc_now
from bot.operations.audit.audit import audit as run_audit


def audit(config_file: ConfigFile = HERE, shop_name: ShopName = None, as_json: AsJson = False) -> None:
    """Check all messages ever sent for a broken promise; exit code 1 if there is one."""
    config = read_config(config_file)
    shops = dict([choose_shop(config, shop_name)]) if shop_name else dict(config.shops)
    reader = words_of(next(iter(shops.values()))).locale
    with opened(config) as database, counting(say("audited", reader)) as count:
        found = run_audit(database, shops, utc_now(), lambda shop, checked: count(checked))
    if as_json:
        show_json(found)
        raise typer.Exit(FOUND if found else 0)
    for finding in found:
        tell(f"{finding.shop}: {finding.sentence}")
    tell(say("audit_found" if found else "audit_clean", reader, findings=len(found)))
    raise typer.Exit(FOUND if found else 0)
