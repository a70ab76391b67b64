"""The model in use, and the one place where another takes its place."""

from datetime import date

from bot.domain.meanings import NOTHING_BEFORE, Before, Understanding
from bot.understanding.model import Model
from bot.understanding.outcomes import USUAL, Thresholds
from bot.understanding.understand import understand

NOT_READY = Understanding("hand_over")


class Understander:
    """Understands messages by the newest model. Until there is one, it says that a person should read them.

    A swap is one assignment, so that any thread may do it while others understand.
    """

    def __init__(self) -> None:
        self._in_use: tuple[Model, Thresholds] | None = None

    @property
    def ready(self) -> bool:
        return self._in_use is not None

    @property
    def model(self) -> Model | None:
        return self._in_use[0] if self._in_use else None

    def swap(self, model: Model, thresholds: Thresholds = USUAL) -> None:
        """Use another model with its thresholds, from the next message on."""
        self._in_use = (model, thresholds)

    def understand(
        self, text: str, language: str = "", before: Before = NOTHING_BEFORE, *, today: date | None = None
    ) -> Understanding:
        """As `bot.understanding.understand.understand`."""
        if self._in_use is None:
            return NOT_READY
        model, thresholds = self._in_use
        return understand(model, text, language, before, thresholds=thresholds, today=today)
