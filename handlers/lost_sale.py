"""What is sold out: a kind word, what is like it within the budget, and one message when it is back."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from bot.domain.actions import Action, Ask, EndStockWish, Say, Value, WishForStock
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning, Slots
from bot.domain.messages import DueMessage, Facts, MessagePolicies, MessagePolicy, Reason
from bot.domain.money import Money, parse_money
from bot.domain.products import Product
from bot.domain.reasons import Reasons
from bot.domain.stock_wishes import GONE_AGAIN, TEMPLATE
from bot.domain.talks import Asked
from handlers import item_news
from handlers import message_policies as policy
from handlers.normalise import normalise
from handlers.questions import Question, Questions
from handlers.replies import answer

OFFERED = 3  # in place of what is sold out
DEARER = Decimal("1.25")  # times its price, up to which others are offered where nobody named a budget
QUESTION = "when_back"
LAPSES = timedelta(minutes=30)

_NO = re.compile(
    r"(?:no|nope|nah|no,? thanks?(?: you)?|no need|not needed|never ?mind|do not bother|please do not"
    r"|不用|不用了|不用啦|不需要|不必|不必了|算了|不要了|不麻烦了|不用麻烦了)"
    r"(?:[,，]? ?(?:thanks?|thank you|谢谢|谢谢啦))?"
)


_UP_TO = re.compile(  # a number that is a budget also without a currency
    r"(?:under|below|up to|less than|within|at most|max(?:imum)?|不超过|最多|低于) ?"
    r"(?P<a>\d{1,9}(?:\.\d{1,2})?)(?!\d)"
    r"|(?<!\d)(?P<b>\d{1,9}(?:\.\d{1,2})?) ?(?:块钱?|元)?(?:以内|之内|以下|左右|or less)"
)


def sold_out(product: Product, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Say so, offer what is like it, and remember the wish where the shop tells of what is back."""
    budget = _budget(_slots(meaning, event, context), product)
    waits = context.shop.followups.restock
    about: dict[str, Value] = {"sku": product.sku, "title": product.title, "noted": bool(waits)}
    said = _said("product_sold_out", event, {**about, **_offered(product, budget, context)})
    if not waits:
        return [said]
    wish = WishForStock(sku=product.sku, title=product.title, until=context.now + waits)
    asks = Ask(question=QUESTION, lapses=LAPSES, about={"awaited": "stock", "of_last": 1, "sku": product.sku})
    return [said, wish, asks]


