"""So many answers a chat gets at once; then one kind word, a person, and silence: two machines that answer
each other come to an end. Who asks for a person meanwhile, or not to be written to, is still answered, a few
times."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.actions import Action, CallHuman, Hush, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.replies import answer

WINDOW = timedelta(minutes=10)  # in which limits.answers of the settings are counted
STILL = 3  # answers in the silence, to who asks for a person or not to be written to
STILL_HEARD = frozenset({"person", "stop", "resume", "no_offers"})


def limited(
    actions: list[Action], meanings: Iterable[Meaning], event: MessageReceived, context: Context
) -> list[Action]:
    """Leave out answers that are too many; everything else that was decided stays.

    meanings: of the message.
    """
    chat = context.conversation
    rest = [action for action in actions if not (isinstance(action, Say) and action.to)]
    if chat is None or len(rest) == len(actions):
        return actions
    if chat.hushed_until and context.now < chat.hushed_until:
        given = answers_since(chat.hushed_until - WINDOW, chat.answered)
        heard = not STILL_HEARD.isdisjoint(each.intent for each in meanings)
        return actions if heard and given < min(STILL, context.shop.limits.answers) else rest
    if answers_since(context.now - WINDOW, chat.answered) < context.shop.limits.answers:
        return actions
    calls = [action for action in rest if isinstance(action, CallHuman)]
    person = [] if calls else [CallHuman(reason="too_many_answers")]
    return [*rest, answer("too_many_answers", event), Hush(until=context.now + WINDOW), *person]


def answers_since(begin: datetime, answered: tuple[datetime, ...]) -> int:
    return sum(at > begin for at in answered)


POLICIES: MessagePolicies = {"too_many_answers": policy.answer()}

REASONS: Reasons = {"too_many_answers": ()}
