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
from bot.receive.log.connection_errors import why
from bot.receive.log.entries import PARTITIONS, partition_of
from bot.receive.log.reader import PULL, PULL_LASTS, Reader

log = structlog.get_logger()

COPIES = 3
WINDOW = 120.0  # seconds in which the log itself drops repeats; after them the inbox does
PATIENCE = 3.0  # seconds for a quorum to answer; some platforms wait for us no longer than five
HEARD_WITHIN = 2_000_000_000  # nanoseconds; another leader is elected after four seconds of silence at least
WAITING = 20_000  # deliveries on their way to a quorum; more would only use up memory
RETRY = 0.5  # seconds between two attempts to connect
HEADROOM = 1024  # bytes of a message that are not the entry

_UNKNOWN_STREAM = 10059

Shape = TypeVar("Shape")


class Place(msgspec.Struct, frozen=True):
    """A point in a partition. A stream made anew counts from one again, so its birth belongs to it."""

    stream: str
    sequence: int

    def reaches(self, other: "Place") -> bool:
        return other.sequence == 0 or (self.stream == other.stream and self.sequence >= other.sequence)


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    user: str | None = None
    password: str | None = None
    token: str | None = None


class _Refusal(msgspec.Struct):
    description: str = ""
    err_code: int = 0


class _Answer(msgspec.Struct):
    error: _Refusal | None = None


class _Kept(_Answer):
    seq: int = 0


class _State(msgspec.Struct):
    last_seq: int = 0


class _Peer(msgspec.Struct):
    active: int = 0  # nanoseconds since the leader heard of it
    offline: bool = False


class _Peers(msgspec.Struct):
    replicas: tuple[_Peer, ...] = ()


class _Settings(msgspec.Struct):
    num_replicas: int = 1
    storage: str = "file"
    discard: str = "new"
    max_age: int = 0


class _Stream(_Answer):
    created: str = ""
    state: _State = msgspec.field(default_factory=_State)
    config: _Settings = msgspec.field(default_factory=_Settings)
    cluster: _Peers = msgspec.field(default_factory=_Peers)


class _Consumer(_Answer):
    name: str = ""


