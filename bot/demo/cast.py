"""Who plays: the shop, its people, goods and words in one language, and the settings they are run with."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from bot.config import Config
from bot.domain.shop import LOCALES

SHOP = "demo"

# They are valid in the demo only, whose program runs for some seconds on one machine.
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # published with the specification
SHOP_SECRET = "the demo's shop systems sign with this"  # noqa: S105  # see above
DESK = "5550100"  # the seller's own chat on Telegram
CHAT_TOKEN = "1:the-demo-bot"  # noqa: S105  # see above


class Cast(msgspec.Struct, frozen=True):
    """`values` fill the recorded deliveries, `chat` is what people write, `words` are the stage's own."""

    locale: str
    shop: dict[str, Any]
    mail: str
    values: dict[str, Any]
    chat: dict[str, str]
    words: dict[str, Any]


class Endpoints(msgspec.Struct, frozen=True):
    """Where the stand-ins for the outside world listen."""

    chat: str
    telegram: str
    mail_port: int


@cache
def load_cast(locale: str) -> Cast:
    """Raises KeyError for a language the demo is not played in."""
    if locale not in LOCALES:
        raise KeyError(locale)
    told = yaml.safe_load(_read("cast", locale))
    words = yaml.safe_load(_read("words", locale))
    shop = told["shop"]
    here = {name: shop[name] for name in ("locale", "timezone", "region", "currency")}
    return Cast(locale, shop, told["mail"], told["values"] | here, told["chat"], words)


def settings(cast: Cast, database: str, endpoints: Endpoints) -> Config:
    """The shop's own settings with what all languages share; validated like a seller's."""
    channels = {
        "webhook": {"kind": "webhook", "secrets": [HOOK_SECRET], "url": endpoints.chat},
        # An extension of the WooCommerce shop tells what WooCommerce does not: arrivals and reviews. It
        # places no orders, so what it tells is about the orders of others.
        "extension": {"kind": "webhook", "secrets": [HOOK_SECRET]},
        "shopify": {"kind": "shopify", "secrets": [SHOP_SECRET]},
        "woocommerce": {"kind": "woocommerce", "secrets": [SHOP_SECRET]},
        "telegram": {
            "kind": "telegram",
            "secrets": [SHOP_SECRET],
            "token": CHAT_TOKEN,
            "api": endpoints.telegram,
        },
        "email": {
            "kind": "email",
            "host": "127.0.0.1",
            "port": endpoints.mail_port,
            "tls": "none",
            "sender": cast.mail,
        },
    }
    weekend = {"cron": "0 10 * * sat", "start": "2026-03-21", "end": "2026-03-22"}
    shop = cast.shop | {
        "channels": channels,
        "payment": cast.shop["payment"] | {"close": "60h"},
        "limits": {"per_day": 3},
        "seller": cast.shop["seller"] | {"telegram": DESK},
        "haggling": {"rounds": 3, "floor": 85},
        "promotions": {name: offer | weekend for name, offer in cast.shop["promotions"].items()},
    }
    return Config.model_validate(
        {"database": database, "secret": "signs links inside the demo only", "shops": {SHOP: shop}}
    )


def _read(folder: str, locale: str) -> str:
    return files("bot.demo").joinpath(folder, f"{locale}.yaml").read_text(encoding="utf-8")
