"""Mail, sent only, through the shop's own mail server."""

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import aiosmtplib
from aiosmtplib import SMTP
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from bot.channels import Outgoing, contacts
from bot.channels.email_letter import Letter, write
from bot.domain.errors import (
    BuyerUnreachable,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUnknown,
    wrong,
)
from bot.domain.loopback import is_loopback
from bot.domain.shop import Duration, Settings

_PROBE_SECONDS = 5.0  # for an idle connection to answer
_LOGIN_NEEDED = 530
# Enhanced codes (RFC 3463) of refusals that do not mean a wrong address: policy, a full mailbox.
_ADDRESS_IS_FINE = ("5.7.", "5.2.2")
_BROKEN = (aiosmtplib.SMTPException, OSError, TimeoutError)


def _address(text: str) -> str:
    if contacts.email(text) is None:
        raise wrong("mailbox")
    return text.strip()


def _certificates(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        raise wrong("certificates") from None
    return path


Mailbox = Annotated[str, AfterValidator(_address)]


class EmailSettings(Settings):
    """Mail through an SMTP server."""

    kind: Literal["email"] = "email"
    host: str
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none: only for one's own machine"
    )
    username: str | None = None
    password: SecretStr | None = None
    sender: Mailbox = Field(description="the address that mail comes from")
    sender_name: str | None = Field(None, description="the shop's name if not given")
    reply_to: Mailbox | None = None
    timeout: Duration = timedelta(seconds=30)
    ca_file: Annotated[Path, AfterValidator(_certificates)] | None = Field(
        None, description="certificates (PEM) to trust besides the system's"
    )
    connections: int = Field(2, ge=1, le=20, description="to the mail server at a time")

    @field_validator("tls")
    @classmethod
    def _in_the_clear_only_here(cls, tls: str, others: ValidationInfo) -> str:
        if tls == "none" and not is_loopback(others.data.get("host", "localhost")):
            raise wrong("tls_none")
        return tls


class EmailChannel:
    drops_repeats: ClassVar[bool] = False

    def __init__(self, name: str, region: str, settings: EmailSettings) -> None:
        self.name = name
        self.region = region
        self.at_once = 2 * settings.connections  # one is sent while the next one is prepared
        self._settings = settings
        self._tls = _context(settings)
        self._slots = asyncio.Semaphore(settings.connections)
        self._idle: list[SMTP] = []

    async def send(self, message: Outgoing) -> str | None:
        settings = self._settings
        letter = write(message, settings.sender, settings.sender_name, settings.reply_to)
        async with self._slots:
            client = await self._connection()
            try:
                await _send(client, letter)
            except BaseException:  # of any kind: a connection in an unknown state must not be used again
                client.close()
                raise
            self._idle.append(client)
        return letter.message_id

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.quit(timeout=_PROBE_SECONDS)
            except _BROKEN:
                client.close()

    async def _connection(self) -> SMTP:
        while self._idle:
            client = self._idle.pop()
            if await _is_alive(client):
                return client
            client.close()
        client = self._client()
        failure: DeliveryError
        try:
            await client.connect()
            return client
        except aiosmtplib.SMTPAuthenticationError as error:
            # The shop can correct the password, and then the message can still be sent.
            failure = DeliveryDelayed(f"the mail server refused our login ({error.code})")
        except (*_BROKEN, ValueError) as error:
            failure = DeliveryDelayed(f"cannot reach the mail server ({type(error).__name__})")
        raise failure

    def _client(self) -> SMTP:
        settings = self._settings
        password = settings.password.get_secret_value() if settings.password else ""
        return SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=password if settings.username else None,
            timeout=settings.timeout.total_seconds(),
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=self._tls,
        )


def _context(settings: EmailSettings) -> ssl.SSLContext | None:
    if settings.tls == "none":
        return None
    context = ssl.create_default_context()
    if settings.ca_file:
        context.load_verify_locations(cafile=settings.ca_file)
    return context


async def _is_alive(client: SMTP) -> bool:
    if not client.is_connected:
        return False
    try:
        await client.noop(timeout=_PROBE_SECONDS)
    except _BROKEN:
        return False
    return True


async def _send(client: SMTP, letter: Letter) -> None:
    failure: DeliveryError | None = None
    try:
        await _send_envelope(client, letter)
        try:
            await client.data(letter.data)
        except aiosmtplib.SMTPDataError as error:
            failure = _refused(error, "the letter", DeliveryRefused)
        except _BROKEN as error:
            failure = DeliveryUnknown(f"the mail server's answer was lost ({type(error).__name__})")
    except aiosmtplib.SMTPRecipientRefused as error:
        failure = _refused(error, "the address", _error_for(error))
    except aiosmtplib.SMTPSenderRefused as error:
        failure = _refused(error, "the sender", DeliveryRefused)
    except _BROKEN as error:
        failure = DeliveryDelayed(f"the connection broke ({type(error).__name__})")
    if failure is not None:
        raise failure


async def _send_envelope(client: SMTP, letter: Letter) -> None:
    if letter.utf8 and client.is_ehlo_or_helo_needed:
        await client.ehlo()
    if letter.utf8 and not client.supports_extension("smtputf8"):
        raise BuyerUnreachable("the mail server cannot write to addresses that are not ASCII")
    encoding = "utf-8" if letter.utf8 else "ascii"
    await client.mail(letter.sender, options=["SMTPUTF8"] if letter.utf8 else None, encoding=encoding)
    await client.rcpt(letter.recipient, encoding=encoding)


def _error_for(error: aiosmtplib.SMTPRecipientRefused) -> type[DeliveryError]:
    ours = error.code == _LOGIN_NEEDED or error.message.strip().startswith(_ADDRESS_IS_FINE)
    return DeliveryRefused if ours else BuyerUnreachable


def _refused(error: aiosmtplib.SMTPResponseException, what: str, kind: type[DeliveryError]) -> DeliveryError:
    """Leave out the server's own words, because they often repeat the buyer's address."""
    why = f"the mail server answered {error.code} to {what}"
    return kind(why) if error.code >= 500 else DeliveryDelayed(why)
