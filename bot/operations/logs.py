"""What the program tells its operator: structured lines, without a word that belongs to a buyer."""

import contextlib
import logging
import math
import re
import sys
import traceback
from collections.abc import Hashable, Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

# A safety net: nobody should log these, and if somebody does, they go no further.
PERSONAL = frozenset(
    {
        "address",
        "authorization",
        "body",
        "conversation",
        "email",
        "name",
        "password",
        "phone",
        "postcode",
        "recipient",
        "secret",
        "sender",
        "text",
        "thread",
        "to",
        "token",
        "username",
    }
)

_LEAKS = (
    (re.compile(r"[^\s@<>'\"(),;:=]+@[^\s@<>'\"(),;:]+\.\w+"), "<mail>"),
    (re.compile(r"\+\d[\d -]{6,}\d"), "<phone>"),
    (re.compile(r"whsec_[\w+/=-]+"), "<secret>"),
    (re.compile(r"(?i)(bearer|basic) [\w.+/=:-]+"), "<secret>"),
    (re.compile(r"\d{6,}:[\w-]{20,}"), "<secret>"),  # a Telegram bot's token, as it stands in its addresses
    (re.compile(r"\?[^\s'\"]+=[^\s'\"]*"), "?<query>"),
    (re.compile(r"://[^\s/@'\"]+@"), "://<secret>@"),
)

SELDOM = 10.0  # seconds
FRAMES = 8  # of a traceback; the last ones tell where it happened


# asyncio's word on every encrypted connection of nats-py that a server ends; nobody can do anything about it.
_POINTLESS = "returning true from eof_received() has no effect when using ssl"


class ClosedStreamGuard:
    """A stream that may have been closed: a word that nobody can hear any more must stop no delivery."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


class ThrottledLog:
    """For lines that a stranger can provoke: one of a kind in SELDOM seconds is said, the rest counted.

    Kinds must not be what a stranger makes up.
    """

    def __init__(self) -> None:
        self._said: dict[Hashable, tuple[float, int]] = {}  # when last, and how many since

    def ask(self, kind: Hashable, seconds: float) -> int | None:
        """How many went unsaid before this one; None if it shall go unsaid too."""
        last, unsaid = self._said.get(kind, (-math.inf, 0))
        if seconds - last < SELDOM:
            self._said[kind] = last, unsaid + 1
            return None
        self._said[kind] = seconds, 0
        return unsaid


def configure_logs(level: str, json: bool, stream: TextIO | None = None) -> None:
    """For the whole process, its libraries included.

    level: debug, info or warning. json: each line is an object, else it is for people.
    """
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    render = _renderers(json, colours=stream.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            *_shared(),
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, ClosedStreamGuard(stream))),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, *_shared()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(level=max(number, logging.INFO), handlers=[handler], force=True)
    for talkative in ("aiohttp.access", "alembic", "apscheduler", "sqlalchemy.engine"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    logging.getLogger("asyncio").addFilter(_has_a_point)


def _has_a_point(record: logging.LogRecord) -> bool:
    return record.msg != _POINTLESS


def _shared() -> list[Processor]:
    return [structlog.processors.TimeStamper(fmt="iso", utc=True), where_it_broke, without_personal_data]


def _renderers(json: bool, colours: bool) -> list[Processor]:
    if json:
        return [
            structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__)
        ]
    return [structlog.dev.ConsoleRenderer(colors=colours)]


def where_it_broke(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """An exception as its kind and its places: its words may quote a buyer, and so may an SQL statement's."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return event
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    event["exception"] = type(error).__name__
    event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def without_personal_data(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: _clean(value) for key, value in event.items() if key.startswith("_") or not _personal(key)}


def _personal(key: str) -> bool:
    words = re.split(r"[^a-z]+", key.lower())
    return any(word in PERSONAL or word.removesuffix("s") in PERSONAL for word in words)


def _clean(value: Any) -> Any:
    match value:
        case str():
            return _without_leaks(value)
        case Mapping():
            return {key: _clean(inner) for key, inner in value.items() if not _personal(str(key))}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case bytes() | bytearray():
            return f"<{len(value)} bytes>"
        case _:
            return value


def _without_leaks(text: str) -> str:
    for leak, instead in _LEAKS:
        text = leak.sub(instead, text)
    return text
