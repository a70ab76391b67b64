"""Returns and exchanges: an answer at once from the shop's policy, and a case until it is done."""

from datetime import timedelta

import msgspec

from bot.domain.actions import Action, Ask, OpenCase, Value, WakeAt
from bot.domain.context import Case, Context
from bot.domain.events import Line, MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.orders import Order
from bot.domain.pictures import pictures_in
from bot.domain.return_policy import Decision, Wish, decide
from bot.domain.talks import Asked, Detail
from bot.domain.untrusted_text import quote_unlinked
from bot.domain.working_days import end_of_term
from handlers import order_holds
from handlers.order_proof import numbers_in
from handlers.order_wishes import says_only
from handlers.questions import Question, Questions
from handlers.replies import SHOWN, answer
from handlers.return_request import Request, of_lines, only_way, remember, remembered, request_in, with_words
from handlers.return_words import asks_rules, drops, things_of
from handlers.validity import amount
from handlers.which_order import named_order

KIND = "return"
FAULTS = frozenset({"damaged", "wrong_item", "missing", "quality"})  # causes of a complaint that are ours
DETAILS_LAPSE = timedelta(days=1)
PICTURE_LAPSES = timedelta(days=3)
MOST_ASKED = 3  # times for what is wanted, those in vain counted twice; then a person asks
LISTED = 15  # items from which a buyer chooses
TITLE_MAX = 60

# What a message may be taken for that says no more than what is wanted done.
DETAILS = frozenset(
    ("unknown", "other", "return_exchange", "damaged_item", "change_order", "size_fit", "refund_status")
)


