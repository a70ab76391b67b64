"""What a conversation remembers of its last turns: what was asked of the buyer, and what was said."""

from datetime import datetime

import msgspec

from bot.domain.meanings import Before

Detail = str | int | None  # of a question: an id, a number


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question that the buyer was asked, and until when their next words may answer it.

    question: a name in the table of questions. about: what it was about.
    """

    question: str
    at: datetime
    until: datetime
    about: dict[str, Detail] = {}


class Talk(msgspec.Struct, frozen=True, omit_defaults=True):
    """last: the intent that was answered last, at `last_at`. said: how the last answer, of `said_at`, is
    known again. written: the locale of the language that the buyer wrote in last, where they wrote words.

    product: the sku of what was talked about last. order: the id of the order that was.

    day_at: since when `day_answers` are counted, the answers of a day; lately: how the newest different ones
    of them are known again; repeats: how many in a row were no others.

    through_us: the person who talks in this chat does so through us, so that they read it only in cases.
    """

    last: str | None = None
    last_at: datetime | None = None
    asked: Asked | None = None
    greeted_at: datetime | None = None
    said: str | None = None
    said_at: datetime | None = None
    written: str | None = None
    product: str | None = None
    order: str | None = None
    day_at: datetime | None = None
    day_answers: int = 0
    lately: tuple[str, ...] = ()
    repeats: int = 0
    through_us: bool = False

    def before(self, now: datetime) -> Before:
        """What may help to understand the next words."""
        asked = self.asked if self.asked and now < self.asked.until else None
        awaited = str(asked.about.get("awaited") or "").split() if asked else []
        return Before(self.last, tuple(awaited))


NO_TALK = Talk()
