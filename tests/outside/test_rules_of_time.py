"""The judge itself, where it is about when words come, what is missing, and what arrival may not change."""

from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from tests.outside import generator, reading
from tests.outside.facts import Cancelled, Delivered, Paid, Refunded, Replied, Restored, Reviewed
from tests.outside.histories import (
    ANN,
    BEN,
    CHAT,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    STRANGER,
    fact,
    found,
    hears,
    history,
    paid,
    placed,
    shipped,
    wrote,
)
from tests.outside.history import Case, Shop, Trouble
from tests.outside.judge import RULES, judge


def test_nothing_unasked_is_heard_in_quiet_hours() -> None:
    night = hears(11 * HOUR, "shipped")
    assert found("quiet-hours", placed(), night)
    assert not found("quiet-hours", placed(), hears(9 * HOUR, "shipped"))
    assert not found(
        "quiet-hours", placed(), wrote(11 * HOUR, "question", chat=CHAT), hears(11 * HOUR, "hello", CHAT)
    )
    assert not found("quiet-hours", placed(), night, shop=Shop(quiet=(time(0), time(0))))


def test_quiet_hours_are_the_buyers_own_and_a_fresh_confirmation_is_an_answer() -> None:
    tokyo = placed(contact=replace(ANN, zone="Asia/Tokyo"))
    assert found("quiet-hours", tokyo, hears(2 * HOUR, "shipped"))
    assert not found("quiet-hours", tokyo, hears(12 * HOUR, "shipped"))
    fresh, stale = placed(11 * HOUR), hears(13 * HOUR, "order_confirmation")
    assert not found("quiet-hours", fresh, hears(11 * HOUR + MINUTE, "order_confirmation"))
    assert found("quiet-hours", fresh, stale)


def test_more_than_the_cap_within_a_day_is_found() -> None:
    said = [hears(n * HOUR, "shipped") for n in range(1, 4)]
    assert found("caps", placed(), *said, shop=Shop(per_day=2))
    assert not found("caps", placed(), *said, shop=Shop(per_day=3))
    assert not found(
        "caps", placed(), *(hears(n * DAY, "shipped") for n in range(1, 4)), shop=Shop(per_day=1)
    )


def test_the_bot_is_silent_while_a_person_writes() -> None:
    person = fact(Replied, MINUTE, chat=CHAT)
    assert found("takeover", placed(), person, hears(HOUR, "shipped", CHAT))
    assert not found("takeover", placed(), person, hears(3 * HOUR, "shipped", CHAT))
    assert not found("takeover", placed(), person, hears(HOUR, "shipped"))


NO_REVIEW = {
    "not arrived": (shipped(HOUR),),
    "too early": (fact(Delivered, 8 * DAY),),
    "cancelled": (fact(Delivered, DAY), fact(Cancelled, 2 * DAY)),
    "paid back": (paid(MINUTE), fact(Delivered, DAY), fact(Refunded, 2 * DAY, refund="r")),
    "reviewed": (fact(Delivered, DAY), fact(Reviewed, 2 * DAY, rating=5)),
}


@pytest.mark.parametrize("why", NO_REVIEW)
def test_a_review_that_should_not_be_asked_for_is_found(why: str) -> None:
    assert found("reviews", placed(), *NO_REVIEW[why], hears(9 * DAY, "review_request"))


def test_a_review_is_asked_for_after_the_arrival_or_the_time_it_takes() -> None:
    assert not found("reviews", placed(), fact(Delivered, DAY), hears(9 * DAY, "review_request"))
    unfollowed = shipped(HOUR, followed=False)
    assert not found("reviews", placed(), unfollowed, hears(13 * DAY, "review_request"))
    assert found("reviews", placed(), unfollowed, hears(8 * DAY, "review_request"))


def test_an_order_that_nobody_confirms_is_found() -> None:
    assert found("confirmed", placed())
    assert not found("confirmed", placed(), hears(MINUTE, "order_confirmation"))


EXCUSES = {
    "no address": placed(contact=replace(ANN, buyer=None, email=None)),
    "told too late": (2 * DAY, placed()[1]),
    "a test": placed(test=True),
}


@pytest.mark.parametrize("why", EXCUSES)
def test_an_order_need_not_be_confirmed_with_good_reason(why: str) -> None:
    assert not found("confirmed", EXCUSES[why])


def test_a_stop_excuses_only_its_own_address() -> None:
    assert found("confirmed", wrote(0 * MINUTE, "stop"), placed(MINUTE))
    guest = placed(MINUTE, replace(ANN, email=None))
    assert not found("confirmed", wrote(0 * MINUTE, "stop", chat=CHAT), guest)
    assert not found("confirmed", placed(), fact(Cancelled, HOUR))


def test_a_restored_order_is_spoken_of_once_more() -> None:
    gone = (placed(), fact(Cancelled, MINUTE), hears(MINUTE, "cancelled"), fact(Restored, HOUR))
    assert found("restored", *gone)
    assert not found("restored", *gone, hears(2 * HOUR, "order_confirmation"))


