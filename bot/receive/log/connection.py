"""A connection to the log, where nats-py by itself would believe too much, or wait for ever."""

from typing import Any

from nats.aio.client import Client
from nats.errors import SecureConnWantedError


class Connection(Client):
    """encrypted: to the servers that were named, and encrypted, or not at all.

    A server's first line comes in the clear, so anybody on the way may have written it. nats-py believes
    it: without a word of encryption in it the password would be sent in the clear, and to every other
    server that it names, with whatever certificate such a stranger has of his own name.
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
            info["tls_required"] = True  # also of a server that lets others speak in the clear
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except BaseException:
            if self._transport is not None:
                self._transport.close()  # type: ignore[no-untyped-call]
                self._transport = None  # nobody hears of its end if no encryption was agreed on
            raise
