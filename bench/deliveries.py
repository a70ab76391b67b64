"""Deliveries as a shop's system makes them: whole requests, signed, ready before any clock starts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import SecretStr

from bench.contenders import Dialect
from bot.channels import standard_webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # published with the specification; opens nothing
SHOP = "shop"  # to which they go
TELEGRAM_SECRET = OPSDROID_TOKEN = "only-for-measurements"
_KEY = standard_webhooks.key(SecretStr(SECRET))


class Numbers:
    """Numbers for buyers and orders, each given out once."""

    def __init__(self) -> None:
        self._next = 100_000

    def fresh(self, count: int) -> range:
        first, self._next = self._next, self._next + count
        return range(first, self._next)


def chats(numbers: Iterable[int]) -> list[bytes]:
    """A greeting from a buyer each, which is answered at once."""
    now = datetime.now(UTC)
    return [_request(f"chat-{n}", "message.received", {"message": _greeting(n)}, now) for n in numbers]


def placed(numbers: Iterable[int], at: datetime | None = None) -> list[bytes]:
    """An order each, by a buyer of its own: confirmed at once, and its reminders written for later."""
    now = at or datetime.now(UTC)
    return [_request(f"placed-{n}", "order.placed", {"order": _order(n, now)}, now) for n in numbers]


def paid(numbers: Iterable[int]) -> list[bytes]:
    """The payment of each of these orders: acknowledged at once, and its reminders withdrawn."""
    now = datetime.now(UTC)
    return [_request(f"paid-{n}", "order.paid", {"order": _payment(n, now)}, now) for n in numbers]


def foreign(dialect: Dialect, numbers: Iterable[int]) -> list[bytes]:
    """A greeting each, as another's door understands it."""
    now = datetime.now(UTC)
    if dialect == "telegram":
        secret = {"X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET}
        return [_posted("/telegram", msgspec.json.encode(_update(n, now)), secret) for n in numbers]
    token = {"Authorization": f"Bearer {OPSDROID_TOKEN}"}
    greetings = (
        {"type": "message.received", "timestamp": now, "data": {"message": _greeting(n)}} for n in numbers
    )
    return [_posted("/skill/bench/taking", msgspec.json.encode(each), token) for each in greetings]


def _greeting(n: int) -> dict[str, Any]:
    return {"id": f"m{n}", "buyer": {"id": f"guest-{n}"}, "text": "你好"}


def _update(n: int, at: datetime) -> dict[str, Any]:
    buyer = {"id": n, "is_bot": False, "first_name": "安娜", "language_code": "zh-hans"}
    chat = {"id": n, "first_name": "安娜", "type": "private"}
    message = {"message_id": 1, "from": buyer, "chat": chat, "date": int(at.timestamp()), "text": "你好"}
    return {"update_id": n, "message": message}


def _order(n: int, at: datetime) -> dict[str, Any]:
    buyer = {
        "id": f"buyer-{n}",
        "name": "安娜",
        "phone": f"+86138{n % 10**8:08d}",
        "email": f"buyer-{n}@example.com",
        "locale": "zh-CN",
        "timezone": "Asia/Shanghai",
    }
    return {
        "id": str(n),
        "placed_at": at,
        "total": "128.00",
        "postage": "8.00",
        "currency": "CNY",
        "buyer": buyer,
        "lines": [{"sku": "MUG-1", "title": "马克杯", "quantity": 2, "price": "60.00"}],
    }


def _payment(n: int, at: datetime) -> dict[str, Any]:
    return {
        "id": str(n),
        "paid_at": at,
        "amount": "128.00",
        "currency": "CNY",
        "method": "bank transfer",
        "reference": str(n),
    }


def _request(id: str, type: str, data: dict[str, Any], at: datetime) -> bytes:
    body = msgspec.json.encode({"type": type, "timestamp": at, "data": data})
    return _posted(f"/hooks/{SHOP}/webhook", body, standard_webhooks.sign(_KEY, id, at, body))


def _posted(path: str, body: bytes, proof: dict[str, str]) -> bytes:
    headers = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": len(body), **proof}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
