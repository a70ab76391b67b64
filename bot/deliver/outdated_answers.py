"""Have a buyer's words answered anew whose answer was outdated before it was sent."""

from collections.abc import Collection, Iterator

from bot.domain.events import AnswerOutdated, MessageReceived, load_event
from storage import inbox, outbox, read_models
from storage.inbox import own_inbox_event
from storage.read_models import EventView
from storage.unit import Unit

MOST = 3  # times that one message is answered anew; after as many, facts do not agree with each other


def answer_anew(unit: Unit, ids: Collection[int]) -> None:
    """Tell of outdated answers, by their numbers in the outbox, so that their questions are answered again.

    Must run in a writing transaction, after they were settled.
    """
    events = (_event(unit, led) for led in outbox.led_to(unit.connection, unit.shop_id, ids))
    rows = [own_inbox_event(unit.shop_id, event, unit.now) for event in events if event]
    inbox.add(unit.connection, rows)


def _event(unit: Unit, led: outbox.LedTo) -> AnswerOutdated | None:
    stored = read_models.event(unit.connection, unit.shop_id, led.event)
    event = load_event(stored.body) if stored else None
    times = event.times + 1 if isinstance(event, AnswerOutdated) else 1
    if stored is None or not isinstance(event, MessageReceived) or times > MOST:
        return None
    before = event.answered if isinstance(event, AnswerOutdated) else ()
    return AnswerOutdated(
        channel=event.channel,
        external_id=f"outdated:{led.id}",
        at=event.at,
        conversation=event.conversation,
        buyer=event.buyer,
        message_id=event.message_id,
        text="\n".join([*_words_before(unit, stored), event.text]),
        kind=event.kind,
        reply_to=event.reply_to,
        times=times,
        answered=tuple(dict.fromkeys((*before, *led.answered))),
    )


def _words_before(unit: Unit, stored: EventView) -> Iterator[str]:
    """The words that were read together with these."""
    for part in read_models.read_together_with(unit.connection, unit.shop_id, stored):
        event = load_event(part.body)
        if isinstance(event, MessageReceived):
            yield event.text
