"""A post office that behaves: a real SMTP server that keeps letters and answers as it was told."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG_UP = "hang up"
NEVER = "never"


class Letter(msgspec.Struct):
    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool
    login: str | None


class PostOffice:
    """`answers` maps MAIL, RCPT or DATA to what is said instead of yes."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answers: dict[str, str] = {}
        self.visits = 0
        self.inside = 0
        self.most_inside = 0
        self.port = 0
        self.slow = 0.0
        self._lines: list[SMTP] = []

    def hang_up(self) -> None:
        """As servers do with connections that were silent for long."""
        for line in self._lines:
            _abort(line)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._answer(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._answer(server, "RCPT", "250 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await asyncio.sleep(self.slow)
        self.inside -= 1
        login = session.auth_data.login.decode() if session.auth_data else None
        content = envelope.original_content or b""
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("sslcontext") is not None
        letter = Letter(str(envelope.mail_from), list(envelope.rcpt_tos), content, encrypted, login)
        if "DATA" not in self.answers or self.answers["DATA"] in (HANG_UP, NEVER):
            self.letters.append(letter)  # it was taken, even if nobody hears so
        return await self._answer(server, "DATA", "250 taken")

    async def _answer(self, server: SMTP, stage: str, yes: str) -> str:
        said = self.answers.get(stage, yes)
        if said == HANG_UP:
            _abort(server)
        if said == NEVER:
            await asyncio.sleep(60)
        return said


@asynccontextmanager
async def open_post_office(
    certificate: Path | None = None, login: tuple[str, str] | None = None, wrapped: bool = False
) -> AsyncIterator[PostOffice]:
    """With a certificate by STARTTLS alone, or `wrapped` in TLS from the first byte."""
    office = PostOffice()
    context = _context(certificate) if certificate else None

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == login, handled=False, auth_data=data)

    def visit() -> SMTP:
        office.visits += 1
        line = SMTP(
            office,
            enable_SMTPUTF8=True,
            hostname="localhost",
            tls_context=None if wrapped else context,
            require_starttls=context is not None and not wrapped,
            auth_required=login is not None,
            auth_require_tls=not wrapped,
            authenticator=check,
        )
        office._lines.append(line)
        return line

    server = await asyncio.get_running_loop().create_server(
        visit, "127.0.0.1", 0, ssl=context if wrapped else None
    )
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        office.hang_up()


def _abort(line: SMTP) -> None:
    if isinstance(line.transport, asyncio.WriteTransport):
        line.transport.abort()


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def self_signed(folder: Path) -> Path:
    """A certificate for localhost, its key lying beside it."""
    certificate = folder / "post.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    subprocess.run(["openssl", *asked.split(), *names, *files], check=True, capture_output=True)
    return certificate
