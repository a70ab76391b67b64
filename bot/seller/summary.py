"""What a person needs to know before they answer: the orders, what was promised, every word since."""

from collections.abc import Iterable, Sequence

from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.shipping_promise import ships_by, to_ship
from bot.domain.shop import Shop
from bot.domain.untrusted_text import quote
from bot.seller.words import QUOTED_MAX, SellerWords
from storage.case_records import CaseWord

ORDERS_TOLD = 3  # the newest; the buyer's file has the others
WORDS_TOLD = 12  # the newest


def of_orders(orders: Sequence[Order], shop: Shop, words: SellerWords) -> list[str]:
    """A line for each: number, state, total, and what was promised or sent."""
    return [_of_order(order, shop, words) for order in orders[:ORDERS_TOLD]]


def _of_order(order: Order, shop: Shop, words: SellerWords) -> str:
    promised = ships_by(order, shop) if to_ship(order) else None
    parcel = order.sent[-1] if order.sent else None
    sent_as = " ".join(filter(None, (parcel.carrier, parcel.tracking))) if parcel else None
    return words.summary(
        "order",
        {
            "number": order.shown_number,
            "order_state": words.order_state(order.state),
            "total": f"{order.total.decimal} {order.total.currency}" if order.total else None,
            "paid": _sum(order.paid),
            "refunded": _sum(order.refunded),
            "promised_at": promised.isoformat() if promised else None,
            "parcel": quote(sent_as, QUOTED_MAX),
            "left_at": parcel.sent_at.isoformat() if parcel and parcel.sent_at else None,
        },
    )


def _sum(money: Money | None) -> str | None:
    """None for nothing, too, which is not worth a word."""
    return f"{money.decimal} {money.currency}" if money and money.minor else None


def of_words(said: Iterable[CaseWord], words: SellerWords) -> list[str]:
    """A line for each of the newest words: when, who and what."""
    return lines(list(said)[-WORDS_TOLD:], words)


def lines(said: Iterable[CaseWord], words: SellerWords) -> list[str]:
    """A line for each of these words."""
    return [
        words.summary(
            "word" if word.text else "wordless",
            {
                "said_at": word.at,
                "who": words.summary(word.who, {}),
                "text": word.text,
                "picture": word.kind == "other" or None,
            },
        )
        for word in said
    ]