def take(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    """Answer who wants to send something back or to have it exchanged.

    Whoever has complained of it does not do so because they changed their mind.
    """
    return _consider(request_in(words, order, at_fault=_complained_of(order, context)), event, context)


def make_good(order: Order, words: str, event: MessageReceived, context: Context) -> list[Action]:
    """Answer who got something broken, faulty or wrong, whatever else the words say."""
    return _consider(request_in(words, order, at_fault=True), event, context)


def _complained_of(order: Order, context: Context) -> bool:
    return any(
        case.open and case.kind == "complaint" and case.order == order.id and case.cause in FAULTS
        for case in (*context.cases, *context.others_cases)
    )


def open_return(order: Order, context: Context) -> Case | None:
    """The return of this order that is not done yet."""
    return next(
        (case for case in context.cases if case.open and case.kind == KIND and case.order == order.id), None
    )


def settled(case: Case, order: Order) -> bool:
    """True once all was paid back; a replacement only a person knows of."""
    return order.refunded_in_full


def _consider(request: Request, event: MessageReceived, context: Context) -> list[Action]:
    order, wish = request.order, request.wish
    if open_return(order, context):
        return [answer("return_open", event, order)]
    decision = decide(wish, order, context.shop, context.now)
    if decision.why == "not_sent" and wish.cause == "mind":
        unsent = order_holds.cancel if wish.way in (None, "refund") else order_holds.change
        return unsent(order, request.words, event, context)
    if wish.cause != "mind":
        return _made_good(request, decision, event, context)
    if not decision.agreed and not _some_may(request, decision, context):
        return _not_agreed(request, decision, event, context)
    if _unsaid(request, decision):
        return _ask(request, decision, event, context)
    return _agreed(request, decision, event, context)


def _some_may(request: Request, decision: Decision, context: Context) -> bool:
    """True if only some items of the order are kept out, and the buyer has not said which they mean."""
    if decision.why != "excluded" or request.lines:
        return False
    return any(
        decide(of_lines(request.wish, (line,)), request.order, context.shop, context.now).agreed
        for line in things_of(request.order)
    )


def _unsaid(request: Request, decision: Decision) -> bool:
    """True if it is open which item is meant, which of several ways is wanted, or whether anything is."""
    asks = asks_rules(request.words)
    only = request.wish.way is None and len(decision.ways) == 1 and not asks
    return not request.says_which or not (only or request.wish.way in decision.ways)


def _ask(request: Request, decision: Decision, event: MessageReceived, context: Context) -> list[Action]:
    """Ask in one message for all that is missing; after some times a person does."""
    order, wish = request.order, request.wish
    if request.times >= MOST_ASKED:
        return _passed_on(request, decision, event, context)
    ways = decision.ways or decide(Wish(skus=(None,)), order, context.shop, context.now).ways
    ways = tuple(way for way in ways if way != "size")  # most things have none; whoever wants one says so
    titles = [_title(line) for line in things_of(order)[:LISTED]]
    about = remember(request, ways)
    offer = answer(
        "return_offer",
        event,
        order,
        choices=[] if request.says_which else titles,
        ways=[] if wish.way in ways else [*ways],
        shop_pays=decision.shop_pays or _shop_pays(context),
        again=request.times > 0,
    )
    return [offer, Ask(question="return_details", lapses=DETAILS_LAPSE, about=about)]


def _shop_pays(context: Context) -> bool:
    return context.shop.returns is not None and context.shop.returns.postage == "shop"


def _agreed(request: Request, decision: Decision, event: MessageReceived, context: Context) -> list[Action]:
    way = decision.ways[0]
    told: list[Action] = [
        *_case("return_agreed", request, decision, event, context),
        answer("return_agreed", event, request.order, way=way, shop_pays=decision.shop_pays),
    ]
    about: dict[str, Detail] = {"order": request.order.id}  # which size: it is added to the case
    size = Ask(question="order_change", lapses=DETAILS_LAPSE, about=about)
    return [*told, size] if way == "size" else told


def _made_good(
    request: Request, decision: Decision, event: MessageReceived, context: Context
) -> list[Action]:
    """Say sorry and what the shop does, and have a person see to it; ask for a picture where one helps."""
    if not decision.agreed:
        return _passed_on(request, decision, event, context)
    policy, order = context.shop.returns, request.order
    wanted = bool(policy and policy.pictures) and not pictures_in(event.media)
    told: list[Action] = [
        *_case(
            "return_unclear" if request.wish.cause == "unclear" else "return_at_fault",
            request,
            decision,
            event,
            context,
        ),
        answer("made_good", event, order, way=decision.ways[0], ways=[*decision.ways], picture=wanted),
    ]
    about: dict[str, Detail] = {"order": order.id, "times": 1}
    return [*told, Ask(question="return_picture", lapses=PICTURE_LAPSES, about=about)] if wanted else told


def _not_agreed(
    request: Request, decision: Decision, event: MessageReceived, context: Context
) -> list[Action]:
    """Say no with the reason; a person decides where the days are over, or nobody has said what holds."""
    if decision.why in ("excluded", "used", "none_taken"):
        return [answer("return_refused", event, request.order, why=decision.why)]
    return _passed_on(request, decision, event, context)


def _passed_on(
    request: Request, decision: Decision, event: MessageReceived, context: Context
) -> list[Action]:
    late = decision.why == "too_late"
    return [
        *_case("return_too_late" if late else "return_undecided", request, decision, event, context),
        answer("return_passed_on", event, request.order, sorry=request.wish.cause != "mind", late=late),
    ]


def _case(
    reason: str, request: Request, decision: Decision, event: MessageReceived, context: Context
) -> list[Action]:
    """A case for the seller; where the next step is theirs, also the time at which the buyer hears that it
    takes longer."""
    order, shop = request.order, context.shop
    key = f"return:{order.id}:{event.channel}:{event.external_id}"
    way = decision.ways[0] if decision.agreed else request.wish.way
    details: dict[str, Value] = {
        "order": order.shown_number,
        "way": way,
        "items": " · ".join(_title(line) for line in request.lines[:LISTED]),
        "amount": amount(decision.at_most) if decision.at_most else None,
        "text": request.words[:SHOWN],
    }
    opened = OpenCase(kind="return", key=key, reason=reason, details=details, order=order.id)
    if shop.returns is None or not shop.returns.answer_within:
        return [opened]
    if reason == "return_agreed" and shop.returns.address:
        return [opened]  # it waits for the parcel
    at = end_of_term(context.now, shop.returns.answer_within, shop.zone(), shop.calendar_of_work)
    return [opened, WakeAt(key=f"check_{key}", at=at, what="return_check", order=order.id)]


def _title(line: Line) -> str:
    return quote_unlinked(line.title, TITLE_MAX) or line.sku or "?"


# What the buyer answers


def _details(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """Take what is wanted, or for which item; words that say neither are asked about once more."""
    order = _order_of(asked, context)
    if order is None:
        return None
    if drops(event.text):
        return [answer("return_dropped", event, order)]
    known = remembered(asked, named_order(numbers_in(event.text), context) or order)
    told = with_words(known, event.text, only_way(asked))
    if (told.wish, told.lines) != (known.wish, known.lines):
        return _consider(told, event, context)
    if not says_only(meaning, DETAILS):
        return None
    return _consider(msgspec.structs.replace(told, times=told.times + 1), event, context)


def _picture(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """A picture stands in the case, to which it was added; any other file is asked about once."""
    order = _order_of(asked, context)
    if order is None or event.kind != "other" or open_return(order, context) is None:
        return None
    if pictures_in(event.media) or not event.media or int(asked.about.get("times") or 1) > 1:
        return [answer("noted", event)]
    about: dict[str, Detail] = {"order": order.id, "times": 2}
    return [
        answer("picture_wanted", event, order),
        Ask(question="return_picture", lapses=PICTURE_LAPSES, about=about),
    ]


def _order_of(asked: Asked, context: Context) -> Order | None:
    return next((each for each in context.orders if each.id == asked.about.get("order")), None)


QUESTIONS: Questions = {
    "return_details": Question(DETAILS_LAPSE, _details),
    "return_picture": Question(PICTURE_LAPSES, _picture),
}
