"""Structured logs without personal data."""

import contextlib
import logging
import math
import re
import sys
import traceback
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

# A safety net: these keys should not be logged, and are dropped if they are.
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

_REPLACEMENTS = (
    (re.compile(r"[^\s@<>'\"(),;:=]+@[^\s@<>'\"(),;:]+\.\w+"), "<mail>"),
    (re.compile(r"\+\d[\d -]{6,}\d"), "<phone>"),
    (re.compile(r"whsec_[\w+/=-]+"), "<secret>"),
    (re.compile(r"(?i)(bearer|basic) [\w.+/=:-]+"), "<secret>"),
    (re.compile(r"\d{6,}:[\w-]{20,}"), "<secret>"),  # a Telegram bot's token, as it stands in its addresses
    (re.compile(r"\?[^\s'\"]+=[^\s'\"]*"), "?<query>"),
    (re.compile(r"://[^\s/@'\"]+@"), "://<secret>@"),
)

THROTTLE_SECONDS = 10.0
FRAMES = 8  # of a traceback, the last ones

# asyncio logs this for every TLS connection of nats-py that a server ends; there is nothing to do about it.
_USELESS = "returning true from eof_received() has no effect when using ssl"


class ClosedStreamGuard:
    """A stream whose errors are ignored, so that a closed stderr does not stop the program."""

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
    """Limits lines that outsiders can provoke to one of a kind in THROTTLE_SECONDS, and counts the rest.

    Kinds must not come from outside, because each is remembered.
    """

    def __init__(self) -> None:
        self._logged: dict[Hashable, tuple[float, int]] = {}  # when last, and how many were dropped since

    def ask(self, kind: Hashable, seconds: float) -> int | None:
        """How many lines were dropped before this one; None if it is to be dropped too."""
        last, dropped = self._logged.get(kind, (-math.inf, 0))
        if seconds - last < THROTTLE_SECONDS:
            self._logged[kind] = last, dropped + 1
            return None
        self._logged[kind] = seconds, 0
        return dropped


def configure_logs(level: str, json: bool, stream: TextIO | None = None) -> None:
    """Configure logging for the whole process, its libraries included.

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
    logging.getLogger("asyncio").addFilter(_is_useful)


@contextlib.contextmanager
def only(level: str) -> Iterator[None]:
    """Silence what is less than `level`, so that no line of the log gets into what a command prints."""
    known = structlog.get_config()
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(number))
    try:
        yield
    finally:
        structlog.configure(**known)


def _is_useful(record: logging.LogRecord) -> bool:
    return record.msg != _USELESS


def _shared() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        exception_without_text,
        without_personal_data,
    ]


def _renderers(json: bool, colours: bool) -> list[Processor]:
    if json:
        return [
            structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__)
        ]
    return [structlog.dev.ConsoleRenderer(colors=colours)]


def exception_without_text(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its class and frames, because its text may quote a buyer."""
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
            return _without_secrets(value)
        case Mapping():
            return {key: _clean(inner) for key, inner in value.items() if not _personal(str(key))}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case bytes() | bytearray():
            return f"<{len(value)} bytes>"
        case _:
            return value


def _without_secrets(text: str) -> str:
    for pattern, instead in _REPLACEMENTS:
        text = pattern.sub(instead, text)
    return text
