"""What buyers ask about products, answered from what the shop tells of them; a person for all else."""

import re
from collections.abc import Callable
from datetime import timedelta

import msgspec

from bot.domain.actions import Action, Ask, CallHuman, Say, Value
from bot.domain.context import Context
from bot.domain.events import MessageReceived
from bot.domain.meanings import Meaning
from bot.domain.messages import MessagePolicies
from bot.domain.products import Product
from bot.domain.reasons import Reasons
from bot.domain.talks import Asked
from handlers import item_news, item_sizes, knowledge, lost_sale
from handlers import message_policies as policy
from handlers.normalise import normalise
from handlers.questions import Answer, Answers, Question, Questions
from handlers.replies import answer, case_waiting, quoted

FEW = 5  # pieces, up to which buyers are told how many are left
OFFERED = 6  # products to choose from in one question
LAPSES = timedelta(minutes=30)

_ORDINAL = re.compile(
    r"^\W*(?:the |第)?(?:no\.? ?|number )?([1-6])(?:st|nd|rd|th)?(?: one)?[个個款件号號]?\W*$"
)
_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth"), "一二三四五六"

# What a product says of what was asked: the template, and the values that it needs; None if it does not say.
Fact = Callable[[Product, Meaning], tuple[str, dict[str, Value]] | None]


def _stock(product: Product, meaning: Meaning) -> tuple[str, dict[str, Value]] | None:
    if product.available is None:
        return None
    if not product.available:
        return "product_sold_out", {}
    left = product.stock if isinstance(product.stock, int) else None
    wanted = meaning.slots.quantity or 1
    tells = left is not None and left < max(FEW + 1, wanted)
    return "product_stock", {"left": left} if tells else {}


def _price(product: Product, meaning: Meaning) -> tuple[str, dict[str, Value]] | None:
    if product.price is None:
        return None
    told: dict[str, Value] = {"price_minor": product.price.minor, "currency": product.price.currency}
    pieces = meaning.slots.quantity or 1
    if pieces == 1:
        return "product_price", told
    if isinstance(product.stock, int) and 0 < product.stock < pieces:
        told["left"] = product.stock
    elif product.available:
        told["sum_minor"] = product.price.minor * pieces
    return "product_price", {**told, "pieces": pieces}


def _sizes(product: Product, meaning: Meaning) -> tuple[str, dict[str, Value]] | None:
    return ("product_sizes", {"sizes": product.sizes}) if product.sizes else None


def _materials(product: Product, meaning: Meaning) -> tuple[str, dict[str, Value]] | None:
    told: dict[str, Value] = {"materials": product.materials, "care": product.care}
    return ("product_materials", told) if product.materials or product.care else None


def _postage(product: Product, meaning: Meaning) -> tuple[str, dict[str, Value]] | None:
    if product.postage is None:
        return None
    if not product.postage.minor:
        return "product_postage", {}
    return "product_postage", {"postage_minor": product.postage.minor, "currency": product.postage.currency}


def _unsaid(product: Product, meaning: Meaning) -> None:
    """What else may be asked of a product stands in no list."""


def _fact(
    intent: str, product: Product, meaning: Meaning, event: MessageReceived
) -> tuple[str, dict[str, Value]] | None:
    """What is asked; of a size that there is none of, that."""
    wanted = item_sizes.named_in(event.text) if intent in OF_A_SIZE and product.sizes else None
    if wanted and item_sizes.has(product.sizes or "", wanted) is False:
        return "product_sizes", {"sizes": product.sizes, "wanted": wanted}
    return FACTS[intent](product, meaning)


OF_A_SIZE = frozenset({"stock", "price", "size_fit", "product_question"})

FACTS: dict[str, Fact] = {
    "stock": _stock,
    "price": _price,
    "size_fit": _sizes,
    "material_care": _materials,
    "postage": _postage,
    "product_question": _unsaid,
}


def from_product(intent: str) -> Answer:
    """Answer from the product that is named, or that the talk is about; ask which where several may be."""

    def reply(meaning: Meaning, event: MessageReceived, context: Context) -> list[Action]:
        shelf = context.shelf
        told = [(product, _fact(intent, product, meaning, event)) for product in shelf.products]
        known = [(product, fact) for product, fact in told if fact]
        if shelf.unmet:
            return ask_person(event, context)
        if len(shelf.products) == 1 and known:
            besides = ((each, _fact(intent, each, meaning, event)) for each in shelf.more[: FEW - 1])
            also = [_said(each, fact, event) for each, fact in besides if fact]
            return [*_told(*known[0], meaning, event, context), *also]
        if shelf.named and len(known) > 1:
            return _which(intent, [product for product, _ in known], event)
        if shelf.products and known and not shelf.named:
            return _told(*known[0], meaning, event, context)  # the likeliest comes first
        if not shelf.products and shelf.stocked and intent != "postage":
            return _which(intent, [], event)
        return ask_person(event, context)

    return reply


def _told(
    product: Product,
    fact: tuple[str, dict[str, Value]],
    meaning: Meaning,
    event: MessageReceived,
    context: Context,
) -> list[Action]:
    if fact[0] == "product_sold_out":
        return lost_sale.sold_out(product, meaning, event, context)
    return [_said(product, fact, event)]


