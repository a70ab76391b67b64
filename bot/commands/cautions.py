"""What is no mistake in the settings, and yet lets others read along or asks nobody: for check and serve."""

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from bot.commands.options import reader_of
from bot.commands.screen import say
from bot.config import Config
from bot.domain.clock import utc_now
from bot.domain.loopback import is_loopback
from bot.domain.public_holidays import announced
from bot.operations.file_modes import loose_files

AHEAD = timedelta(days=60)  # a promise or a deadline may reach so far


def cautions(config: Config, config_file: Path) -> list[str]:
    """A sentence for each, with the mend, in the first shop's language."""
    reader = reader_of(config)
    url = make_url(config.database)
    database = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
    archive = config.retention.archive if config.retention else None
    learned = config.understanding.learned
    loose = [
        say("loose_file", reader, file=file.path, mend=f"chmod {file.mode:o} {shlex.quote(str(file.path))}")
        for file in loose_files(config_file.parent / ".env", database, archive, learned)
    ]
    plain = [say("plain_http", reader, setting=setting) for setting in _readable_on_the_way(config)]
    unasked = [say("unasked", reader, shop=shop) for shop in _unasked(config)]
    return loose + plain + unasked + unannounced(config, utc_now())


def unannounced(config: Config, now: datetime) -> list[str]:
    """A sentence for each shop and year, of those that are near, whose working weekends are not known."""
    years = dict.fromkeys((now.year, (now + AHEAD).year))
    return [
        say("unannounced", reader_of(config), shop=shop_id, year=year)
        for shop_id, shop in config.shops.items()
        for year in years
        if shop.calendar and not announced(shop.calendar, year)
    ]


def _unasked(config: Config) -> Iterator[str]:
    """Shops whose guests' yes to offers waits for a confirmation that no link can bring."""
    if config.public_url:
        return
    for shop_id, shop in config.shops.items():
        mails = any(channel.kind == "email" for channel in shop.channels.values())
        if shop.confirms_offers and shop.offers and mails:
            yield shop_id


def _readable_on_the_way(config: Config) -> Iterator[str]:
    """The settings with an http:// address of another machine. Their values may hold secrets."""
    addresses = {"public_url": config.public_url}
    for shop_id, shop in config.shops.items():
        for name, channel in shop.channels.items():
            place = f"shops.{shop_id}.channels.{name}"
            match channel.kind:
                case "webhook":
                    addresses[f"{place}.url"] = channel.url
                case "telegram":
                    addresses[f"{place}.api"] = channel.api
    for setting, address in addresses.items():
        parts = urlsplit(address or "")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield setting
