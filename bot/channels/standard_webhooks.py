"""Signing deliveries, by the Standard Webhooks specification (HMAC-SHA256, version v1).

Our own, because the library `standardwebhooks` reads the clock by itself and takes one secret only; here the
time is an argument, and several secrets hold while they are rotated. The tests compare us with the library.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import SecretStr

from bot.channels.signatures import any_matches
from bot.domain.errors import WebhookRefused

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)  # both ways; what the specification's own libraries allow
SHORTEST_KEY = 24  # bytes, says the specification; its longest, 64, is of no use to anybody here
_LONGEST_ID = 200


def key(secret: SecretStr) -> bytes:
    """Decode a secret (whsec_ and base64); b"" for an empty one. Raises ValueError for anything else."""
    text = secret.get_secret_value().strip().removeprefix(PREFIX)
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook secret is written as whsec_ and base64") from None


def sign(key: bytes, delivery_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Make the three headers of a delivery."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_signature(key, delivery_id, timestamp, body).decode()}",
    }


def check(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raises WebhookRefused unless one of the keys made one of the signatures within the tolerance."""
    if not keys:
        raise WebhookRefused("no secret is set")
    delivery_id, timestamp, given = (_header(headers, name) for name in ("id", "timestamp", "signature"))
    if len(delivery_id) > _LONGEST_ID or not (delivery_id.isascii() and delivery_id.isprintable()):
        raise WebhookRefused("webhook-id is not plain ASCII of at most 200 characters")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookRefused("webhook-timestamp is not a number of seconds")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise WebhookRefused("webhook-timestamp is more than 5 minutes off")
    signatures = [part[3:] for part in given.split(" ") if part.startswith("v1,")]
    expected = [_signature(key, delivery_id, timestamp, body) for key in keys]
    if not any_matches(expected, *signatures):
        raise WebhookRefused("webhook-signature does not match")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(f"webhook-{name}")
    if not value:
        raise WebhookRefused(f"webhook-{name} is missing")
    return value


def _signature(key: bytes, delivery_id: str, timestamp: str, body: bytes) -> bytes:
    return b64encode(hmac.digest(key, f"{delivery_id}.{timestamp}.".encode() + body, "sha256"))
