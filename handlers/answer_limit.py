"""So many answers a chat gets at once; then one kind word, a person, and silence: two machines that answer
each other come to an end. Who asks for a person meanwhile, or not to be written to, is still answered, a few
times."""

from datetime import datetime, timedelta

from bot.domain.actions import Action, CallHuman, Hush, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers.replies import answer

WINDOW = timedelta(minutes=10)  # in which limits.answers of the settings are counted
STILL_SAID = frozenset({"human_coming", "human_again", "stopped", "resumed", "offers_ended"})
STILL = 3  # of them, in the silence


def limited(actions: list[Action], event: MessageReceived, context: Context) -> list[Action]:
    """Leave out answers that are too many; everything else that was decided stays."""
    chat = context.conversation
    rest = [action for action in actions if not (isinstance(action, Say) and action.to)]
    if chat is None or len(rest) == len(actions):
        return actions
    if chat.hushed_until and context.now < chat.hushed_until:
        given = answers_since(chat.hushed_until - WINDOW, chat.answered)
        still = given < min(STILL, context.shop.limits.answers)
        return [action for action in actions if action in rest or (still and _is_still_said(action))]
    if answers_since(context.now - WINDOW, chat.answered) < context.shop.limits.answers:
        return actions
    calls = [action for action in rest if isinstance(action, CallHuman)]
    person = [] if calls else [CallHuman(reason="too_many_answers")]
    return [*rest, answer("too_many_answers", event), Hush(until=context.now + WINDOW), *person]


def _is_still_said(action: Action) -> bool:
    return isinstance(action, Say) and action.template in STILL_SAID


def answers_since(begin: datetime, answered: tuple[datetime, ...]) -> int:
    return sum(at > begin for at in answered)


POLICIES: MessagePolicies = {"too_many_answers": policy.answer()}

REASONS: Reasons = {"too_many_answers": ()}