class Log:
    """`addresses`: nats://user:password@host:port, several with commas between; tls:// for encryption."""

    def __init__(self, addresses: str) -> None:
        self._servers, self._secret = servers_of(addresses)
        self._client = Connection()
        self._noise = ThrottledLog()
        self._apart = "not connected"  # or why it could not be, as of the last attempt
        self._waiting = 0
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""
        try:
            while True:
                closed = asyncio.Event()
                try:
                    await self._connect(closed)
                    await self._open_streams()
                    self.ready.set()
                    log.info("log reached")
                    _heed_cancelling()
                    await closed.wait()
                except (LogAway, NatsError, OSError) as error:
                    log.error("log not ready", error=type(error).__name__, why=_told(error))
                self.ready.clear()
                await self._client.close()
                await asyncio.sleep(RETRY)
        finally:
            self.ready.clear()
            await self._client.close()

    @property
    def room(self) -> int:
        """The longest entry it takes, in bytes."""
        return (self._client.max_payload if self._client.is_connected else 1024 * 1024) - HEADROOM

    async def append(self, shop: str, id: str, body: bytes) -> None:
        """Done once a majority of the copies has it, or had it under this id before. Raises LogAway."""
        if not self.ready.is_set() or self._waiting >= WAITING:
            raise LogAway(self._apart if self._waiting < WAITING else "too many deliveries wait for it")
        self._waiting += 1
        try:
            subject = f"xiaoer.{partition_of(shop)}.{shop}"
            await self._ask(subject, body, _Kept, headers={"Nats-Msg-Id": id})
        finally:
            self._waiting -= 1

    async def last(self, partition: int) -> Place:
        """Everything acknowledged before this was asked lies at this place or before it. Raises LogAway."""
        stream = await self._ask(f"$JS.API.STREAM.INFO.{_name(partition)}", b"", _Stream)
        peers = stream.cluster.replicas
        heard = 1 + sum(1 for peer in peers if not peer.offline and peer.active < HEARD_WITHIN)
        if 2 * heard <= 1 + len(peers):  # it may have been deposed, and not know what others took since
            raise LogAway(f"the leader of {_name(partition)} has lost the majority")
        return Place(stream.created, stream.state.last_seq)

    async def release(self, partition: int, through: int) -> None:
        """What lies at `through` or before it is needed no longer. Raises LogAway."""
        request = msgspec.json.encode({"seq": through + 1})
        await self._ask(f"$JS.API.STREAM.PURGE.{_name(partition)}", request, _Answer)

    @contextlib.asynccontextmanager
    async def reading(self, partition: int, after: int) -> AsyncIterator[Reader]:
        """Entries behind `after`, in their order. Raises LogAway."""
        settings = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after + 1,
            "ack_policy": "none",  # what was taken in is written where it was taken to
            "inactive_threshold": int(2 * PULL_LASTS * 1e9),
            "num_replicas": 1,
            "mem_storage": True,
        }
        name = _name(partition)
        request = msgspec.json.encode({"stream_name": name, "config": settings})
        consumer = await self._ask(f"$JS.API.CONSUMER.CREATE.{name}", request, _Consumer)
        reader = Reader(self._client, f"$JS.API.CONSUMER.MSG.NEXT.{name}.{consumer.name}")
        subscription = await self._client.subscribe(
            f"{reader.inbox}.*", cb=reader.hear, pending_msgs_limit=4 * PULL
        )
        try:
            yield reader
        finally:
            with contextlib.suppress(NatsError, LogAway, OSError):
                await subscription.unsubscribe()
                await self._ask(f"$JS.API.CONSUMER.DELETE.{name}.{consumer.name}", b"", _Answer)

    async def _connect(self, closed: asyncio.Event) -> None:
        self._client = Connection(encrypted=self._servers[0].startswith("tls:"))

        async def ended() -> None:
            closed.set()

        async def disconnected() -> None:
            if self.ready.is_set():
                self._apart = "not connected"
                log.warning("log disconnected")

        async def troubled(error: Exception) -> None:
            _heed_cancelling()
            if self._client.is_connected or self._client.is_closed:  # how it closes is no news
                log.debug("log in trouble", error=why(error))
            else:
                self._tell(why(error))

        await self._client.connect(
            servers=self._servers,
            name="xiaoer",
            max_reconnect_attempts=-1,
            reconnect_time_wait=RETRY,  # type: ignore[arg-type]  # seconds, whole ones by its hints only
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=troubled,
            disconnected_cb=disconnected,
            closed_cb=ended,
            user=self._secret.user,
            password=self._secret.password,
            token=self._secret.token,
        )

    def _tell(self, reason: str) -> None:
        """Once in a while: each server is tried again and again, and mostly for the same reason."""
        self._apart = f"not connected: {reason}"
        unsaid = self._noise.ask(reason, asyncio.get_running_loop().time())
        if unsaid is not None:
            log.warning("log not reached", why=reason, unsaid=unsaid)

    async def _open_streams(self) -> None:
        """Make the partitions that are not there, and refuse those that could lose what they took."""
        for partition in range(PARTITIONS):
            name = _name(partition)
            stream = await self._ask(f"$JS.API.STREAM.INFO.{name}", b"", _Stream, but=_UNKNOWN_STREAM)
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
        but: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Shape:
        """The answer; an error in it is raised as LogAway, except for the one code that is asked for."""
        if not self._client.is_connected:
            raise LogAway(self._apart)
        try:
            told = await self._client.request(
                subject, body, timeout=PATIENCE, headers=dict(headers) if headers else None
            )
            answer = msgspec.json.decode(told.data, type=shape)
        except (NatsError, OSError, msgspec.DecodeError) as error:
            raise LogAway(type(error).__name__) from None
        if isinstance(answer, _Answer) and answer.error and answer.error.err_code != but:
            raise LogAway(answer.error.description)
        return answer


def _heed_cancelling() -> None:
    """nats-py, and asyncio.wait_for before Python 3.12, may lose a cancelling, and try for ever."""
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
        "discard": "new",  # a full log refuses what is new and keeps what it took
        "duplicate_window": int(WINDOW * 1e9),
        "max_age": 0,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_consumers": -1,
    }


def servers_of(addresses: str) -> tuple[list[str], Secret]:
    """The servers without anybody's secret in them, and the secret; the same for all, as in one cluster.

    So is the encryption: a secret that one of them must not hear in the clear, none must.
    """
    parts = [urlsplit(address.strip()) for address in addresses.split(",")]
    scheme = "tls" if any(part.scheme == "tls" for part in parts) else "nats"
    servers = [f"{scheme}://{part.netloc.rpartition('@')[2]}" for part in parts]
    for part in parts:
        if part.username and part.password is not None:
            return servers, Secret(user=unquote(part.username), password=unquote(part.password))
        if part.username:
            return servers, Secret(token=unquote(part.username))
    return servers, Secret()


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, LogAway) else ""
