"""What a question remembers of a wish is what was known of it."""

from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import Line
from bot.domain.money import Money
from bot.domain.return_policy import Cause, Way, Wish
from bot.domain.talks import Asked
from handlers.return_request import (
    KEPT,
    Request,
    of_lines,
    only_way,
    remember,
    remembered,
    request_in,
    with_words,
)
from tests.handlers.world import PLACED, order_of, placed

TEAPOT, TEA = (
    Line(title=title, quantity=1, price=Money(6000, "CNY"), sku=sku)
    for title, sku in (("Blue teapot", "POT"), ("Longjing tea", None))
)
ORDER = order_of(placed(lines=(TEAPOT, TEA)))
ways = st.sampled_from(get_args(Way))
requests = st.builds(
    lambda way, cause, used, lines, words, times: Request(
        order=ORDER,
        wish=of_lines(Wish(way=way, cause=cause, used=used), lines),
        lines=lines,
        words=words,
        times=times,
    ),
    st.none() | ways,
    st.sampled_from(get_args(Cause)),
    st.none() | st.booleans(),
    st.sampled_from([(), (TEAPOT,), (TEA,), (TEAPOT, TEA)]),
    st.text(max_size=2 * KEPT),
    st.integers(0, 5),
)


@given(requests, st.lists(ways, unique=True).map(tuple))
def test_what_is_remembered_is_what_was_known_and_one_more_time_asked(
    request: Request, offered: tuple[Way, ...]
) -> None:
    asked = Asked("return_details", PLACED, PLACED, remember(request, offered))

    assert remembered(asked, ORDER) == msgspec.structs.replace(
        request, words=request.words[:KEPT], times=request.times + 1
    )
    assert only_way(asked) == (offered[0] if len(offered) == 1 else None)


def test_of_another_order_the_items_are_not_remembered() -> None:
    known = request_in("the teapot, refund", ORDER)
    other = order_of(placed(order="1002", lines=(TEAPOT, TEA)))
    asked = Asked("return_details", PLACED, PLACED, remember(known, ()))

    assert known.lines == (TEAPOT,)
    assert (remembered(asked, other).lines, remembered(asked, other).wish.way) == ((), "refund")


def test_later_words_add_and_take_nothing_away() -> None:
    known = with_words(request_in("the teapot", ORDER), "hm")
    told = with_words(known, "used it, refund please")

    assert (known.wish, known.lines) == (Wish(skus=("POT",)), (TEAPOT,))
    assert told.wish == Wish(way="refund", used=True, skus=("POT",))
    assert told.words == "the teapot\nhm\nused it, refund please"
    assert with_words(known, "ok", only="size").wish.way == "size"
    assert with_words(known, "what?", only="size").wish.way is None


def test_at_fault_counts_whatever_the_words_say() -> None:
    assert request_in("the lid", ORDER, at_fault=True).wish.cause == "fault"
    assert request_in("it broke after a week", ORDER, at_fault=True).wish.cause == "unclear"
