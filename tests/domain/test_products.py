"""Products: the newest telling of each source stands, in any order; sources fill each other's gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.domain.products import Item, Source, Telling, product_of, products_of, retold

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
MUG = Item(sku="MUG-1", title="Mug", price=Money(6000, "CNY"), stock=3)

items = st.builds(
    Item,
    sku=st.sampled_from(("A", "B", "C")),
    title=st.sampled_from(("Mug", "Pot")),
    stock=st.none() | st.integers(0, 2),
    care=st.none() | st.just("by hand"),
)
times = st.sampled_from((AT, LATER, LATER + timedelta(hours=1)))
tellings = st.tuples(times, st.lists(items, max_size=3).map(tuple))


def told(*those: tuple[datetime, tuple[Item, ...]]) -> Telling:
    known = None
    for at, sold in those:
        known = retold(known, at, sold)
    assert known is not None
    return known


def apart(*those: Telling) -> dict[Source, Telling]:
    """Each by a channel of its own."""
    return {(str(number), "7"): telling for number, telling in enumerate(those)}


@given(st.data(), st.lists(tellings, min_size=1, max_size=5))
def test_any_order_of_tellings_leaves_the_same(data: st.DataObject, in_order: list[Any]) -> None:
    shuffled = data.draw(st.permutations(in_order))
    assert told(*in_order) == told(*shuffled, *in_order)


@given(st.lists(st.lists(tellings, min_size=1, max_size=3), min_size=1, max_size=3))
def test_any_order_of_sources_leaves_the_same_products(of_sources: list[list[Any]]) -> None:
    every = apart(*(told(*those) for those in of_sources))
    assert products_of(every) == products_of(dict(reversed(every.items())))


def test_what_one_source_leaves_out_another_tells() -> None:
    system = told((LATER, (MUG,)))
    own = told((AT, (Item(sku="MUG-1", title="Becher", floor=Money(5000, "CNY"), care="by hand"),)))

    mug = product_of("MUG-1", apart(own, system))

    assert mug is not None
    assert (mug.title, mug.price, mug.stock) == ("Mug", Money(6000, "CNY"), 3)
    assert (mug.floor, mug.care) == (Money(5000, "CNY"), "by hand")
    assert (mug.updated_at, mug.titles) == (LATER, ("Mug", "Becher"))


def test_stock_that_is_not_counted_any_more_can_be_had_and_unsaid_stock_is_unknown() -> None:
    none_left = told((AT, (Item(sku="A", title="Pot", stock=0),)))
    uncounted = told((LATER, (Item(sku="A", title="Pot", stock=None),)))
    unsaid = told((LATER, (Item(sku="A", title="Pot"),)))

    heard = ((none_left,), (none_left, uncounted), (none_left, unsaid), (unsaid,))
    found = [product_of("A", apart(*those)) for those in heard]

    assert [product and product.available for product in found] == [False, True, False, None]


def test_what_the_newest_telling_leaves_out_is_not_for_sale() -> None:
    own = told((AT, (MUG,)))
    gone = told((AT, (MUG,)), (LATER, ()))
    back = told((LATER, ()), (AT, (MUG,)), (LATER + timedelta(hours=1), (MUG,)))

    assert gone.seen == ("MUG-1",)
    assert product_of("MUG-1", apart(own, gone)) is None
    assert products_of(apart(own, gone)) == []
    assert product_of("MUG-1", apart(own, back)) is not None
    assert product_of("POT", apart(own)) is None


def test_an_item_that_moved_to_another_product_stays() -> None:
    before = told((AT, (MUG,)), (LATER, ()))
    after = told((LATER, (MUG,)))
    assert product_of("MUG-1", apart(after, before)) is not None


def test_an_item_that_another_product_of_the_shop_still_sells_stays_when_the_old_one_is_deleted() -> None:
    old = told((AT, (MUG,)), (LATER + timedelta(hours=1), ()))
    new = told((LATER, (Item(sku="MUG-1", title="New mug"),)))

    found = product_of("MUG-1", {("shopify", "7"): old, ("shopify", "8"): new})

    assert found is not None
    assert found.title == "New mug"
    assert product_of("MUG-1", {("shopify", "7"): old, ("list", "MUG-1"): new}) is None
