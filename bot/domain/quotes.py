"""A quote: what a buyer and the shop have come to about one item, and what became of it."""

from datetime import datetime
from typing import Literal

import msgspec

from bot.domain.bargain import Bargain
from bot.domain.money import Money
from bot.domain.products import Product

FIRST = 101  # the number of a shop's first quote, so that it is said as a number
QUESTION = "haggle_"  # how the names of all questions about a price begin
ABOUT_PRICES = frozenset({"discount", "price"})  # the intents for which quotes are read
# The messages that tell a price of a bargain, beside which the shop's terms of that time are kept.
PRICES_TOLD = frozenset({"haggle_ask", "haggle_step", "haggle_stands", "haggle_last", "haggle_deal"})
MOST_SHOWN = 10  # quotes of one chat, and of one buyer, that are read: the newest

State = Literal["open", "accepted", "used"]


class Goods(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product as it was bargained over. floor: of one piece. postage: for it alone."""

    sku: str
    title: str
    price: Money
    floor: Money | None = None
    postage: Money | None = None
    url: str | None = None


def goods_of(product: Product) -> Goods | None:
    """None for a product without a price."""
    if product.price is None:
        return None
    return Goods(
        sku=product.sku,
        title=product.title,
        price=product.price,
        floor=product.floor,
        postage=product.postage,
        url=product.url,
    )


class Quote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """channel, address: the chat. price: of all pieces, without postage. bargain: where it stands.

    agreed_at: since when it holds. open: nothing is agreed yet. accepted: the price holds until
    `valid_until`, and has lapsed after it. used: by `order`, once.
    """

    number: int
    channel: str
    address: str
    buyer: str
    goods: Goods
    quantity: int
    price: Money
    postage_free: bool = False
    state: State = "open"
    bargain: Bargain = Bargain()
    opened_at: datetime
    agreed_at: datetime | None = None
    valid_until: datetime | None = None
    order: str | None = None

    @property
    def shown_number(self) -> str:
        return f"Q{self.number}"

    def price_for(self, quantity: float) -> tuple[int, bool] | None:
        """Of so many pieces, in minor units, and whether postage is free; None for what was not agreed."""
        agreed = self.bargain.agreed
        if quantity == self.quantity:
            return self.price.minor, self.postage_free
        if agreed is not None and quantity == agreed.quantity:
            return agreed.price.minor, agreed.price.postage_free
        return None

    def holds(self, at: datetime) -> bool:
        """Whether an order that is placed then has this price; none that is older than the deal."""
        since, until = self.agreed_at or self.opened_at, self.valid_until
        return self.state == "accepted" and until is not None and since <= at <= until
