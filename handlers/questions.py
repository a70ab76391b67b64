"""What the bot asks its buyers, as a table: how long the next words may be the answer, and what they mean."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.talks import Asked

# What to do for words that answer a question; None if they do not answer it, which leaves it open.
Answered = Callable[[Asked, Meaning, MessageReceived, Context], list[Action] | None]

# What to do for an intent.
Answer = Callable[[Meaning, MessageReceived, Context], list[Action]]


class Question(msgspec.Struct, frozen=True):
    """lapses: after this, words no longer answer it, and are read by themselves."""

    lapses: timedelta
    answered: Answered


Questions = dict[str, Question]
Answers = dict[str, Answer]
