"""The model in use, and the one place where another takes its place."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

from bot.domain.meanings import NOTHING_BEFORE, Before, Understanding
from bot.understanding.model import Model
from bot.understanding.outcomes import USUAL, Thresholds
from bot.understanding.understand import understand

NOT_READY = Understanding("hand_over", guessed=True)
REMEMBERED = 1000  # of the newest texts; many buyers write the same


class Understander:
    """Understands messages by the newest model. Until there is one, it understands nothing.

    A swap is one assignment, so that any thread may do it while others understand.
    """

    def __init__(self) -> None:
        self.model: Model | None = None
        self._found: Callable[[str, str, Before, date | None], Understanding] = lambda *asked: NOT_READY

    @property
    def ready(self) -> bool:
        return self.model is not None

    def swap(self, model: Model, thresholds: Thresholds = USUAL) -> None:
        """Use another model with its thresholds, from the next message on."""

        @lru_cache(maxsize=REMEMBERED)
        def found(text: str, language: str, before: Before, today: date | None) -> Understanding:
            return understand(model, text, language, before, thresholds=thresholds, today=today)

        self.model, self._found = model, found

    def understand(
        self, text: str, language: str = "", before: Before = NOTHING_BEFORE, today: date | None = None
    ) -> Understanding:
        """As `bot.understanding.understand.understand`."""
        return self._found(text, language, before, today)
