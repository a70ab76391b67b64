"""A connection to the log that closes two gaps of nats-py: trust before encryption, and a lost close."""

from typing import Any

from nats.aio.client import Client
from nats.errors import SecureConnWantedError


class Connection(Client):
    """encrypted: connect to the configured servers only, and with TLS, or not at all.

    A server's first line (INFO) comes unencrypted, so anybody on the way may have written it. nats-py trusts
    it: if it does not ask for TLS, the password is sent unencrypted; and servers that it names are connected
    to as well, whoever they belong to.
    """

    def __init__(self, *, encrypted: bool = False) -> None:
        super().__init__()
        self._encrypted = encrypted

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if self._encrypted:
            info.pop("connect_urls", None)
        if self._encrypted and initial_connection:
            if not (info.get("tls_required") or info.get("tls_available")):
                raise SecureConnWantedError
            info["tls_required"] = True  # also if the server allows others to connect without it
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except BaseException:
            if self._transport is not None:
                self._transport.close()  # type: ignore[no-untyped-call]
                self._transport = None  # its end is not reported if the TLS handshake failed
            raise
