"""Haggling in the chat: what a buyer offers, and how far the shop's settings let the price go."""

from datetime import date, datetime, timedelta

import msgspec

from bot.domain.actions import Action, Ask, MakeQuote, Value
from bot.domain.bargain import Bargain, Move, Offer, Terms, move
from bot.domain.context import Context, Conversation
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning, Understanding
from bot.domain.messages import MessagePolicies
from bot.domain.money import Money
from bot.domain.products import Shelf
from bot.domain.quotes import ABOUT_PRICES, QUESTION, Goods, Quote, goods_of
from bot.domain.talks import Asked, Detail
from handlers import item_news
from handlers import message_policies as policy
from handlers.bargain_terms import terms_of
from handlers.haggling_words import asks_for_code, number_in, says_deal
from handlers.heard_offer import Heard, heard_after_a_price, heard_in, read, written
from handlers.questions import Answers, Question, Questions
from handlers.quote_values import (
    ITEM_SAMPLES,
    NO_ITEM_SAMPLES,
    SAMPLES,
    SHOWN,
    item_values,
    other_values,
)
from handlers.replies import answer
from handlers.talk import open_question, talk_of

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
    coupon = shop.haggling.coupon_on(_today(context)) if not heard.offers else None
    if coupon and shop.haggling.on and asks_for_code(event.text):
        return [_say("prices_fixed", event, {"negotiable": True})]
    return _haggle(heard, event, context)


def surely(understood: Understanding) -> Understanding:
    """Whoever may ask for a price or a lower one is answered alike, and an offer is one also where its words
    are not sure."""
    first = understood.meanings[:2]
    lower = next((each for each in first if each.intent == "discount"), None)
    if lower is None or understood.outcome == "answer":
        return understood
    alike = understood.outcome == "ask" and {each.intent for each in first} == ABOUT_PRICES
    return Understanding("answer", (lower,)) if alike or lower.slots.offer else understood


def _today(context: Context) -> date:
    return context.now.astimezone(context.shop.zone()).date()


# The talk


def _haggle(heard: Heard, event: MessageReceived, context: Context, sku: str | None = None) -> list[Action]:
    shop = context.shop
    goods = _goods(context, sku)
    if not shop.haggling.on or (goods is None and not context.shelf.stocked):
        return [_say("prices_fixed", event, _listed(goods, heard))]
    if goods is None:
        return _ask_item(heard, event, context)
    if _is_gone(goods, context):
        return [_say("product_sold_out", event, {"sku": goods.sku, "title": goods.title})]
    known = _quote(goods, context)
    if heard.currency not in (None, goods.price.currency):
        return _ask_in_own_money(goods, known, heard, event)
    terms = terms_of(goods, shop, _today(context))
    state = known.bargain if known else Bargain()
    offer = _offer(heard, goods, state)
    after, said = move(terms, state, offer, context.now)
    return _told(goods, known, terms, offer, after, said, heard, event, context)


def _is_gone(goods: Goods, context: Context) -> bool:
    """Nothing is agreed on what cannot be had."""
    product = context.shelf.product(goods.sku)
    return product.available is False if product else goods.sku in context.shelf.gone


def _offer(heard: Heard, goods: Goods, state: Bargain) -> Offer:
    quantity = heard.pieces(state.quantity)
    return Offer(
        amount=heard.amount_for(goods, quantity),
        quantity=quantity,
        postage_free=heard.postage_free,
        accepts=heard.accepts,
    )


def _goods(context: Context, sku: str | None) -> Goods | None:
    """What is named, else what was asked about, else what the talk is about or was bargained over last; None
    if it may be several things."""
    shelf, there = context.shelf, _priced(context.shelf)
    if shelf.named and len(there) == 1:
        return there[0]
    bargained = [each.goods for each in context.quotes if _is_recent(each, context)]
    if sku or shelf.named:
        near = [goods for product in shelf.near if (goods := goods_of(product))]
        known = (*there, *near, *(quote.goods for quote in context.quotes))
        return next((each for each in known if each.sku == sku), None)
    talked = [each for each in there if each.sku == talk_of(context).product]
    return next(iter((*talked, *bargained)), None)


def agreed_again(event: MessageReceived, context: Context) -> list[Action]:
    """What holds for the item in hand, told once more to who asks how to order at that price."""
    goods = _goods(context, talk_of(context).product)
    known = _quote(goods, context) if goods else None
    if goods is None or known is None or not known.holds(context.now) or not context.shop.haggling.on:
        return []
    return _haggle(Heard(quantity=known.quantity), event, context, goods.sku)


