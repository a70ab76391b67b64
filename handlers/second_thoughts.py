"""What only a person settles, and no question table holds: who keeps an order after all, paid twice, wants a
part of the money back, or their data deleted.

Patterns over normalised text, Chinese first.
"""

import re

from bot.domain.actions import Action, CallHuman, CloseCase, OpenCase, RemindAgain, Say
from bot.domain.context import Case, Context
from bot.domain.events import MessageReceived
from bot.domain.messages import MessagePolicies
from bot.domain.orders import Order
from bot.domain.reasons import Reasons
from handlers import message_policies as policy
from handlers import other_order
from handlers.meaning import says_paid_twice
from handlers.normalise import normalise
from handlers.order_holds import ASKED_TO_CANCEL, lately_asked
from handlers.order_proof import numbers_in
from handlers.replies import answer, case_waiting, quoted
from handlers.taken_back import disputes, may_correct, names_wish, without_denied
from handlers.talk import last_answer, talk_of
from handlers.which_order import BEFORE_SHIPPING, named_order, own_order

_KEEPS = re.compile(
    r"(?:还是|算了|又|那就?).{0,4}(?:要|不取消|别取消|不要取消|不用取消|留着|保留)|(?:不|别|不要|不用|先别)取消|取消(?:取消|掉取消)"
    r"|\b(?:do not|dont|don't|no need to|not|stop) cancel|\b(?:keep|want) (?:it|the order|my order)\b"
    r"|\bkeep (?:the |my )?(?:order )?#?\d[\w-]*"
    r"|\b(?:undo|forget|ignore|disregard)(?: (?:about|the|my|that)){0,2} cancel"
    r"|\bchanged my mind\b.{0,30}\b(?:keep|want)\b"
)
# In which such words keep nothing: the wish to cancel is repeated.
_STILL_CANCELS = re.compile(
    r"\b(?:want|need|like) (?:it|this|(?:the|my) order) (?:to be )?cancel|\bnot (?:been |yet )?cancell?ed\b"
    r"|\bnot want (?:it|this|(?:the|my) order)\b(?! (?:to be )?cancel)"
    r"|(?<![还就])不(?:想)?要了|(?:那就|还是)不要(?!取消)|怎么还(?:不|没有?)取消|(?<![不别])(?:要|想)取消"
)
# Said of an order that is not, or no more, asked to be cancelled.
_NOT_TO_CANCEL = re.compile(
    r"(?<!怎么)(?<!什么)(?<!为何)(?:还是|先|就|又|我|[,。!、\s]|^|请)(?:不|别|不要|不用|先别|请勿)(?:再)?取消"
    r"(?!.{0,6}[吗么])|取消(?:取消|掉取消)"
    r"|改变?主意.{0,8}(?:还是|又|还).{0,3}(?:要(?!取消|退|换)|留)"
    r"|订单.{0,4}(?:保留|留着)|(?:保留|留着)[这我]?[个的]?订单"
    r"|\bchanged my mind\b.{0,20}\b(?:keep|want) (?:it|the order|my order)\b"
    r"|\bkeep (?:the|my) order\b\W*(?:please\W*)?$"
    r"|(?<!why )(?<!you )(?<!we )(?<!they )\b(?:do not|dont|don't|no need to) cancel\b"
    r"|\b(?:undo|forget|ignore|disregard)(?: (?:about|the|my|that)){0,2} cancel"
)
_SAYS_NO_MORE = ("unknown", "other", "acknowledged", "thanks", "cancel_order")
_DATA = re.compile(
    r"(?:删|清除|抹|移除|注销).{0,6}(?:我的)?.{0,4}(?:信息|资料|数据|账号|个资)|(?:信息|资料|数据|账号|个资).{0,4}(?:删|清除|注销)"
    r"|(?:你们|店里).{0,6}(?:存|保存|收集|有).{0,6}我.{0,4}(?:信息|资料|数据|个资)"
    r"|\b(?:delete|erase|remove|wipe|destroy)\b.{0,16}\b(?:my|all|personal)\b.{0,12}\b(?:data|details|info(?:rmation)?|account|records?)\b"
    r"|\b(?:gdpr|right to be forgotten|subject access)\b"
    r"|\bwhat (?:data|information|details) (?:do|have) you\b.{0,16}\b(?:me|my)\b"
)  # fmt: skip

_PART = re.compile(
    r"(?:不|不想|不用|不要)退.{0,10}(?:补偿|补|赔|打折|[一-十\d]折|优惠|便宜)|(?:部分|少)退|退(?:一?部分|一点|点)"
    r"|(?:补偿|赔)(?:我)?(?:一?点|多少|一下)"
    r"|\bkeep (?:it|them|the \w{1,15})\b.{0,40}\b(?:money|refund|discount|compensation|back|off)\b"
    r"|\bpart(?:ial|ly)?[ -]refund|\b(?:some|part of the|half (?:the|my)) money back\b"
)
_POSTED = re.compile(
    r"(?:已经?|刚|都)?(?:寄|发)(?:出|回|走|过去|回去|出去)(?:了|去了)|(?:已经?|刚)(?:寄|退回)"
    r"|\b(?:i|we) (?:have |just |already )*(?:posted|sent|shipped|returned|dropped) (?:it|them|the)\b"
    r"|\bon its way back\b"
)


