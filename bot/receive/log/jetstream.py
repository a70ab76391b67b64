"""The log itself: NATS JetStream, one stream for each partition, each in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from nats.errors import Error as NatsError

from bot.domain.errors import LogAway
from bot.operations.logs import ThrottledLog
from bot.receive.log.connection import Connection
from bot.receive.log.connection_errors import explain
from bot.receive.log.entries import PARTITIONS, partition_of
from bot.receive.log.reader import PULL, PULL_LASTS, Reader

log = structlog.get_logger()

COPIES = 3
WINDOW = 120.0  # seconds in which the log itself drops repeats; later ones are dropped by the inbox
RESPONSE_SECONDS = 3.0  # for a quorum to answer; some platforms wait for us no longer than five
ACTIVE_WITHIN = 2_000_000_000  # nanoseconds; another leader is elected after four seconds of silence at least
IN_FLIGHT = 20_000  # deliveries sent and not acknowledged; more would only use up memory
RETRY = 0.5  # seconds between two attempts to connect
OVERHEAD = 1024  # bytes of a message that are not the entry

_UNKNOWN_STREAM = 10059

Shape = TypeVar("Shape")


class Position(msgspec.Struct, frozen=True):
    """How far a partition goes. `stream` is the time of its creation, since a new one counts from 1 again."""

    stream: str
    sequence: int

    def reaches(self, other: "Position") -> bool:
        return other.sequence == 0 or (self.stream == other.stream and self.sequence >= other.sequence)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    user: str | None = None
    password: str | None = None
    token: str | None = None


class _Error(msgspec.Struct):
    description: str = ""
    err_code: int = 0


class _Response(msgspec.Struct):
    error: _Error | None = None


class _Appended(_Response):
    seq: int = 0


class _State(msgspec.Struct):
    last_seq: int = 0


class _Peer(msgspec.Struct):
    active: int = 0  # nanoseconds since the leader last heard from it
    offline: bool = False


class _Peers(msgspec.Struct):
    replicas: tuple[_Peer, ...] = ()


class _Settings(msgspec.Struct):
    num_replicas: int = 1
    storage: str = "file"
    discard: str = "new"
    max_age: int = 0


class _Stream(_Response):
    created: str = ""
    state: _State = msgspec.field(default_factory=_State)
    config: _Settings = msgspec.field(default_factory=_Settings)
    cluster: _Peers = msgspec.field(default_factory=_Peers)


class _Consumer(_Response):
    name: str = ""


class Log:
    """addresses: nats://user:password@host:port, separated by commas; tls:// for encryption."""

    def __init__(self, addresses: str) -> None:
        self._servers, self._credentials = servers_of(addresses)
        self._client = Connection()
        self._throttled = ThrottledLog()
        self._unavailable = "not connected"  # with the reason of the last failed attempt
        self._in_flight = 0
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Stay connected, reconnecting after every failure, until cancelled."""
        try:
            while True:
                closed = asyncio.Event()
                try:
                    await self._connect(closed)
                    await self._open_streams()
                    self.ready.set()
                    log.info("log reached")
                    _raise_if_cancelled()
                    await closed.wait()
                except (LogAway, NatsError, OSError) as error:
                    log.error("log not ready", error=type(error).__name__, why=_reason(error))
                self.ready.clear()
                await self._client.close()
                await asyncio.sleep(RETRY)
        finally:
            self.ready.clear()
            await self._client.close()

    @property
    def max_entry_bytes(self) -> int:
        """The longest entry that a message can hold."""
        return (self._client.max_payload if self._client.is_connected else 1024 * 1024) - OVERHEAD

    async def append(self, shop: str, id: str, body: bytes) -> None:
        """Return once a majority of replicas has the entry, or has had one with this id. Raises LogAway."""
        if not self.ready.is_set() or self._in_flight >= IN_FLIGHT:
            raise LogAway(
                self._unavailable if self._in_flight < IN_FLIGHT else "too many deliveries wait for it"
            )
        self._in_flight += 1
        try:
            subject = f"xiaoer.{partition_of(shop)}.{shop}"
            await self._ask(subject, body, _Appended, headers={"Nats-Msg-Id": id})
        finally:
            self._in_flight -= 1

    async def last(self, partition: int) -> Position:
        """A position that includes every entry acknowledged before this call. Raises LogAway."""
        stream = await self._ask(f"$JS.API.STREAM.INFO.{_name(partition)}", b"", _Stream)
        peers = stream.cluster.replicas
        active = 1 + sum(1 for peer in peers if not peer.offline and peer.active < ACTIVE_WITHIN)
        if 2 * active <= 1 + len(peers):  # another leader may have been elected, and have acknowledged more
            raise LogAway(f"the leader of {_name(partition)} has lost the majority")
        return Position(stream.created, stream.state.last_seq)

    async def release(self, partition: int, through: int) -> None:
        """Delete the entries up to `through`, which is included. Raises LogAway."""
        request = msgspec.json.encode({"seq": through + 1})
        await self._ask(f"$JS.API.STREAM.PURGE.{_name(partition)}", request, _Response)

    @contextlib.asynccontextmanager
    async def reading(self, partition: int, after: int) -> AsyncIterator[Reader]:
        """Read the entries behind `after`, in order. Raises LogAway."""
        settings = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after + 1,
            "ack_policy": "none",  # the database holds the position, in the transaction of the events
            "inactive_threshold": int(2 * PULL_LASTS * 1e9),
            "num_replicas": 1,
            "mem_storage": True,
        }
        name = _name(partition)
        request = msgspec.json.encode({"stream_name": name, "config": settings})
        consumer = await self._ask(f"$JS.API.CONSUMER.CREATE.{name}", request, _Consumer)
        reader = Reader(self._client, f"$JS.API.CONSUMER.MSG.NEXT.{name}.{consumer.name}")
        subscription = await self._client.subscribe(
            f"{reader.inbox}.*", cb=reader.on_message, pending_msgs_limit=4 * PULL
        )
        try:
            yield reader
        finally:
            with contextlib.suppress(NatsError, LogAway, OSError):
                await subscription.unsubscribe()
                await self._ask(f"$JS.API.CONSUMER.DELETE.{name}.{consumer.name}", b"", _Response)

    async def _connect(self, closed: asyncio.Event) -> None:
        self._client = Connection(encrypted=self._servers[0].startswith("tls:"))

        async def on_closed() -> None:
            closed.set()

        async def on_disconnected() -> None:
            if self.ready.is_set():
                self._unavailable = "not connected"
                log.warning("log disconnected")

        async def on_error(error: Exception) -> None:
            _raise_if_cancelled()
            if self._client.is_connected or self._client.is_closed:  # errors while it closes do not matter
                log.debug("log in trouble", error=explain(error))
            else:
                self._report(explain(error))

        await self._client.connect(
            servers=self._servers,
            name="xiaoer",
            max_reconnect_attempts=-1,
            reconnect_time_wait=RETRY,  # type: ignore[arg-type]  # a float works, though annotated as int
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=on_error,
            disconnected_cb=on_disconnected,
            closed_cb=on_closed,
            user=self._credentials.user,
            password=self._credentials.password,
            token=self._credentials.token,
        )

    def _report(self, reason: str) -> None:
        """Log a failed attempt now and then only, because they repeat, and mostly for the same reason."""
        self._unavailable = f"not connected: {reason}"
        unsaid = self._throttled.ask(reason, asyncio.get_running_loop().time())
        if unsaid is not None:
            log.warning("log not reached", why=reason, unsaid=unsaid)

    async def _open_streams(self) -> None:
        """Create missing streams. Raises LogAway for one whose settings could lose acknowledged entries."""
        for partition in range(PARTITIONS):
            name = _name(partition)
            stream = await self._ask(f"$JS.API.STREAM.INFO.{name}", b"", _Stream, except_code=_UNKNOWN_STREAM)
            if stream.error:
                request = msgspec.json.encode(_settings(partition))
                stream = await self._ask(f"$JS.API.STREAM.CREATE.{name}", request, _Stream)
            found = stream.config
            if found.num_replicas < COPIES:
                raise LogAway(f"stream {name} keeps {found.num_replicas} copies; {COPIES} are needed")
            if (found.storage, found.discard, found.max_age) != ("file", "new", 0):
                raise LogAway(f"stream {name} must keep what it took: file storage, discard new, no max age")

    async def _ask(
        self,
        subject: str,
        body: bytes,
        shape: type[Shape],
        except_code: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Shape:
        """Request, and decode the response. Raises LogAway for an error in it other than `except_code`."""
        if not self._client.is_connected:
            raise LogAway(self._unavailable)
        try:
            message = await self._client.request(
                subject, body, timeout=RESPONSE_SECONDS, headers=dict(headers) if headers else None
            )
            response = msgspec.json.decode(message.data, type=shape)
        except (NatsError, OSError, msgspec.DecodeError) as error:
            raise LogAway(type(error).__name__) from None
        if isinstance(response, _Response) and response.error and response.error.err_code != except_code:
            raise LogAway(response.error.description)
        return response


def _raise_if_cancelled() -> None:
    """Cancel after all: nats-py, and asyncio.wait_for before Python 3.12, may swallow a cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _name(partition: int) -> str:
    return f"xiaoer-{partition}"


def _settings(partition: int) -> Mapping[str, Any]:
    return {
        "name": _name(partition),
        "subjects": [f"xiaoer.{partition}.>"],
        "num_replicas": COPIES,
        "storage": "file",
        "retention": "limits",
        "discard": "new",  # a full log refuses new entries and keeps the old ones
        "duplicate_window": int(WINDOW * 1e9),
        "max_age": 0,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_consumers": -1,
    }


def servers_of(addresses: str) -> tuple[list[str], Credentials]:
    """Split the addresses of one cluster into servers without credentials, and the credentials of them all.

    If one address asks for TLS, all servers get it, because they share the credentials.
    """
    parts = [urlsplit(address.strip()) for address in addresses.split(",")]
    scheme = "tls" if any(part.scheme == "tls" for part in parts) else "nats"
    servers = [f"{scheme}://{part.netloc.rpartition('@')[2]}" for part in parts]
    for part in parts:
        if part.username and part.password is not None:
            return servers, Credentials(user=unquote(part.username), password=unquote(part.password))
        if part.username:
            return servers, Credentials(token=unquote(part.username))
    return servers, Credentials()


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, LogAway) else ""