def _priced(shelf: Shelf) -> list[Goods]:
    return [goods for product in (*shelf.products, *shelf.more) if (goods := goods_of(product))]


def _is_recent(quote: Quote, context: Context) -> bool:
    at = quote.bargain.heard_at
    return at is not None and context.now - at < STILL_MEANT


def _quote(goods: Goods, context: Context) -> Quote | None:
    """The newest quote for these goods, whoever this buyer or this chat says they are."""
    return next((each for each in context.quotes if each.goods.sku == goods.sku), None)


def _told(
    goods: Goods,
    known: Quote | None,
    terms: Terms,
    offered: Offer,
    state: Bargain,
    said: Move,
    heard: Heard,
    event: MessageReceived,
    context: Context,
) -> list[Action]:
    currency = goods.price.currency
    price, listed = Money(said.price.minor, currency), Money(said.listed, currency)
    values = item_values(
        goods,
        said.quantity,
        price,
        listed,
        postage_free=said.price.postage_free,
        in_return=said.in_return,
        again=said.again,
    )
    if said.kind == "fixed" or context.conversation is None:
        return [_say(SAID["fixed"], event, values)]
    values |= _why(terms, state, said, offered)
    quote = _kept(goods, known, state, said, context.conversation, context)
    if said.kind == "last":
        values |= other_values(_within(heard, goods, context))
    if said.until:
        values |= {
            "number": quote.shown_number,
            "until": said.until.isoformat(),
            "kept": _is_kept(said, state),
        }
    asks = _ask_price(goods, agreed=said.until is not None)
    return [_say(SAID[said.kind], event, values), MakeQuote(quote=quote), asks]


def _why(terms: Terms, state: Bargain, said: Move, offered: Offer) -> dict[str, Value]:
    """What the seller is told of it, and no buyer."""
    told: dict[str, Value] = {
        "floor": terms.floor * said.quantity,
        "round": state.level,
        "rounds": terms.rounds,
        "offered": offered.amount,
        "accepts": offered.accepts,
    }
    return {name: value for name, value in told.items() if value is not None}


def _is_kept(said: Move, state: Bargain) -> bool:
    return said.kind == "kept" and state.agreed is not None and state.agreed.quantity == said.quantity


def _kept(
    goods: Goods, known: Quote | None, state: Bargain, said: Move, chat: Conversation, context: Context
) -> Quote:
    """The quote as it is after a move; after one that an order used, a new one."""
    buyer = context.buyer
    open = known if known and known.state != "used" else None
    return Quote(
        number=open.number if open else context.next_quote,
        channel=chat.channel,
        address=chat.address,
        buyer=buyer.id if buyer else chat.buyer,
        goods=goods,
        quantity=said.quantity,
        price=Money(said.price.minor, goods.price.currency),
        postage_free=said.price.postage_free,
        state="accepted" if said.until else "open",
        bargain=state,
        opened_at=open.opened_at if open else context.now,
        agreed_at=_agreed_at(open, context) if said.until else None,
        valid_until=said.until,
    )


def _agreed_at(open: Quote | None, context: Context) -> datetime:
    """Since when a price holds: what has lapsed holds anew."""
    before = open if open and open.state == "accepted" and open.holds(context.now) else None
    return (before and (before.agreed_at or before.opened_at)) or context.now


def _within(heard: Heard, goods: Goods, context: Context) -> list[Goods]:
    """Other products that are there and cost no more than the buyer offers."""
    amount = heard.amount_for(goods, 1)
    gone = {each.sku for each in context.shelf.products if each.available is False}
    return [
        each
        for each in _priced(context.shelf)
        if each.sku != goods.sku
        and each.sku not in gone
        and each.price.currency == goods.price.currency
        and amount is not None
        and each.price.minor <= amount
    ]


def _listed(goods: Goods | None, heard: Heard) -> dict[str, Value]:
    if goods is None:
        return {}
    quantity = heard.pieces()
    price = goods.price * quantity
    return item_values(goods, quantity, price, price)


