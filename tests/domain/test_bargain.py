"""A bargain stays above the floor, never rises and then falls, falls by a better offer alone, and ends."""

import os
import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.bargain import Bargain, Move, Offer, Price, Terms, ladder, leaves_floor, listed, move

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = Terms(price=10000, floor=8000, rounds=5, postage=800, in_return=("order_today", "recommend"))
DIALOGUES = int(os.environ.get("HAGGLES", "20000"))


def talk(terms: Terms, *offers: Offer | int) -> list[Move]:
    state, said = Bargain(), []
    for offer in offers:
        asked = Offer(amount=offer) if isinstance(offer, int) else offer
        state, answer = move(terms, state, asked, NOON)
        said.append(answer)
    return said


def kinds(moves: list[Move]) -> list[str]:
    return [each.kind for each in moves]


def prices(moves: list[Move]) -> list[int]:
    return [each.price.minor for each in moves]


def test_a_quick_buyer_has_the_price_at_once() -> None:
    (said,) = talk(TERMS, 9200)
    assert (said.kind, said.price, said.until) == ("deal", Price(9200), NOON + DAY)


def test_a_quick_buyer_who_begins_low_has_it_with_the_second_offer() -> None:
    assert kinds(talk(TERMS, 8100, 8200)) == ["step", "deal"]


def test_a_stubborn_buyer_gets_up_to_five_steps_each_smaller_and_the_last_is_the_last() -> None:
    said = talk(TERMS, 5000, 5500, 6000, 6500, 7000, 7500, 7900)
    assert kinds(said) == ["step", "step", "step", "step", "last", "last", "last"]
    assert prices(said) == [9000, 8500, 8200, 8100, 8000, 8000, 8000]


def test_an_offer_of_what_it_costs_anyway_is_no_deal_that_would_hold_the_buyer_to_it() -> None:
    assert kinds(talk(TERMS, 10000, 12000, 9200)) == ["ask", "ask", "deal"]


def test_who_offers_more_than_we_ask_pays_what_we_ask() -> None:
    assert talk(TERMS, 5000, 15000)[-1].price == Price(9000)


def test_the_same_offer_and_a_smaller_one_lower_nothing() -> None:
    said = talk(TERMS, 6000, 6000, 5000, 6000, 5999)
    assert kinds(said) == ["step", "stands", "stands", "stands", "stands"]
    assert len(set(prices(said))) == 1


def test_words_alone_lower_nothing() -> None:
    said = talk(TERMS, *[Offer()] * 9)
    assert set(kinds(said)) == {"ask"}
    assert set(prices(said)) == {10000}
    assert [each.again for each in said[:4]] == [False, True, False, True]


def test_an_absurd_offer_wins_no_round() -> None:
    assert prices(talk(TERMS, 1, 2, 3, 4, 5, 6)) == [10000] * 6


@pytest.mark.parametrize(
    "terms",
    [
        Terms(price=10000, floor=8000, rounds=0),
        Terms(price=10000, floor=10000, rounds=5, postage=800, free_postage=True),
        Terms(price=10000, floor=12000, rounds=5),
        Terms(price=10000, floor=9500, rounds=5, coupon=10),
        Terms(price=0, floor=0, rounds=5),
        Terms(price=10**16, floor=0, rounds=5),
        Terms(price=10000, floor=0, rounds=5, coupon=100),
    ],
)
def test_no_rounds_no_room_or_no_sense_is_no_bargaining(terms: Terms) -> None:
    for said in talk(terms, 9000, 9500, 9999, Offer(amount=9000, postage_free=True), Offer(accepts=True)):
        assert (said.kind, said.price) == ("fixed", Price(terms.price))


def test_a_floor_of_nothing_is_nothing() -> None:
    assert ladder(Terms(price=1000, floor=0, rounds=1), 1)[-1] == Price(0)


def test_free_postage_is_a_step_and_counts_against_the_floor() -> None:
    terms = Terms(price=10000, floor=8000, rounds=5, postage=800, free_postage=True)
    rungs = ladder(terms, 1)
    assert rungs[1:3] == (Price(9000), Price(9000, postage_free=True))
    assert rungs[-1].minor - 800 >= 8000
    assert not any(rung.postage_free for rung in ladder(TERMS, 1))