def _said(product: Product, fact: tuple[str, dict[str, Value]], event: MessageReceived) -> Say:
    template, values = fact
    carried = {"sku": product.sku, "title": product.title, **values}
    if product.url:
        carried["link"] = product.url
    said = msgspec.structs.replace(
        answer(template, event), key=f"{template}:{event.channel}:{event.external_id}:{product.sku}"
    )
    return msgspec.structs.replace(
        said, values={name: each for name, each in carried.items() if each is not None}
    )


def _which(intent: str, products: list[Product], event: MessageReceived) -> list[Action]:
    offered = products[:OFFERED]
    titles: list[str] = [product.title for product in offered]
    asks = msgspec.structs.replace(answer("which_product", event), values={"items": titles})
    about: dict[str, str | int | None] = {
        "intent": intent,
        "skus": "\n".join(product.sku for product in offered),
        "awaited": intent,
    }
    return [asks, Ask(question="which_product", lapses=LAPSES, about=about)]


def page(event: MessageReceived, context: Context, agreed: bool = False) -> list[Action]:
    """Where the item that is meant can be ordered; a person where that is not known.

    agreed: how to order was told already.
    """
    product = context.shelf.products[0] if len(context.shelf.products) == 1 else None
    product = product or next(iter(context.shelf.near), None)
    if product is not None and product.url:
        return [_said(product, ("how_to_order", {}), event)]
    return [] if agreed else ask_person(event, context)


def ask_person(event: MessageReceived, context: Context) -> list[Action]:
    """Say what was written down and is likely meant; else that we do not know, and let a person answer."""
    told = knowledge.else_likely(event, context)
    if told is not None:
        return [told]
    if case_waiting(context):
        return [answer("human_again", event)]
    return [
        answer("product_unknown", event),
        CallHuman(kind="not_understood", reason="product_unknown", details=quoted(event)),
    ]


def chosen(asked: Asked, meaning: Meaning, event: MessageReceived, context: Context) -> list[Action] | None:
    """Answer for the product that these words choose: by its place in the list, or by its name."""
    intent = str(asked.about["intent"])
    skus = str(asked.about["skus"]).split("\n")
    place = _place(event.text)
    found = [
        product for product in context.shelf.products if place and product.sku in skus[place - 1 : place]
    ]
    if not found and context.shelf.named:
        found = list(context.shelf.products)
    if not found or (meaning.intent in FACTS and meaning.intent != intent):
        return None
    shelf = msgspec.structs.replace(context.shelf, products=tuple(found), named=True)
    return from_product(intent)(meaning, event, msgspec.structs.replace(context, shelf=shelf))


def _place(text: str) -> int | None:
    """The place in a list that a text names, from 1."""
    plain = normalise(text).strip(" .。!！")
    found = _ORDINAL.match(plain)
    if found:
        return int(found[1])
    words = plain.removeprefix("the ").removesuffix(" one").removeprefix("第").rstrip("个個款件")
    return next((list_.index(words) + 1 for list_ in map(list, _WORDS) if words in list_), None)


ANSWERS: Answers = {intent: from_product(intent) for intent in FACTS}

QUESTIONS: Questions = {"which_product": Question(LAPSES, chosen)}

_ITEM = {"title": "Blue mug", "sku": "MUG-1"}

POLICIES: MessagePolicies = {
    "product_stock": policy.answer(
        check=item_news.why_not_tell,
        variables=("title",),
        samples=(_ITEM, {**_ITEM, "left": 2, "link": "https://shop.example/mug"}),
    ),
    "product_price": policy.answer(
        check=item_news.why_not_tell,
        variables=("title", "price"),
        samples=(
            {**_ITEM, "price_minor": 6000, "currency": "CNY"},
            {**_ITEM, "price_minor": 1, "currency": "GBP", "link": "https://shop.example/mug"},
            {**_ITEM, "price_minor": 500, "currency": "GBP", "pieces": 10, "sum_minor": 5000},
            {**_ITEM, "price_minor": 500, "currency": "GBP", "pieces": 10, "left": 3},
        ),
    ),
    "product_sizes": policy.answer(
        check=item_news.why_not_tell,
        variables=("title", "sizes"),
        samples=({**_ITEM, "sizes": "S (160-165 cm), M"}, {**_ITEM, "sizes": "S, M", "wanted": "XL"}),
    ),
    "product_materials": policy.answer(
        check=item_news.why_not_tell,
        variables=("title",),
        samples=(
            {**_ITEM, "materials": "100% cotton", "care": "by hand"},
            {**_ITEM, "care": "洗碗机可洗"},
            {**_ITEM, "materials": "瓷"},
        ),
    ),
    "product_postage": policy.answer(
        check=item_news.why_not_tell,
        variables=("title",),
        samples=({**_ITEM, "postage_minor": 800, "currency": "CNY"}, _ITEM),
    ),
    "how_to_order": policy.answer(
        check=item_news.why_not_tell,
        variables=("title", "link"),
        samples=({**_ITEM, "link": "https://shop.example/mug"},),
    ),
    "product_unknown": policy.answer(),
    "which_product": policy.answer(
        samples=tuple(
            {"items": items, **said}
            for items in (["Blue mug", "White mug"], [])
            for said in ({}, {"again": True})
        )
    ),
}

REASONS: Reasons = {"product_unknown": ("text",), **item_news.REASONS}