def _ask_item(heard: Heard, event: MessageReceived, context: Context) -> list[Action]:
    """Ask which item it is about; in other words if they were asked before, and with the offer made then."""
    asked, choice = open_question(context), _priced(context.shelf)[:SHOWN]
    before = asked.about if asked and asked.question == WHICH_ITEM else {}
    offer = read(before) if before and not heard.offers else heard
    about: dict[str, Detail] = {
        **written(offer),
        "awaited": "discount price",
        "skus": "\n".join(each.sku for each in choice),
        "again": int(bool(before) and not before.get("again")),
    }
    values = other_values(choice)
    said = _say("haggle_which_item", event, {**values, "again": True} if about["again"] else values)
    return [said, Ask(question=WHICH_ITEM, lapses=LAPSES, about=about)]


def _ask_in_own_money(
    goods: Goods, known: Quote | None, heard: Heard, event: MessageReceived
) -> list[Action]:
    """Sums of two currencies are not compared, so an offer in another lowers nothing."""
    same = known if known and heard.quantity in (None, known.quantity) else None
    quantity = same.quantity if same else heard.pieces()
    price = same.price if same else goods.price * quantity
    free = same is not None and same.postage_free
    currency = goods.price.currency
    values = item_values(goods, quantity, price, price, in_currency=currency, postage_free=free)
    return [_say("haggle_ask", event, values), _ask_price(goods)]


def _ask_price(goods: Goods, agreed: bool = False) -> Ask:
    about: dict[str, Detail] = {"sku": goods.sku, "agreed": int(agreed), "awaited": "discount price"}
    return Ask(question=WHICH_PRICE, lapses=LAPSES, about=about)


def _say(template: str, event: MessageReceived, values: dict[str, Value]) -> Action:
    return msgspec.structs.replace(answer(template, event), values=values)


# What the answers mean


def item_told(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """The item that a buyer names after they were asked, with the offer that they made before."""
    if meaning.intent in NO_OFFERS_IN:
        return None
    heard = heard_after_a_price(meaning, event, context)
    shelf, before = context.shelf, read(asked.about)
    if not shelf.named and len(shelf.products) != 1:
        about_it = (
            meaning.slots.offer or meaning.intent == "discount" or number_in(event.text) or heard.quantity
        )
        if not about_it:
            return None
        both = heard if heard.offers else msgspec.structs.replace(before, quantity=heard.quantity)
        return _ask_item(both, event, context)
    if not heard.offers:
        heard = msgspec.structs.replace(before, quantity=heard.quantity or before.quantity)
    return _haggle(msgspec.structs.replace(heard, accepts=False), event, context)


def price_told(
    asked: Asked, meaning: Meaning, event: MessageReceived, context: Context
) -> list[Action] | None:
    """What a buyer says after they heard a price: another one, a yes, another number of pieces, or a plea."""
    heard = heard_after_a_price(meaning, event, context)
    if asked.about.get("agreed") and meaning.intent == "acknowledged" and not says_deal(event.text):
        return []  # which ends the talk
    if meaning.intent in NO_OFFERS_IN and not heard.accepts:
        return None
    more = heard.quantity is not None and meaning.intent in ("price", "unknown", "stock", "acknowledged")
    if not (heard.offers or heard.accepts or meaning.intent == "discount" or more):
        return None
    return _haggle(heard, event, context, str(asked.about["sku"]))


ANSWERS: Answers = {"discount": discount}

QUESTIONS: Questions = {
    WHICH_ITEM: Question(LAPSES, item_told),
    WHICH_PRICE: Question(LAPSES, price_told),
}

PRICE_TOLD = policy.answer(
    check=item_news.why_not_tell, variables=("quote", "quote.price"), samples=ITEM_SAMPLES
)

POLICIES: MessagePolicies = {
    "prices_fixed": policy.answer(
        check=item_news.why_not_tell, samples=({}, {"again": True}, {"negotiable": True}, *ITEM_SAMPLES[:2])
    ),
    "haggle_which_item": policy.answer(samples=NO_ITEM_SAMPLES),
    "haggle_ask": policy.answer(
        check=item_news.why_not_tell, variables=("quote", "quote.price"), samples=ITEM_SAMPLES
    ),
    "haggle_step": policy.answer(
        check=item_news.why_not_tell, variables=("quote", "quote.price"), samples=ITEM_SAMPLES
    ),
    "haggle_stands": policy.answer(
        check=item_news.why_not_tell, variables=("quote", "quote.price"), samples=ITEM_SAMPLES
    ),
    "haggle_last": policy.answer(
        check=item_news.why_not_tell, variables=("quote", "quote.price"), samples=ITEM_SAMPLES
    ),
    "haggle_deal": policy.answer(
        check=item_news.why_not_tell, variables=("quote", "quote.number", "quote.until"), samples=SAMPLES
    ),
}
