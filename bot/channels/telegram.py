"""Telegram, received and sent: private chats with the shop's bot.

https://core.telegram.org/bots/api
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal

import aiohttp
import msgspec
import structlog
from pydantic import Field, SecretStr

from bot.channels import Delivery, HandshakeAnswer, Outgoing
from bot.channels.signatures import any_matches
from bot.channels.telegram_updates import events, pressed_button
from bot.domain.errors import (
    BuyerUnreachable,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUnknown,
    WebhookRefused,
)
from bot.domain.events import Event
from bot.domain.secrets import Secret
from bot.domain.shop import Duration, HttpAddress, Settings

log = structlog.get_logger()

_LONGEST_TEXT = 4096  # UTF-16 code units
_LONGEST_DATA = 64  # bytes of a button's value
_LONGEST_WAIT = 86400  # seconds; a longer one of Telegram's is cut
_LONGEST_DESCRIPTION = 100
_CONNECT = 10.0  # seconds; has a timeout of its own, since after any other the message may have been sent
_NO_SUCH_CHAT = ("chat not found", "user is deactivated", "peer_id_invalid", "user not found")


class TelegramSettings(Settings):
    """A Telegram bot."""

    kind: Literal["telegram"] = "telegram"
    secrets: tuple[Secret, ...] = Field((), description="secret_token of setWebhook; several while rotating")
    token: SecretStr = Field(description="of the bot, from @BotFather")
    username: str | None = Field(
        None, pattern=r"^[A-Za-z]\w{3,31}$", description="of the bot, without @; for links to it"
    )
    api: HttpAddress = Field("https://api.telegram.org", description="where the Bot API is")
    timeout: Duration = timedelta(seconds=15)


class _Response(msgspec.Struct, frozen=True):
    description: str = ""
    result: dict[str, Any] = {}
    parameters: dict[str, Any] = {}


_responses = msgspec.json.Decoder(_Response)
_encoder = msgspec.json.Encoder()


class TelegramChannel:
    at_once = 30  # a second is what Telegram takes of one bot
    drops_repeats: ClassVar[bool] = False

    def __init__(
        self, name: str, region: str, settings: TelegramSettings, http: aiohttp.ClientSession
    ) -> None:
        self.name = name
        self.region = region
        secrets = (secret.get_secret_value().strip() for secret in settings.secrets)
        self._secrets = tuple(secret.encode() for secret in secrets if secret)
        self._token = settings.token.get_secret_value().strip()
        self._method = f"{settings.api.rstrip('/')}/bot{self._token}/"
        self._url = f"{self._method}sendMessage"
        self._seconds = settings.timeout.total_seconds()
        self._timeout = aiohttp.ClientTimeout(
            total=_CONNECT + 2 * self._seconds, connect=_CONNECT, sock_read=self._seconds
        )
        self._http = http

    def handshake(self, delivery: Delivery) -> HandshakeAnswer | None:
        return None

    def verify(self, delivery: Delivery) -> None:
        if not self._secrets:
            raise WebhookRefused("no secret is set")
        given = delivery.headers.get("x-telegram-bot-api-secret-token", "")
        if not given:
            raise WebhookRefused("x-telegram-bot-api-secret-token is missing")
        if not any_matches(self._secrets, given):
            raise WebhookRefused("x-telegram-bot-api-secret-token does not match")

    def parse(self, delivery: Delivery) -> Sequence[Event]:
        return events(delivery.body, self.name, delivery.received_at)

    async def acknowledge(self, delivery: Delivery) -> None:
        """Tell the chat program that a button was taken, so that it stops waiting; nothing depends on it."""
        press = pressed_button(delivery.body)
        if press is None or not self._token:
            return
        body = _encoder.encode({"callback_query_id": press})
        status, answer, failure = await self._post(body, f"{self._method}answerCallbackQuery")
        if failure or status >= 300:
            log.info(
                "button not acknowledged", channel=self.name, why=str(failure or self._why(status, answer))
            )

    async def send(self, message: Outgoing) -> str | None:
        if not self._token:
            raise DeliveryRefused("no token is set for this bot")
        status, answer, failure = await self._post(_encoder.encode(_request_body(message)))
        failure = failure or self._failure(status, answer)
        if failure is not None:
            raise failure  # outside of any except, so that no context with the token in it is attached
        sent = answer.result.get("message_id")
        return f"{message.address}:{sent}" if isinstance(sent, int) else None

    async def _post(self, body: bytes, url: str | None = None) -> tuple[int, _Response, DeliveryError | None]:
        headers = {"content-type": "application/json"}
        try:
            async with self._http.post(
                url or self._url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                return response.status, await _read(response), None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return 0, _Response(), DeliveryDelayed(f"cannot reach Telegram ({type(error).__name__})")
        except aiohttp.InvalidURL:
            return 0, _Response(), DeliveryRefused("the api address of this channel cannot be called")
        except TimeoutError:
            return 0, _Response(), DeliveryUnknown(f"no answer from Telegram within {self._seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return 0, _Response(), DeliveryUnknown(f"the answer was lost ({type(error).__name__})")

    def _failure(self, status: int, answer: _Response) -> DeliveryError | None:
        why = self._why(status, answer)
        if 200 <= status < 300:
            return None
        if status == 429:
            return DeliveryDelayed(why, _wait(answer.parameters.get("retry_after")))
        if status >= 500:
            return DeliveryDelayed(why)
        if status == 403 or (status == 400 and _no_such_chat(answer.description)):
            return BuyerUnreachable(why)
        return DeliveryRefused(why)

    def _why(self, status: int, answer: _Response) -> str:
        said = answer.description.replace(self._token, "…")[:_LONGEST_DESCRIPTION] if self._token else ""
        return f"Telegram answered {status}: {said}" if said else f"Telegram answered {status}"


async def _read(response: aiohttp.ClientResponse) -> _Response:
    """Read the body; an empty one if that fails, because the status is known already."""
    try:
        return _responses.decode(await response.read())
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError):
        return _Response()


def _no_such_chat(description: str) -> bool:
    return any(words in description.lower() for words in _NO_SUCH_CHAT)


def _wait(seconds: Any) -> timedelta | None:
    if not isinstance(seconds, int) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, _LONGEST_WAIT))


def _request_body(message: Outgoing) -> dict[str, Any]:
    chat = message.address
    body: dict[str, Any] = {
        "chat_id": int(chat) if chat.lstrip("-").isdecimal() and chat.isascii() else chat,
        "text": _shortened(message.text),
        "link_preview_options": {"is_disabled": True},
    }
    # A value that is too long is left out, because a cut one would mean something else.
    rows = [
        [{"text": label, "callback_data": value}]
        for label, value in message.buttons
        if 1 <= len(value.encode()) <= _LONGEST_DATA
    ]
    if rows:
        body["reply_markup"] = {"inline_keyboard": rows}
    return body


def _shortened(text: str) -> str:
    units = text.encode("utf-16-le", errors="replace")
    if len(units) <= 2 * _LONGEST_TEXT:
        return text
    return units[: 2 * (_LONGEST_TEXT - 1)].decode("utf-16-le", errors="ignore") + "…"
