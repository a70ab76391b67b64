"""What the shop sells, merged from all that tell of it: the shop's system, and the seller's own list.

Each source tells a product as a whole, so that its newest telling wins. What one source leaves out, such as
the floor or the care, another may tell.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from bot.domain.money import Money

MOST_ITEMS = 250  # of one product

Source = tuple[str, str]  # a channel, and the product's id there

_encode = msgspec.json.Encoder(order="deterministic").encode


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to buy, as a source tells it; None: it does not say.

    stock: None where nobody counts it and it can be had; UNSET: the source does not say.
    floor: the price below which it is never sold. postage: for this one alone.
    """

    sku: str
    title: str
    price: Money | None = None
    stock: int | UnsetType | None = UNSET
    floor: Money | None = None
    postage: Money | None = None
    materials: str | None = None
    sizes: str | None = None
    care: str | None = None
    url: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to buy, by all that is known of it. stock: as in Item. updated_at: of the newest telling.

    titles: by which any source calls it, in whatever language.
    """

    sku: str
    title: str
    updated_at: datetime
    titles: tuple[str, ...] = ()
    price: Money | None = None
    stock: int | UnsetType | None = UNSET
    floor: Money | None = None
    postage: Money | None = None
    materials: str | None = None
    sizes: str | None = None
    care: str | None = None
    url: str | None = None

    @property
    def available(self) -> bool | None:
        """Whether it can be had; None if nobody said."""
        if self.stock is UNSET:
            return None
        return self.stock is None or self.stock > 0


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """The products that a chat message is about, the best first.

    stocked: the shop tells of products at all. named: the message names them; otherwise they are what the
    talk was about last, or what the buyer ordered last. more: others that it names besides, each its own.
    near: what the talk is about, whether named or not. gone: skus of it that are not for sale any more.
    bare: the message names them and says nothing else. unmet: it asks for another variant than there is.
    alike: what is like those that are sold out and can be had, by the sku of those, the nearest first.
    """

    products: tuple[Product, ...] = ()
    alike: Mapping[str, tuple[Product, ...]] = {}
    named: bool = False
    more: tuple[Product, ...] = ()
    near: tuple[Product, ...] = ()
    gone: tuple[str, ...] = ()
    bare: bool = False
    unmet: bool = False
    stocked: bool = False

    def product(self, sku: str) -> Product | None:
        return next((each for each in (*self.products, *self.more, *self.near) if each.sku == sku), None)


NO_SHELF = Shelf()


class Telling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a source tells of one product of its own. No items: it is not for sale any more.

    seen: the sku of every item that it ever told, so that one it leaves out is known to be gone.
    """

    at: datetime
    items: tuple[Item, ...] = ()
    seen: tuple[str, ...] = ()

    def item(self, sku: str) -> Item | None:
        return next((item for item in self.items if item.sku == sku), None)


def retold(known: Telling | None, at: datetime, items: Iterable[Item]) -> Telling:
    """The telling after another one, in whatever order they come: the newest stands, and of two of one time
    the one that says more."""
    new = Telling(at=at, items=tuple({item.sku: item for item in items}.values())[:MOST_ITEMS])
    newest = new if known is None or _rank(new) > _rank(known) else known
    seen = {item.sku for item in new.items} | set(known.seen if known else ())
    return msgspec.structs.replace(newest, seen=tuple(sorted(seen)))


def _rank(telling: Telling) -> tuple[datetime, int, bytes]:
    content = _encode(telling.items)
    return telling.at, len(content), content


def product_of(sku: str, tellings: Mapping[Source, Telling]) -> Product | None:
    """The item of this sku by all that tell of it, each detail by the newest that has a word of it.

    None if the newest telling leaves it out, and no other product of that channel is sold by this sku.
    """
    about = sorted(
        (
            (each.at, (item := each.item(sku)) is not None, _encode(item), item, channel)
            for (channel, _), each in tellings.items()
            if sku in each.seen
        ),
        key=lambda one: (*one[:3], one[4]),
    )
    if not about or not any(item for *_, item, channel in about if channel == about[-1][4]):
        return None
    known: dict[str, object] = {}
    for *_, item, _ in about:
        if item is not None:
            told = {name: getattr(item, name) for name in item.__struct_fields__}
            known |= {
                name: value
                for name, value in told.items()
                if value is not UNSET and (value is not None or name == "stock")
            }
    titles = tuple(dict.fromkeys(item.title for *_, item, _ in reversed(about) if item is not None))
    return Product(**known, titles=titles, updated_at=about[-1][0])  # type: ignore[arg-type]  # the fields of an Item


def products_of(tellings: Mapping[Source, Telling]) -> list[Product]:
    """All that is for sale, by sku."""
    about: dict[str, dict[Source, Telling]] = {}
    for source, telling in tellings.items():
        for sku in telling.seen:
            about.setdefault(sku, {})[source] = telling
    found = (product_of(sku, about[sku]) for sku in sorted(about))
    return [product for product in found if product is not None]
