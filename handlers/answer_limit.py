"""So many answers a chat gets at once; then one kind word, a person, and silence: two machines that answer
each other come to an end."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, CallHuman, Hush, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.replies import answer

WINDOW = timedelta(minutes=10)  # in which limits.answers of the settings are counted


def limited(actions: list[Action], event: MessageReceived, context: Context) -> list[Action]:
    """Leave out answers that are too many; everything else that was decided stays."""
    chat = context.conversation
    rest = [action for action in actions if not (isinstance(action, Say) and action.to)]
    if chat is None or len(rest) == len(actions):
        return actions
    if chat.hushed_until and context.now < chat.hushed_until:
        return rest
    if answers_since(context.now - WINDOW, chat.answered) < context.shop.limits.answers:
        return actions
    calls = [action for action in rest if isinstance(action, CallHuman)]
    person = [] if calls else [CallHuman(reason="too_many_answers")]
    return [*rest, answer("too_many_answers", event), Hush(until=context.now + WINDOW), *person]


def answers_since(begin: datetime, answered: tuple[datetime, ...]) -> int:
    return sum(at > begin for at in answered)


POLICIES: MessagePolicies = {"too_many_answers": policy.answer()}

REASONS: Reasons = {"too_many_answers": ()}