def test_a_question_of_a_chat_with_an_order_is_answered_or_a_person_called() -> None:
    asked = (placed(), wrote(HOUR, "question", chat=CHAT))
    assert found("answered", *asked)
    assert not found("answered", *asked, hears(HOUR, "where_is_order", CHAT))
    called = Case(opened_at=NOON + HOUR, order=None, who=None)
    assert not found("answered", *asked, cases=[called])
    assert not found("answered", placed(), wrote(HOUR, "question"))
    person = wrote(HOUR, "person", chat=CHAT)
    assert found("answered", placed(), person, cases=[called])
    assert found("answered", placed(), person, hears(HOUR, "not_understood", CHAT))
    assert not found("answered", placed(), person, hears(HOUR, "human_again", CHAT))


def test_failing_receivers_and_persons_excuse_silence() -> None:
    asked = (placed(), wrote(HOUR, "question", chat=CHAT))
    failing = Trouble(kind="webhook", begins=NOON, ends=NOON + DAY, status=500)
    assert not found("answered", *asked, troubles=[failing])
    replied = fact(Replied, MINUTE, chat=CHAT)
    assert not found("answered", placed(), replied, asked[1])
    assert found("answered", placed(), replied, wrote(3 * HOUR, "question", chat=CHAT))
    assert not found("answered", *asked, fact(Replied, HOUR + MINUTE, chat=CHAT))
    assert found("answered", *asked, fact(Replied, 2 * HOUR, chat=CHAT))


def test_a_right_proof_opens_the_order_at_once() -> None:
    proof = wrote(HOUR, "proof", "2301 5678", number="2301", digits="5678")
    assert found("proved", placed(), proof, hears(HOUR, "not_matched", STRANGER, order=None))
    assert not found("proved", placed(), proof, hears(HOUR, "where_is_order", STRANGER))
    wrong = wrote(HOUR, "proof", "2301 0000", number="2301", digits="0000")
    unseen = hears(HOUR, "not_matched", STRANGER, order=None)
    assert not found("proved", placed(test=True), proof, unseen)
    assert not found("proved", placed(), wrong, hears(HOUR, "not_matched", STRANGER, order=None))
    corrected = placed(MINUTE, replace(ANN, phone=BEN.phone))
    assert not found("proved", placed(), corrected, proof, unseen)
    early = fact(Paid, MINUTE, payment="p", contact=ANN)
    assert not found("proved", early, proof, unseen, placed(2 * HOUR))


def test_another_order_of_arrival_leaves_the_same_messages() -> None:
    one = history(placed(), hears(MINUTE, "shipped", text="left"))
    other = history(hears(HOUR, "shipped", text="left"), placed())
    assert not list(judge(replace(one, others={"another order": other}), ["any-order"]))
    links = [hears(MINUTE, "shipped", text=f"https://t.me/a_bot?start={token}") for token in ("ab", "cd")]
    linked, elsewhere = (history(placed(), link) for link in links)
    assert not list(judge(replace(linked, others={"another order": elsewhere}), ["any-order"]))
    silent = history(placed())
    assert list(judge(replace(one, others={"another order": silent}), ["any-order"]))


def test_every_rule_says_in_a_sentence_what_it_promises() -> None:
    assert len(RULES) > 20
    assert [name for name, rule in RULES.items() if len((rule.__doc__ or "").split()) < 6] == []


def test_a_shop_with_words_of_its_own_is_heard_in_them() -> None:
    own = Shop(own_words=True)
    assert found("own-words", placed(), hears(MINUTE, "shipped"), shop=own)
    assert not found("own-words", placed(), hears(MINUTE, "shipped", number="2301"), shop=own)
    assert not found("own-words", placed(), hears(MINUTE, "shipped"))


def test_an_empty_history_breaks_nothing() -> None:
    assert not list(judge(history()))


def test_of_two_orders_with_numbers_alike_a_mailbox_tells_which_is_meant() -> None:
    other = placed(contact=replace(ANN, email="other@example.com"), order="shopify/1", number="2301")
    seen = history(placed(), other, hears(MINUTE, "shipped"), hears(MINUTE, "shipped", CHAT))
    assert [len(seen.orders_of(heard)) for heard in seen.heard] == [1, 2]


def test_amounts_are_read_in_each_language() -> None:
    assert reading.amounts("£1,234.50 and €5.00", "en") == [
        (Decimal("1234.50"), "GBP"),
        (Decimal("5.00"), "EUR"),
    ]
    assert reading.amounts("合计 ¥128.00", "zh-CN") == [(Decimal("128.00"), "CNY")]
    assert reading.amounts("總金額 CN¥8.00", "zh-TW") == [(Decimal("8.00"), "CNY")]


def test_a_number_within_another_word_is_not_an_orders() -> None:
    assert reading.names_in("Order #2301, parcel TR2302", ["2301", "#2301", "2302"]) == ["#2301"]
    assert reading.names_in("订单 2301-DE 已发货", ["2301", "2301-DE"]) == ["2301-DE"]


def test_a_seed_gives_the_same_run_again() -> None:
    for seed in range(12):
        assert generator.plan(seed) == generator.plan(seed)


def test_a_run_is_told_otherwise_with_the_same_deliveries() -> None:
    plan = generator.plan(1)
    other = plan.other()
    assert other
    assert {step.delivery.id for step in plan.steps} == {step.delivery.id for step in other.steps}
