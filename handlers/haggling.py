"""Haggling in the chat: what a buyer offers, and how far the shop's settings let the price go."""

from datetime import date, timedelta

import msgspec

from bot.domain.actions import Action, Ask, MakeQuote, Value
from bot.domain.bargain import Bargain, Move, Offer, move
from bot.domain.context import Context, Conversation
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.money import Money
from bot.domain.products import Product
from bot.domain.quotes import QUESTION, Quote
from bot.domain.talks import Asked
from handlers import message_policies as policy
from handlers.bargain_terms import terms_of
from handlers.haggling_words import asks_for_code
from handlers.heard_offer import Heard, heard_after_a_price, heard_in, read, written
from handlers.questions import Answers, Question, Questions
from handlers.quote_values import (
    ITEM_SAMPLES,
    NO_ITEM_SAMPLES,
    SAMPLES,
    item_values,
    other_values,
)
from handlers.replies import answer
from handlers.talk import open_question

WHICH_ITEM, WHICH_PRICE = f"{QUESTION}item", f"{QUESTION}price"
LAPSES = timedelta(hours=2)  # after which "85?" is read by itself
STILL_MEANT = timedelta(days=1)  # the item that was bargained over last is meant so long
SAID = {
    "fixed": "prices_fixed",
    "ask": "haggle_ask",
    "step": "haggle_step",
    "stands": "haggle_stands",
    "last": "haggle_last",
    "deal": "haggle_deal",
    "kept": "haggle_deal",
}
# Other matters, in which an amount is no offer.
NO_OFFERS_IN = frozenset(
    (
        *("i_paid", "payment_status", "how_to_pay", "refund_status", "return_exchange", "cancel_order"),
        *(
            "complaint",
            "damaged_item",
            "invoice",
            "where_is_order",
            "when_ship",
            "person",
            "insult",
            "is_bot",
        ),
        *("change_address", "change_order", "no_reminders"),
    )
)


