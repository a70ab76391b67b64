"""Fill recorded deliveries with names and times, and sign them as their platform does.

They are in deliveries/, written by us from the fields that the platforms document.
"""

import hmac
import re
from base64 import b64encode
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from pydantic import SecretStr

from bot.channels import standard_webhooks
from bot.demo.cast import HOOK_SECRET, SHOP_SECRET, Cast
from bot.demo.script import Step, time_of

CHANNELS = ("webhook", "extension", "shopify", "woocommerce", "telegram")
OF_ONES_OWN = ("webhook", "extension")  # channels of systems that speak our own JSON

_NAME = re.compile(r"\{([a-z_.]+)\}")
_MOMENT = re.compile(r"@(?:now|(\d+) (\d\d:\d\d))")


class Request(msgspec.Struct, frozen=True):
    """What a platform POSTs. `about`: the order's number as people say it."""

    channel: str
    kind: str
    about: str | None
    headers: dict[str, str]
    body: bytes


@cache
def recorded() -> dict[str, tuple[str, dict[str, Any]]]:
    """Channel and delivery by name."""
    folder = files("bot.demo").joinpath("deliveries")
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for channel in CHANNELS:
        texts = msgspec.json.decode(folder.joinpath(f"{channel}.json").read_bytes())
        found |= {name: (channel, delivery) for name, delivery in texts.items()}
    return found


def request_of(step: Step, number: int, cast: Cast, zone: ZoneInfo) -> Request:
    """`number` is the delivery's own; a repeat carries the same."""
    channel, delivery = recorded()[step.delivery or ""]
    now = time_of(step.day, step.clock, zone)
    own = {"number": number, "words": cast.chat.get(step.words or "", ""), "unix": int(now.timestamp())}
    filled = _Filler(channel, cast.values | own, now, zone).fill(delivery["body"])
    body = msgspec.json.encode(filled)
    secret = "a guess" if step.forged else None  # what one who does not know it might try
    headers = _SIGNING[channel](delivery["kind"], str(number), now, body, secret)
    return Request(channel, delivery["kind"], delivery["about"], headers, body)


class _Filler:
    """Puts values for {names}, and moments for @now and @2 09:10, which is on the second day."""

    def __init__(self, channel: str, values: dict[str, Any], now: datetime, zone: ZoneInfo) -> None:
        self.channel = channel
        self.values = values
        self.now = now
        self.zone = zone

    def fill(self, told: Any, key: str = "") -> Any:
        match told:
            case dict():
                return {name: self.fill(value, name) for name, value in told.items()}
            case list():
                return [self.fill(value) for value in told]
            case str() if found := _MOMENT.fullmatch(told):
                at = time_of(int(found[1]), found[2], self.zone) if found[1] else self.now
                return self._written(at, key)
            case str() if found := _NAME.fullmatch(told):
                value = self._value(found[1])
                return str(value) if self.channel in OF_ONES_OWN else value
            case str():
                return _NAME.sub(lambda name: str(self._value(name[1])), told)
        return told

    def _value(self, name: str) -> Any:
        value: Any = self.values
        for part in name.split("."):
            value = value[part]
        return value

    def _written(self, at: datetime, key: str) -> str | int:
        match self.channel:
            case "telegram":
                return int(at.timestamp())
            case "woocommerce":
                wall = at if key.endswith("_gmt") else at.astimezone(self.zone)
                return wall.replace(tzinfo=None).isoformat()
        return at.astimezone(self.zone).isoformat()


def _webhook(kind: str, id: str, now: datetime, body: bytes, forged: str | None) -> dict[str, str]:
    key = forged.encode() if forged else standard_webhooks.key(SecretStr(HOOK_SECRET))
    return standard_webhooks.sign(key, id, now, body)


def _shopify(kind: str, id: str, now: datetime, body: bytes, forged: str | None) -> dict[str, str]:
    return {
        "x-shopify-topic": kind,
        "x-shopify-webhook-id": id,
        "x-shopify-triggered-at": now.isoformat(),
        "x-shopify-hmac-sha256": _hmac(forged, body),
    }


def _woocommerce(kind: str, id: str, now: datetime, body: bytes, forged: str | None) -> dict[str, str]:
    return {
        "x-wc-webhook-topic": kind,
        "x-wc-webhook-delivery-id": id,
        "x-wc-webhook-signature": _hmac(forged, body),
    }


def _telegram(kind: str, id: str, now: datetime, body: bytes, forged: str | None) -> dict[str, str]:
    return {"x-telegram-bot-api-secret-token": forged or SHOP_SECRET}


def _hmac(forged: str | None, body: bytes) -> str:
    return b64encode(hmac.digest((forged or SHOP_SECRET).encode(), body, "sha256")).decode()


_SIGNING = {
    **dict.fromkeys(OF_ONES_OWN, _webhook),
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "telegram": _telegram,
}
