"""The channel for any shop system: JSON both ways, signed by the Standard Webhooks specification."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, ClassVar, Literal

import aiohttp
import msgspec
from pydantic import AfterValidator, Field, SecretStr

from bot.channels import Delivery, HandshakeAnswer, Outgoing, standard_webhooks
from bot.channels.json_reading import read
from bot.channels.webhook_events import KINDS, DeliveryInfo, event
from bot.channels.webhook_forms import FORMS
from bot.domain.desk import SELLERS_SYSTEM
from bot.domain.errors import (
    BuyerUnreachable,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    Unreadable,
    wrong,
)
from bot.domain.events import Event
from bot.domain.shop import Duration, HttpAddress, Settings

_LONGEST_WAIT = timedelta(days=1)  # a longer Retry-After is cut
_TRY_AGAIN = frozenset((408, 425, 429))
_GONE = frozenset((403, 410))
_DUPLICATE = 409
_READ = 65536  # bytes of an answer, so that the connection can be used again


def _signing(secret: SecretStr) -> SecretStr:
    try:
        key = standard_webhooks.key(secret)
    except ValueError:
        raise wrong("signing_secret") from None
    if len(key) < standard_webhooks.SHORTEST_KEY:
        raise wrong("signing_short", bytes=standard_webhooks.SHORTEST_KEY)
    return secret


class WebhookSettings(Settings):
    """Any shop system that can POST JSON, and be POSTed to."""

    kind: Literal["webhook"] = "webhook"
    secrets: tuple[Annotated[SecretStr, AfterValidator(_signing)], ...] = Field(
        (), description="whsec_...; all are accepted, the first one signs what we send"
    )
    url: HttpAddress | None = Field(None, description="where messages to buyers are POSTed")
    timeout: Duration = timedelta(seconds=15)


class _Kind(msgspec.Struct, frozen=True):
    type: str


class _To(msgspec.Struct, frozen=True):
    id: str


class _Button(msgspec.Struct, frozen=True):
    label: str
    value: str


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    buyer: _To
    text: str
    locale: str
    template: str
    order: str | None = None
    category: str
    buttons: tuple[_Button, ...] = ()


class _Send(msgspec.Struct, frozen=True, kw_only=True):
    type: str = "message.send"
    timestamp: datetime
    data: dict[str, _Message]


class _Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """reply_to: the id of the words that it answers."""

    id: str
    text: str
    locale: str
    template: str
    case: int | None = None
    order: str | None = None
    reply_to: str | None = None


class _Tell(msgspec.Struct, frozen=True, kw_only=True):
    type: str = "seller.told"
    timestamp: datetime
    data: dict[str, _Notice]


_forms: msgspec.json.Decoder[FORMS] = msgspec.json.Decoder(FORMS)
_kind = msgspec.json.Decoder(_Kind)
_encoder = msgspec.json.Encoder()


class WebhookChannel:
    at_once = 250
    drops_repeats: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        region: str,
        settings: WebhookSettings,
        http: aiohttp.ClientSession,
        desk: bool = False,
    ) -> None:
        self.name = name
        self._desk = desk
        self.region = region
        self._keys = tuple(key for secret in settings.secrets if (key := standard_webhooks.key(secret)))
        self._url = settings.url
        self._seconds = settings.timeout.total_seconds()
        self._timeout = aiohttp.ClientTimeout(total=self._seconds)
        self._http = http

    def handshake(self, delivery: Delivery) -> HandshakeAnswer | None:
        return None

    def verify(self, delivery: Delivery) -> None:
        standard_webhooks.check(self._keys, delivery.headers, delivery.body, delivery.received_at)

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        try:
            form = read(_forms, delivery.body)
        except Unreadable:
            if _is_unknown_kind(delivery.body):
                return ()
            raise
        delivery_id = delivery.headers.get("webhook-id", "")
        info = DeliveryInfo(channel=self.name, delivery=delivery_id, region=self.region, desk=self._desk)
        found = event(form, info)
        return () if found is None else (found,)

    async def send(self, message: Outgoing) -> str | None:
        if self._url is None:
            raise DeliveryRefused("no url is set for this channel")
        if not self._keys:
            raise DeliveryRefused("no secret is set to sign messages with")
        body = _request_body(message)
        headers = standard_webhooks.sign(self._keys[0], message.id, message.at, body)
        headers["content-type"] = "application/json"
        try:
            async with self._http.post(
                self._url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                if response.content_length != 0:
                    await _drain(response)
                failure = _failure(response.status, response.headers.get("retry-after"), message.at)
        except TimeoutError:
            failure = DeliveryDelayed(f"no answer within {self._seconds:g} s")
        except aiohttp.ClientConnectorCertificateError:
            failure = DeliveryDelayed("no valid certificate is shown at the url of this channel")
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            failure = DeliveryDelayed("nobody answers at the url of this channel")
        except aiohttp.InvalidURL:
            failure = DeliveryRefused("the url of this channel cannot be called")
        except (aiohttp.ClientError, OSError) as error:
            failure = DeliveryDelayed(f"the connection broke ({type(error).__name__})")
        if message.address == SELLERS_SYSTEM and isinstance(failure, BuyerUnreachable):
            failure = DeliveryDelayed(str(failure))  # no buyer who left, but a system that is set up wrongly
        if failure is not None:
            raise failure  # outside of any except, so that no context with addresses in it is attached
        return message.id


def _is_unknown_kind(body: bytes) -> bool:
    """True for a valid form of a kind that we do not follow."""
    try:
        return read(_kind, body).type not in KINDS
    except Unreadable:
        return False


def _request_body(message: Outgoing) -> bytes:
    if message.address == SELLERS_SYSTEM:
        notice = _Notice(
            id=message.id,
            text=message.text,
            locale=message.locale,
            template=message.template,
            case=message.case,
            order=message.order,
            reply_to=message.reply_to,
        )
        return _encoder.encode(_Tell(timestamp=message.at, data={"message": notice}))
    content = _Message(
        id=message.id,
        buyer=_To(message.buyer_id),
        text=message.text,
        locale=message.locale,
        template=message.template,
        order=message.order,
        category=message.category,
        buttons=tuple(_Button(label, value) for label, value in message.buttons),
    )
    return _encoder.encode(_Send(timestamp=message.at, data={"message": content}))


async def _drain(response: aiohttp.ClientResponse) -> None:
    """The status is the whole answer; the rest is only read to keep the connection."""
    try:
        await response.content.read(_READ)
    except (aiohttp.ClientError, OSError, TimeoutError):
        response.close()


def _failure(status: int, retry_after: str | None, now: datetime) -> DeliveryError | None:
    if 200 <= status < 300 or status == _DUPLICATE:
        return None
    if status in _TRY_AGAIN or status >= 500:
        return DeliveryDelayed(f"the receiver answered {status}", wait(retry_after, now))
    if status in _GONE:
        return BuyerUnreachable(f"the receiver answered {status}")
    return DeliveryRefused(f"the receiver answered {status}")


def wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """Read Retry-After: seconds, or an HTTP date (RFC 9110, 10.2.3). None if it is neither."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:10]), _LONGEST_WAIT.total_seconds()))
    try:
        until = parsedate_to_datetime(text)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return min(max(until - now, timedelta()), _LONGEST_WAIT)
    except (ValueError, OverflowError, TypeError):
        return None