def test_who_offers_enough_without_asking_for_free_postage_is_not_given_it_instead() -> None:
    terms = Terms(price=2500, floor=2000, rounds=5, postage=350, free_postage=True)
    assert ladder(terms, 1)[1] == Price(2500, postage_free=True)
    assert talk(terms, 2100)[0].price == Price(2100)
    assert talk(terms, 1500)[0].price == Price(2500, postage_free=True)


def test_free_postage_that_is_asked_for_is_part_of_the_offer() -> None:
    (said,) = talk(TERMS, Offer(amount=9800, postage_free=True))
    assert (said.kind, said.price) == ("deal", Price(9800, postage_free=True))
    assert talk(TERMS, Offer(amount=8700, postage_free=True))[0].kind == "step"


def test_postage_that_nobody_knows_is_never_promised() -> None:
    terms = Terms(price=10000, floor=8000, rounds=5, free_postage=True)
    for amount in (8500, 9500, 10000, 12000):
        (said,) = talk(terms, Offer(amount=amount, postage_free=True))
        assert said.kind != "deal"
        assert not said.price.postage_free


def test_several_pieces_cost_less_and_never_less_than_their_floor() -> None:
    terms = Terms(price=1000, floor=900, rounds=3, from_quantity=((3, 5), (10, 50)))
    assert [listed(terms, pieces) for pieces in (1, 2, 3, 10)] == [1000, 2000, 2850, 9000]
    assert talk(terms, Offer(quantity=3))[0].price == Price(2850)


def test_a_coupon_counts_against_the_floor() -> None:
    terms = Terms(price=10000, floor=8000, rounds=5, coupon=10)
    assert ladder(terms, 1)[-1].minor * 90 // 100 >= 8000


def test_a_deal_stands_and_nothing_is_lower_after_it() -> None:
    state, deal = move(TERMS, Bargain(), Offer(amount=9200), NOON)
    for offer in (Offer(amount=9300), Offer(amount=8000), Offer(), Offer(accepts=True)):
        state, said = move(TERMS, state, offer, NOON)
        assert (said.kind, said.price, said.until) == ("kept", deal.price, deal.until)
    state, said = move(TERMS, state, Offer(quantity=3), NOON)
    assert said.price == Price(27600)
    state, said = move(TERMS, state, Offer(quantity=1), NOON + 2 * DAY)
    assert (said.kind, said.price, said.until) == ("kept", deal.price, NOON + 3 * DAY)


def test_another_day_is_the_same_bargain_until_it_is_forgotten() -> None:
    state, first = move(TERMS, Bargain(), Offer(amount=6000), NOON)
    state, again = move(TERMS, state, Offer(amount=6000), NOON + 20 * DAY)
    assert (again.kind, again.price) == ("stands", first.price)
    state, _ = move(TERMS, state, Offer(), NOON + 51 * DAY)
    assert state.level == 0


def test_a_thing_is_asked_in_return_once_for_each_step() -> None:
    assert [each.in_return for each in talk(TERMS, 5000, 6000, 6500)] == ["order_today", "recommend", None]


def test_taking_the_listed_price_is_no_deal() -> None:
    assert talk(TERMS, Offer(accepts=True))[0].kind == "stands"
    assert kinds(talk(TERMS, 6000, Offer(accepts=True))) == ["step", "deal"]


# A million of these were run once: HAGGLES=1000000 (make haggles)

SUMS = (0, 1, 2, 9, 10, 99, 100, 101, 999, 1990, 5000, 9999, 10000, 123456, 10**9, 10**15, 10**15 + 1, 10**30)