def discount(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
    """Answer who wants it cheaper; a price question that names an offer is answered like it."""
    heard = heard_in(meaning, event, context)
    shop = context.shop
    coupon = shop.haggling.coupon_on(_today(context)) if heard.amount is None else None
    if coupon and shop.haggling.on and asks_for_code(event.text):
        return [_say("prices_fixed", event, {"negotiable": True})]
    return _haggle(heard, event, context)


def _today(context: Context) -> date:
    return context.now.astimezone(context.shop.zone()).date()


# The talk


def _haggle(heard: Heard, event: MessageReceived, context: Context, sku: str | None = None) -> list[Action]:
    shop = context.shop
    product = _product(context, sku)
    if not shop.haggling.on or (product is None and _was_asked(context)):
        return [_say("prices_fixed", event, _listed(product, heard))]
    if product is None:
        return _ask_item(heard, event, context)
    known = _quote(product, context)
    if heard.currency not in (None, product.price.currency):
        return _ask_in_own_money(product, known, heard, event)
    terms = terms_of(product, shop, _today(context))
    state = known.bargain if known else Bargain()
    after, said = move(terms, state, _offer(heard, product, state), context.now)
    return _told(product, known, after, said, heard, event, context)


def _offer(heard: Heard, product: Product, state: Bargain) -> Offer:
    quantity = heard.pieces(state.quantity)
    return Offer(
        amount=heard.amount_for(product, quantity),
        quantity=quantity,
        postage_free=heard.postage_free,
        accepts=heard.accepts,
    )


def _was_asked(context: Context) -> bool:
    asked = open_question(context)
    return asked is not None and asked.question == WHICH_ITEM


def _product(context: Context, sku: str | None) -> Product | None:
    """The product that is named, else the one that was asked about, else the one bargained over last."""
    if len(context.products) == 1:
        return context.products[0]
    asked = next((each.product for each in context.quotes if each.product.sku == sku), None)
    if sku or context.products:
        return next((each for each in context.products if each.sku == sku), asked)
    lately = (
        each.product
        for each in context.quotes
        if each.bargain.heard_at and context.now - each.bargain.heard_at < STILL_MEANT
    )
    return next(lately, None)


def _quote(product: Product, context: Context) -> Quote | None:
    """The newest quote for a product, whoever this buyer or this chat says they are."""
    return next((each for each in context.quotes if each.product.sku == product.sku), None)


def _told(
    product: Product,
    known: Quote | None,
    state: Bargain,
    said: Move,
    heard: Heard,
    event: MessageReceived,
    context: Context,
) -> list[Action]:
    currency = product.price.currency
    price, listed = Money(said.price.minor, currency), Money(said.listed, currency)
    values = item_values(
        product,
        said.quantity,
        price,
        listed,
        postage_free=said.price.postage_free,
        in_return=said.in_return,
        again=said.again,
    )
    if said.kind == "fixed" or context.conversation is None:
        return [_say(SAID["fixed"], event, values)]
    quote = _kept(product, known, state, said, context.conversation, context)
    if said.kind == "last":
        values |= other_values(_within(heard, product, context))
    if said.until:
        values |= {
            "number": quote.shown_number,
            "until": said.until.isoformat(),
            "kept": _is_kept(said, state),
        }
    asks = [] if said.until else [_ask_price(product)]
    return [_say(SAID[said.kind], event, values), MakeQuote(quote=quote), *asks]


def _is_kept(said: Move, state: Bargain) -> bool:
    return said.kind == "kept" and state.agreed is not None and state.agreed.quantity == said.quantity


def _kept(
    product: Product, known: Quote | None, state: Bargain, said: Move, chat: Conversation, context: Context
) -> Quote:
    """The quote as it is after a move; after one that an order used, a new one."""
    buyer = context.buyer
    open = known if known and known.state != "used" else None
    return Quote(
        number=open.number if open else context.next_quote,
        channel=chat.channel,
        address=chat.address,
        buyer=buyer.id if buyer else chat.buyer,
        product=product,
        quantity=said.quantity,
        price=Money(said.price.minor, product.price.currency),
        postage_free=said.price.postage_free,
        state="accepted" if said.until else "open",
        bargain=state,
        opened_at=open.opened_at if open else context.now,
        valid_until=said.until,
    )


def _within(heard: Heard, product: Product, context: Context) -> list[Product]:
    """Other products that cost no more than the buyer offers."""
    amount = heard.amount_for(product, 1)
    if amount is None:
        return []
    return [
        each
        for each in context.products
        if each.sku != product.sku
        and each.price.currency == product.price.currency
        and each.price.minor <= amount
        and each.stock != 0
    ]


def _listed(product: Product | None, heard: Heard) -> dict[str, Value]:
    if product is None:
        return {}
    quantity = heard.pieces()
    price = product.price * quantity
    return item_values(product, quantity, price, price)


def _ask_item(heard: Heard, event: MessageReceived, context: Context) -> list[Action]:
    about = {**written(heard), "awaited": "discount price"}
    said = _say("haggle_which_item", event, other_values(context.products))
    return [said, Ask(question=WHICH_ITEM, lapses=LAPSES, about=about)]


def _ask_in_own_money(
    product: Product, known: Quote | None, heard: Heard, event: MessageReceived
) -> list[Action]:
    """Sums of two currencies are not compared, so an offer in another lowers nothing."""
    same = known if known and heard.quantity in (None, known.quantity) else None
    quantity = same.quantity if same else heard.pieces()
    price = same.price if same else product.price * quantity
    free = same is not None and same.postage_free
    currency = product.price.currency
    values = item_values(product, quantity, price, price, in_currency=currency, postage_free=free)
    return [_say("haggle_ask", event, values), _ask_price(product)]


def _ask_price(product: Product) -> Ask:
    return Ask(question=WHICH_PRICE, lapses=LAPSES, about={"sku": product.sku, "awaited": "discount price"})


def _say(template: str, event: MessageReceived, values: dict[str, Value]) -> Action:
    return msgspec.structs.replace(answer(template, event), values=values)


# What the answers mean


def item_told(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """The item that a buyer names after they were asked, with the offer that they made before."""
    if meaning.intent in NO_OFFERS_IN:
        return None
    heard = heard_in(meaning, event, context)
    if not context.products:
        return _haggle(heard, event, context) if meaning.intent == "discount" else None
    if heard.amount is None:
        before = read(asked.about)
        heard = msgspec.structs.replace(before, quantity=heard.quantity or before.quantity)
    return _haggle(heard, event, context)


def price_told(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """What a buyer says after they heard a price: another one, a yes, another number of pieces, or a plea."""
    if meaning.intent in NO_OFFERS_IN:
        return None
    heard = heard_after_a_price(meaning, event, context)
    more = heard.quantity is not None and meaning.intent in ("price", "unknown")
    if not (heard.amount is not None or heard.accepts or meaning.intent == "discount" or more):
        return None
    return _haggle(heard, event, context, str(asked.about["sku"]))


ANSWERS: Answers = {"discount": discount}

QUESTIONS: Questions = {
    WHICH_ITEM: Question(LAPSES, item_told),
    WHICH_PRICE: Question(LAPSES, price_told),
}

POLICIES: MessagePolicies = {
    "prices_fixed": policy.answer(samples=({}, {"negotiable": True}, *ITEM_SAMPLES[:2])),
    "haggle_which_item": policy.answer(samples=NO_ITEM_SAMPLES),
    "haggle_ask": policy.answer(variables=("quote", "quote.price"), samples=ITEM_SAMPLES),
    "haggle_step": policy.answer(variables=("quote", "quote.price"), samples=ITEM_SAMPLES),
    "haggle_stands": policy.answer(variables=("quote", "quote.price"), samples=ITEM_SAMPLES),
    "haggle_last": policy.answer(variables=("quote", "quote.price"), samples=ITEM_SAMPLES),
    "haggle_deal": policy.answer(variables=("quote", "quote.number", "quote.until"), samples=SAMPLES),
}
