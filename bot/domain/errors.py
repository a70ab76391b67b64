"""The errors, drawn as a tree; the class says what to do next.

XiaoerError
├── ConfigError            show the seller where and how to mend it, do not start
├── StorageError           show it to the seller, do not start
├── LogAway                answer 503, or try again: the log in front stored nothing or does not answer
├── WebhookRefused         answer 401: the sender is not proved
├── Unreadable             genuine, but not understood: store it whole, answer 200, show it
├── TemplateError          a template does not render: fall back to ours, report it
└── DeliveryError
    ├── DeliveryDelayed    try again later
    ├── DeliveryRefused    do not try again, show it
    ├── BuyerUnreachable   do not try again, and stop writing to this address
    └── DeliveryUnknown    it may have arrived: the seller's rule decides
"""

from datetime import timedelta
from typing import NamedTuple

from pydantic_core import PydanticCustomError


class XiaoerError(Exception):
    """The base of all errors that we raise on purpose."""


class Mistake(NamedTuple):
    """One thing wrong in a file of settings: its line, its key (shops.teahouse.name), what to do."""

    line: int
    path: str
    text: str


class ConfigError(XiaoerError):
    """Settings that cannot be used; the text lists every mistake with its line."""

    def __init__(self, text: str, mistakes: tuple[Mistake, ...] = ()) -> None:
        super().__init__(text)
        self.mistakes = mistakes


class StorageError(XiaoerError):
    """The database cannot be used as it is."""


class LogAway(XiaoerError):
    """The log in front of the inbox cannot be reached, or cannot promise what it should; no address in it."""


class WebhookRefused(XiaoerError):
    """The delivery is not proved to come from the platform."""


class Unreadable(XiaoerError):
    """A genuine delivery that we do not understand; the text names the place and the remedy."""


class TemplateError(XiaoerError):
    """A template is broken, too slow or too long; the text names file and line."""


class DeliveryError(XiaoerError):
    """A message was not sent, or may not have been."""


class DeliveryDelayed(DeliveryError):
    """Try again, after `retry_after` if the platform named a wait."""

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    """The platform will never take this message."""


class BuyerUnreachable(DeliveryError):
    """The buyer blocked us or is gone from this channel."""


class DeliveryUnknown(DeliveryError):
    """The connection broke after the message was handed over, and the platform drops no repeats."""


def wrong(code: str, **values: object) -> PydanticCustomError:
    """What a validator of the settings raises; the operator's words have a sentence for each code."""
    return PydanticCustomError(code, code, values)
