"""Draws a shop: its settings file, its secrets, and templates of its own that print what they know."""

import json
import random
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from tests.outside.history import Shop
from tests.outside.reading import MARK

NAME = "shop"
SECRETS = {
    "LINK_SECRET": "signs the links of a pretended shop",
    "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "SHOP_SECRET": "the pretended shop's systems sign so",
    "CHAT_TOKEN": "1:the-pretended-shops-own-bot",
    "API_TOKEN": "reads the pretended shop from outside",
}
SHIPPED_WORDS = Path(__file__).parents[2] / "templates"

OF_ORDERS = (
    *(
        "order_confirmation",
        "second_contact",
        "payment_reminder",
        "payment_received",
        "reassurance",
        "shipped",
    ),
    *(
        "delayed",
        "delivered",
        "review_request",
        "review_reminder",
        "cancelled",
        "refunded",
        "partly_refunded",
    ),
    *("total_changed", "restored", "tracking_changed", "shipment_cancelled", "delivery_attempted"),
    *("where_is_order", "payment_status", "when_ship"),
)
_SUMS = ("total", "paid", "left", "overpaid", "refunded")
_PARCEL = (
    "{% if parcel %}{% if parcel.tracking %}|tracking={{ parcel.tracking }}{% endif %}"
    "{% if parcel.carrier %}|carrier={{ parcel.carrier }}{% endif %}{% endif %}"
)
_AMOUNT = "{% if amount %}|amount={{ amount | money }}{% endif %}"
_MORE = {
    "shipped": _PARCEL,
    "delayed": _PARCEL,
    "tracking_changed": _PARCEL,
    "shipment_cancelled": _PARCEL,
    "delivery_attempted": _PARCEL,
    "payment_reminder": "|step={{ step }}",
    "refunded": _AMOUNT,
    "partly_refunded": _AMOUNT,
}
_PLACES = (
    ("en", "Europe/London", "GB", "GBP"),
    ("en", "America/New_York", "US", "USD"),
    ("zh-CN", "Asia/Shanghai", "CN", "CNY"),
    ("zh-TW", "Asia/Taipei", "TW", "CNY"),
)
_REMIND = ((), ("20m", "3h"), ("30m", "1d"), ("2h",), ("1h", "6h"))
_QUIET = (("22:00", "08:00"), ("00:00", "00:00"), ("21:30", "09:15"), ("13:00", "14:00"))


def draw(rng: random.Random) -> tuple[Shop, dict[str, Any]]:
    """The shop as the judge knows it, and its settings without the addresses of its receivers."""
    locale, zone, region, currency = rng.choice(_PLACES)
    channels = ["webhook", "email"]
    channels += [name for name in ("shopify", "woocommerce", "telegram") if rng.random() < 0.75]
    quiet = rng.choice(_QUIET)
    written = {
        "remind": list(rng.choice(_REMIND)),
        "last_reminder": rng.choice(("90m", "0m", "5h")),
        "close": rng.choice(("12h", "2d", "3d", "5d")),
        "ships_within": rng.choice(("1d", "2d", "3d")),
        "gap": rng.choice(("30m", "1h")),
    }
    follow = {
        "second_contact": rng.choice(("1d", "2d")),
        "travel": rng.choice(("3d", "5d")),
        "delay": rng.choice(("3d", "5d")),
        "review": rng.choice(("3d", "7d", "0d")),
        "review_reminder": rng.choice(("0d", "5d")),
    }
    per_day, takeover = rng.choice((2, 3, 6, 20)), rng.choice(("30m", "2h", "12h"))
    shop = Shop(
        locale=locale,
        zone=zone,
        currency=currency,
        remind=tuple(_duration(text) for text in written["remind"]),
        close=_duration(str(written["close"])),
        ships_within=_duration(str(written["ships_within"])),
        travel=_duration(follow["travel"]),
        delay=_duration(follow["delay"]),
        review=_duration(follow["review"]),
        quiet=(time.fromisoformat(quiet[0]), time.fromisoformat(quiet[1])),
        per_day=per_day,
        takeover=_duration(takeover),
        channels=tuple(channels),
        own_words=rng.random() < 0.75,
    )
    accounts = [{"bank": "Harbour Bank", "number": "00124578"}] if rng.random() < 0.6 else []
    settings = {
        "name": "Blue Teahouse",
        "locale": locale,
        "timezone": zone,
        "region": region,
        "currency": currency,
        "api_tokens": ["${API_TOKEN}"],
        "payment": written | {"accounts": accounts},
        "followups": follow,
        "quiet_hours": {"start": quiet[0], "end": quiet[1]},
        "limits": {"per_day": per_day, "deliveries_per_second": 100_000},
        "takeover": takeover,
    }
    return shop, settings


def write(folder: Path, shop: Shop, settings: dict[str, Any], hooks: str, mail_port: int) -> Path:
    """Write config.yaml, in JSON, which is YAML too, and the templates of a shop with words of its own.

    hooks: the address at which the receivers of messages listen.
    """
    known: dict[str, dict[str, Any]] = {
        "webhook": {"secrets": ["${HOOK_SECRET}"], "url": f"{hooks}/messages"},
        "shopify": {"secrets": ["${SHOP_SECRET}"]},
        "woocommerce": {"secrets": ["${SHOP_SECRET}"]},
        "telegram": {
            "secrets": ["${SHOP_SECRET}"],
            "token": "${CHAT_TOKEN}",
            "username": "blue_teahouse_bot",
            "api": hooks,
        },
        "email": {"host": "127.0.0.1", "port": mail_port, "tls": "none", "sender": "tea@shop.example"},
    }
    channels = {name: known[name] for name in shop.channels}
    config = {"secret": "${LINK_SECRET}", "shops": {NAME: settings | {"channels": channels}}}
    (folder / "config.yaml").write_text(json.dumps(config, ensure_ascii=False, indent=1))
    if shop.own_words:
        _write_words(folder, shop.locale)
    return folder / "config.yaml"


def _write_words(folder: Path, locale: str) -> None:
    """Our words about orders, and under them one line of the facts that the text was rendered with."""
    own = folder / "templates" / locale
    own.mkdir(parents=True)
    for name in OF_ORDERS:
        words = (SHIPPED_WORDS / locale / f"{name}.txt").read_text().rstrip()
        (own / f"{name}.txt").write_text(f"{words}\n{_facts_line(name)}\n")


def _facts_line(template: str) -> str:
    """What may be empty is asked for first; what is always there in this message is not."""
    sums = [f"{{% if order.{name} %}}|{name}={{{{ order.{name} | money }}}}{{% endif %}}" for name in _SUMS]
    more = _MORE.get(template, "")
    name = "{% if buyer.name %}|name={{ buyer.name }}{% endif %}"
    order = "|number={{ order.number }}|state={{ order.state }}" + "".join(sums)
    return f"{MARK}{template}{name}{{% if order %}}{order}{{% endif %}}{more}"


def _duration(text: str) -> timedelta:
    unit = {"m": "minutes", "h": "hours", "d": "days"}[text[-1]]
    return timedelta(**{unit: int(text[:-1])})
