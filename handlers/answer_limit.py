"""So many answers a chat gets at once, and within a day, and of the same ones in a row; then one kind word, a
person, and silence: two machines that answer each other come to an end, however slowly they do. Who asks for
a person meanwhile, or not to be written to, is still answered, a few times."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zlib import crc32

import msgspec

from bot.domain.actions import Action, CallHuman, Hush, Say
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.reasons import Reasons
from bot.domain.talks import NO_TALK, Talk
from handlers import message_policies as policy
from handlers.replies import answer

WINDOW = timedelta(minutes=10)  # in which limits.answers of the settings are counted
A_DAY = timedelta(days=1)
A_DAYS = 5  # times limits.answers a chat gets in a day
IN_A_ROW = 2  # times limits.answers that say nothing new
LATELY = 20  # different answers that are remembered; what is none of them is new
TOO_MANY = "too_many_answers"
A_CALL = 80  # bytes, which are some 26 Chinese characters
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
    most = context.shop.limits.answers
    still = _is_short(event) and not STILL_HEARD.isdisjoint(each.intent for each in meanings)
    if chat.hushed_until and context.now < chat.hushed_until:
        given = answers_since(chat.hushed_until - WINDOW, chat.answered)
        return actions if still and given < min(STILL, most) else rest
    today = _today(chat.talk, context.now)
    often = _over(today, lambda: _answers(actions, context), most)
    if not often and answers_since(context.now - WINDOW, chat.answered) < most:
        return actions
    if often and today.lately[-1:] == (TOO_MANY,):
        return actions if still and not _over(today, list, most, STILL) else rest
    calls = [action for action in rest if isinstance(action, CallHuman)]
    person = [] if calls else [CallHuman(reason="too_many_answers")]
    return [*rest, answer(TOO_MANY, event), Hush(until=context.now + WINDOW), *person]


def _is_short(event: MessageReceived) -> bool:
    """People call in a few words; a machine says ours again, which name a person too."""
    return len(event.text.encode()) <= A_CALL


def answers_since(begin: datetime, answered: tuple[datetime, ...]) -> int:
    return sum(at > begin for at in answered)


def _over(today: Talk, answers: Callable[[], list[str]], most: int, more: int = 0) -> bool:
    """True for too many answers of a day, or for too many in a row that say nothing new."""
    if today.day_answers >= most * A_DAYS + more:
        return True
    return today.repeats >= most * IN_A_ROW + more and set(answers()) <= set(today.lately)


def counted(talk: Talk, actions: list[Action], context: Context) -> Talk:
    """The talk after these actions, with its answers counted. The kind word stands last until there is
    something new to say, so that it is said once."""
    answers = _answers(actions, context)
    if not answers:
        return talk
    today = _today(talk, context.now)
    new = [each for each in dict.fromkeys(answers) if each not in today.lately]
    known = [each for each in today.lately if not (new and each == TOO_MANY)]
    told = TOO_MANY in answers
    return msgspec.structs.replace(
        today,
        day_at=today.day_at or context.now,
        day_answers=today.day_answers + (0 if told else len(answers)),
        lately=tuple([*known, *new][-LATELY:]),
        repeats=today.repeats if told else 0 if new else today.repeats + len(answers),
    )


def _today(talk: Talk, now: datetime) -> Talk:
    """The talk with nothing counted, where the day that is counted is over."""
    if talk.day_at is not None and now - talk.day_at < A_DAY:
        return talk
    return msgspec.structs.replace(
        talk, day_at=None, day_answers=0, lately=NO_TALK.lately, repeats=NO_TALK.repeats
    )


def _answers(actions: list[Action], context: Context) -> list[str]:
    """How each answer is known again: what it says of which order as it stands, in few signs."""
    says = [action for action in actions if isinstance(action, Say) and action.to]
    return [TOO_MANY if say.template == TOO_MANY else _mark(say, context) for say in says]


def _mark(say: Say, context: Context) -> str:
    order = next((each for each in (*context.orders, *context.named_orders) if each.id == say.order), None)
    facts = (order.id, order.state, len(order.parcels)) if order else say.order
    said = f"{say.template}|{facts}|{sorted(say.values.items())}"
    return f"{crc32(said.encode()):08x}"


POLICIES: MessagePolicies = {"too_many_answers": policy.answer()}

REASONS: Reasons = {"too_many_answers": ()}
