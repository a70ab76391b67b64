"""Faulty rules: texts at which a handler raises, and texts at which it never returns."""

import contextlib
from collections.abc import Sequence

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.routes import Route

RAISES, HANGS = "a word that breaks the rule", "a word that the rule never gets over"


def breaks(event: MessageReceived, context: Context) -> list[Action]:
    raise KeyError("a mistake of ours")


def hangs(event: MessageReceived, context: Context) -> list[Action]:
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def with_poison(routes: Sequence[Route]) -> tuple[Route, ...]:
    return (
        Route(MessageReceived, breaks, when=lambda event, context: event.text == RAISES),
        Route(MessageReceived, hangs, when=lambda event, context: event.text == HANGS),
        *routes,
    )