def any_terms(chance: random.Random) -> Terms:
    price = chance.choice((*SUMS, chance.randrange(1, 10**6), chance.randrange(1, 10**6)))
    floor = chance.choice((0, price, price + 1, price * chance.randrange(101) // 100))
    return Terms(
        price=price,
        floor=floor if chance.random() < 0.5 else price * chance.randrange(50, 100) // 100,
        rounds=chance.choice((0, 1, 2, 3, 4, 5, 5, 5)),
        postage=chance.choice((None, 0, 1, price // 20, price // 10, *SUMS)),
        free_postage=chance.random() < 0.5,
        from_quantity=chance.choice(((), ((3, 5),), ((2, 0), (3, 100)), ((2, 10), (5, 20), (9, 30)))),
        coupon=chance.choice((0, 0, 0, 5, 10, 50, 99, 100)),
        in_return=chance.choice(((), ("order_today",), ("order_today", "recommend"))),
        valid=chance.choice((timedelta(0), timedelta(hours=1), DAY)),
    )


def any_offer(chance: random.Random, terms: Terms, before: Offer) -> Offer:
    roll = chance.random()
    if roll < 0.2:
        return before  # again
    if roll < 0.3:
        return Offer(accepts=True, quantity=before.quantity)
    if roll < 0.4:
        return Offer(quantity=before.quantity)
    quantity = before.quantity if chance.random() < 0.7 else chance.choice((-1, 0, 1, 2, 3, 5, 10, 9999))
    whole = terms.price * max(quantity, 1)
    near = whole * chance.randrange(40, 121) // 100
    amount = near if chance.random() < 0.8 else chance.choice((*SUMS, -5, whole, terms.floor))
    if roll < 0.6 and before.amount is not None:
        amount = before.amount + chance.choice((-1, 0, 1, max(1, whole // 50)))
    return Offer(amount=amount, quantity=quantity, postage_free=chance.random() < 0.2)


def paid(terms: Terms, price: Price) -> int:
    """What the buyer pays with postage."""
    return price.minor + (0 if price.postage_free else terms.postage or 0)


def test_random_dialogues_keep_the_floor_never_rise_and_end() -> None:
    chance = random.Random(int(os.environ.get("HAGGLES_SEED", "29")))
    for number in range(DIALOGUES):
        haggle(chance, number)


def haggle(chance: random.Random, number: int) -> None:
    terms, state, now = any_terms(chance), Bargain(), NOON
    offer = Offer()
    pays_for: dict[int, tuple[int, int]] = {}  # by quantity: what the buyer pays, and when they heard it
    best: dict[bool, tuple[int, int]] = {}  # with free postage or without it
    won_at, fallen = -1, 0
    for turn in range(chance.randrange(3, 15)):
        offer = any_offer(chance, terms, offer)
        now += chance.choice((timedelta(0), timedelta(minutes=1), timedelta(hours=5), 2 * DAY))
        state, said = move(terms, state, offer, now)
        hint = (number, turn, terms, state, offer, said)
        untaken = offer.postage_free and terms.postage is None and said.kind == "stands"
        costs_it_anyway = said.price == Price(said.listed) and (offer.amount or 0) >= said.listed
        unheard = untaken or costs_it_anyway or said.kind == "fixed"
        if offer.amount is not None and not unheard and is_more(best.get(offer.postage_free), offer):
            best[offer.postage_free] = (offer.amount, said.quantity)
            won_at = turn
        if said.kind == "deal":
            won_at = turn
        assert above_the_floor(terms, said), hint
        assert said.price.minor <= said.listed or said.price.postage_free, hint
        pays, heard_at = pays_for.get(said.quantity, (None, -1))
        now_pays = said.price.minor + (0 if said.price.postage_free else terms.postage or 0)
        assert pays is None or now_pays <= pays, hint  # it never rises, so nothing rises and then falls
        if pays is not None and now_pays < pays:
            assert won_at > heard_at, hint
            fallen += 1
        pays_for[said.quantity] = (now_pays, turn)
        assert state.level <= terms.rounds, hint
    assert fallen <= (terms.rounds + 1) * len(pays_for), (number, terms, state)


def above_the_floor(terms: Terms, said: Move) -> bool:
    """Reckoned by hand: what is left after the coupon, and after postage that the shop pays."""
    if said.price == Price(terms.price * said.quantity):
        return True  # nothing was given
    if said.price.postage_free and not terms.postage:
        return False
    left = said.price.minor * (100 - terms.coupon)
    left -= 100 * (terms.postage or 0) if said.price.postage_free else 0
    return left >= 100 * terms.floor * said.quantity and leaves_floor(terms, said.quantity, said.price)


def is_more(before: tuple[int, int] | None, offer: Offer) -> bool:
    """Whether an offer is more for each piece than the best one of its kind."""
    assert offer.amount is not None
    return before is None or offer.amount * before[1] > before[0] * max(offer.quantity, 1)