def _heard(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """The buyer wants no message, or names what they would spend on another."""
    sku = str(asked.about["sku"])
    if _NO.fullmatch(normalise(event.text).strip(" .。!！~～")):
        return [EndStockWish(sku=sku), answer("restock_unwanted", event)]
    about = context.shelf.products[:1]
    slots = _slots(meaning, event, context)
    if slots.amount is None or not about or about[0].sku != sku or about[0].available is not False:
        return None
    budget = _budget(slots, about[0])
    if budget is None:
        return None
    told: dict[str, Value] = {"sku": sku, "title": about[0].title}
    return [_said("product_alike", event, told | _offered(about[0], budget, context)), _asking(sku)]


def _asking(sku: str) -> Ask:
    """The next words may be a no, or a budget."""
    return Ask(question=QUESTION, lapses=LAPSES, about={"awaited": "stock", "of_last": 1, "sku": sku})


def _said(template: str, event: MessageReceived, values: dict[str, Value]) -> Say:
    return msgspec.structs.replace(answer(template, event), values=values)


def _slots(meaning: Meaning, event: MessageReceived, context: Context) -> Slots:
    """Also of words whose meaning is not sure, and of a number alone with words of a limit."""
    every = (meaning, *(context.understood.meanings if context.understood else ()))
    found = next((each.slots for each in every if each.slots.amount is not None), None)
    if found is not None:
        return found
    limit = _UP_TO.search(normalise(event.text))
    return Slots(amount=Decimal(limit["a"] or limit["b"])) if limit else meaning.slots


def _budget(slots: Slots, product: Product) -> Money | None:
    """What the buyer would spend, in the currency of the price; None if they named none, or another one."""
    if slots.amount is None or product.price is None:
        return None
    code = product.price.currency
    if slots.currency not in (None, code):
        return None
    try:
        return parse_money(slots.amount, code, rounded=True)
    except ValueError:
        return None


def _offered(product: Product, budget: Money | None, context: Context) -> dict[str, Value]:
    """What is like it and within the budget: else not much dearer than it is."""
    limit = budget.minor if budget else None
    if limit is None and product.price is not None:
        limit = int(product.price.minor * DEARER)
    fits = [
        (each, each.price)
        for each in context.shelf.alike.get(product.sku, ())
        if each.price is not None and (limit is None or _within(each.price, limit, product.price))
    ][:OFFERED]
    told: dict[str, Value] = {}
    if budget is not None:
        told |= {"budget_minor": budget.minor, "currency": budget.currency}
    if fits:
        told["others"] = [each.title for each, _ in fits]
        told["other_prices"] = [f"{price.minor} {price.currency}" for _, price in fits]
        told["other_links"] = [each.url or "" for each, _ in fits]
    return told


def _within(price: Money, limit: int, asked: Money | None) -> bool:
    return price.minor <= limit and asked is not None and price.currency == asked.currency


def why_not_back(due: DueMessage, facts: Facts, now: datetime) -> Reason | None:
    """Only while it can be had, the buyer still waits for it, and has not bought it or heard of it since."""
    title, wish = str(due.values.get("title")), facts.wish
    if wish is None or not wish.holds(now) or wish.told_at is None or not _same_wish(due, facts):
        return Reason("wish_over", {"title": title})
    for order in facts.orders:
        bought = any(line.sku == wish.sku for line in order.lines)
        if bought and not order.cancelled and order.placed_at and order.placed_at >= wish.asked_at:
            return Reason("bought_since", {"title": title, "order": order.shown_number})
    for chat in facts.conversations:
        talk = chat.talk
        of_it = chat.name == wish.chat and talk.product == wish.sku and talk.last == "stock"
        if of_it and talk.last_at and talk.last_at > wish.asked_at:
            return Reason("told_in_chat", {"title": title})
    if facts.product is None or not facts.product.available:
        return Reason(GONE_AGAIN, {"title": title})
    return None


def _same_wish(due: DueMessage, facts: Facts) -> bool:
    return facts.wish is not None and (due.values.get("asked_at"), due.values.get("try")) == (
        facts.wish.asked_at.isoformat(),
        facts.wish.tries,
    )


QUESTIONS: Questions = {QUESTION: Question(LAPSES, _heard)}

_POT = {"sku": "POT-1", "title": "Teapot"}
_ALIKE = {
    "others": ["White teapot", "Teapot for two"],
    "other_prices": ["6000 CNY", "5500 CNY"],
    "other_links": ["https://shop.example/white", ""],
}

POLICIES: MessagePolicies = {
    "product_sold_out": policy.answer(
        check=item_news.why_not_tell,
        variables=("title",),
        samples=(
            {**_POT, "noted": True, **_ALIKE},
            {**_POT, "noted": False},
            {**_POT, "noted": True, "budget_minor": 5000, "currency": "CNY"},
        ),
    ),
    "product_alike": policy.answer(
        variables=("title", "budget"),
        samples=(
            {**_POT, **_ALIKE, "budget_minor": 6000, "currency": "CNY"},
            {**_POT, "budget_minor": 5000, "currency": "CNY"},
        ),
    ),
    "restock_unwanted": policy.answer(),
    TEMPLATE: MessagePolicy(
        category="service",
        lateness=timedelta(days=3),
        why_outdated=why_not_back,
        about_order=False,
        variables=("title",),
        samples=(_POT,),
    ),
}

REASONS: Reasons = {
    "wish_over": ("title",),
    "bought_since": ("title", "order"),
    "told_in_chat": ("title",),
    GONE_AGAIN: ("title",),
}