def hear(event: MessageReceived, context: Context) -> list[Action]:
    """Answer such words; [] for any other."""
    plain = normalise(event.text)
    cancelling = _cancelling(event, context)
    if cancelling and _KEEPS.search(plain) and not _STILL_CANCELS.search(plain):
        order = next((each for each in context.orders if each.id == cancelling.order), None)
        return _kept(cancelling, order, event, context)
    if back := _not_to_cancel(event, context):
        return _kept(None, back, event, context)
    if another := other_order.hear(event, context):
        return another
    if _is_detail(event, context):
        return [answer("noted", event)]  # it stands in the case of the change
    if _DATA.search(plain):
        return _person("asked_for_data", event, context)
    if says_paid_twice(event.text):
        return _person("paid_twice", event, context)
    if _PART.search(plain) and any(order.shipped or order.done for order in context.orders):
        return _person("asked_for_part", event, context)
    if _POSTED.search(plain) and any(case.open and case.kind == "return" for case in context.cases):
        return [answer("noted", event)]  # it stands in the case of the return
    return []


def _is_detail(event: MessageReceived, context: Context) -> bool:
    """Whether these words correct what was just asked to be changed, and wish nothing else."""
    if lately_asked(context) is None or not may_correct(event.text):
        return False
    understood = context.understood
    return understood is None or understood.outcome != "answer"


def _cancelling(event: MessageReceived, context: Context) -> Case | None:
    """Of the order that is named, where one is."""
    cases = (case for case in context.cases if case.open and case.reason == ASKED_TO_CANCEL)
    meant = named_order(numbers_in(event.text), context)
    return next((case for case in cases if meant is None or case.order == meant.id), None)


def _not_to_cancel(event: MessageReceived, context: Context) -> Order | None:
    """The order that is not to be cancelled, where no cancelling is asked for any more, or none ever was."""
    plain = normalise(event.text)
    asked = last_answer(context) == "cancel_asked"
    keeps = _KEEPS if asked else _NOT_TO_CANCEL
    if not keeps.search(plain) or _STILL_CANCELS.search(plain) or disputes(event.text):
        return None
    if names_wish(normalise(without_denied(event.text))):
        return None  # "don't cancel 1001, cancel 1002"
    understood = context.understood
    sure = understood.outcome == "answer" and understood.meanings if understood else ()
    if sure and sure[0].intent not in _SAYS_NO_MORE:
        return None  # what is wished beside it is answered
    last = talk_of(context).order if asked and not numbers_in(event.text) else None
    of_last = next((each for each in context.orders if each.id == last), None)
    order = of_last or own_order(event, context, ("cancelled", *BEFORE_SHIPPING))
    return None if order is None or order.state == "completed" else order


def _kept(case: Case | None, order: Order | None, event: MessageReceived, context: Context) -> list[Action]:
    """The seller hears it as a case of its own, since they may have read the other already, or settled it."""
    id = order.id if order else case.order if case else None
    known = (each for each in context.cases if each.open and each.reason == "asked_to_keep")
    if case is None and any(each.order == id for each in known):
        return [answer("noted", event)]  # it stands in that case
    opened = OpenCase(
        kind="order_change",
        key=f"asked_to_keep:{id}:{event.channel}:{event.external_id}",
        reason="asked_to_keep",
        details={"order": order.shown_number if order else "", **quoted(event)},
        order=id,
    )
    closed = [CloseCase(key=case.key)] if case else []
    # "You needn't pay for it" is taken back by the answer.
    again = [RemindAgain(order=order.id)] if order and order.cancelling_since else []
    return [*closed, opened, *again, answer("order_kept", event, order)]


def _person(reason: str, event: MessageReceived, context: Context) -> list[Action]:
    """A case of its own, whoever waits already: it must not be lost among other words."""
    promised = (
        "human_coming" if reason == "asked_for_data" else "asking_person"
    )  # money back is no "of course"
    said: Say = answer("human_again" if case_waiting(context) else promised, event)
    if case_waiting(context) is None:
        return [said, CallHuman(reason=reason, details=quoted(event))]
    key = f"{reason}:{event.channel}:{event.external_id}"
    return [said, OpenCase(kind="human", key=key, reason=reason, details=quoted(event))]


POLICIES: MessagePolicies = {"order_kept": policy.answer(about_order=True)}

REASONS: Reasons = {
    "asked_to_keep": ("order", "text"),
    "paid_twice": ("text",),
    "asked_for_part": ("text",),
    "asked_for_data": ("text",),
}
