"""The judge itself: each rule finds what is wrong, and is silent on what is right."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.outside import reading
from tests.outside.facts import (
    Address,
    Cancelled,
    OptedOut,
    Paid,
    Refunded,
    Restored,
    Tidied,
    Voided,
)
from tests.outside.histories import (
    ANN,
    BEN,
    CHAT,
    DAY,
    HOUR,
    MAIL,
    MINUTE,
    STRANGER,
    Event,
    fact,
    found,
    hears,
    history,
    paid,
    placed,
    shipped,
    wrote,
)
from tests.outside.judge import judge


@pytest.mark.parametrize("address", [MAIL, CHAT], ids=["mailbox", "chat"])
def test_a_message_may_reach_its_orders_own_contacts(address: Address) -> None:
    assert not found("crossing", placed(), hears(MINUTE, "shipped", address))


def test_a_message_that_reaches_somebody_else_is_found() -> None:
    assert found("crossing", placed(), hears(MINUTE, "shipped", Address("webhook", "ben")))


def test_a_corrected_address_counts_by_the_platforms_time_and_not_by_its_arrival() -> None:
    corrected = placed(HOUR, replace(ANN, email="new@example.com"))
    late = (2 * HOUR, placed()[1])
    assert found("crossing", corrected, late, hears(3 * HOUR, "shipped", MAIL))
    assert not found(
        "crossing", corrected, late, hears(3 * HOUR, "shipped", Address("email", "new@example.com"))
    )


def test_number_and_digits_open_one_order_to_a_chat_and_wrong_digits_none() -> None:
    right = wrote(MINUTE, "proof", "2301 5678", number="2301", digits="5678")
    wrong = wrote(MINUTE, "proof", "2301 0000", number="2301", digits="0000")
    answer = hears(2 * MINUTE, "where_is_order", STRANGER)
    assert not found("crossing", placed(), right, answer)
    assert found("crossing", placed(), wrong, answer)
    marked = wrote(MINUTE, "proof", "#2301 5678", number="#2301", digits="5678")
    assert not found("crossing", placed(), marked, answer)
    seconds = MINUTE / 60
    assert not found("crossing", right, placed(MINUTE + 4 * seconds), answer)
    assert found("crossing", right, placed(MINUTE + 20 * seconds), answer)
    other = placed(order="webhook/2302")
    assert found("crossing", placed(), other, right, hears(2 * MINUTE, "shipped", STRANGER, order="2302"))


def test_a_link_opens_what_was_sent_to_its_address_to_the_first_chat_only() -> None:
    first = wrote(HOUR, "link", "/start abc", opened=MAIL)
    second = wrote(2 * HOUR, "link", "/start abc", chat=Address("telegram", "7"), opened=MAIL)
    assert not found("crossing", placed(), first, second, hears(3 * HOUR, "shipped", STRANGER))
    assert found("crossing", placed(), first, second, hears(3 * HOUR, "shipped", Address("telegram", "7")))


def test_a_mailbox_that_the_shops_system_has_proved_opens_what_is_sent_to_it() -> None:
    said = hears(2 * MINUTE, "where_is_order", STRANGER)
    for verified, wrong in ((ANN.email, False), (BEN.email, True), (None, True)):
        asked = wrote(MINUTE, "question", verified=verified)
        assert bool(found("crossing", placed(), asked, said)) is wrong


def test_anothers_name_or_number_in_a_text_is_found() -> None:
    both = (placed(), placed(contact=BEN, order="webhook/2302"))
    assert found("crossing", *both, hears(MINUTE, "shipped", text="Hello Benedict, 2301 left"))
    assert found("crossing", *both, hears(MINUTE, "shipped", text="2301 and 2302 left"))
    assert not found("crossing", *both, hears(MINUTE, "shipped", text="Hello Annabel, 2301 left"))


def test_the_name_of_who_shares_the_mailbox_is_found_in_words_about_anothers_order() -> None:
    family = (placed(), placed(contact=replace(BEN, email=ANN.email), order="webhook/2302"))
    assert found("crossing", *family, hears(MINUTE, "shipped", text="Hello Benedict, 2301 left"))
    assert not found("crossing", *family, hears(MINUTE, "shipped", text="Hello Annabel, 2301 left"))
    verified = wrote(MINUTE, "question", chat=Address("webhook", "ben"), verified=ANN.email)
    answer = hears(HOUR, "where_is_order", Address("webhook", "ben"), text="Hello Benedict, 2301 left")
    assert not found("crossing", *family, verified, answer)


def test_whose_digits_an_order_was_corrected_from_ends_none_of_its_reminders() -> None:
    proof = wrote(2 * HOUR, "proof", "2301 5678", number="2301", digits="5678")
    asked, again = wrote(3 * HOUR, "pressing", chat=STRANGER), hears(4 * HOUR, "payment_reminder", MAIL)
    assert found("reminders", placed(), proof, asked, again)
    corrected = placed(HOUR, replace(ANN, phone="+447700901234"))
    assert not found("reminders", placed(), corrected, proof, asked, again)


def test_who_asked_not_to_be_pressed_may_be_asked_to_pay_a_later_order() -> None:
    asked = wrote(MINUTE, "pressing", chat=CHAT)
    assert found("reminders", placed(), asked, hears(DAY, "payment_reminder"))
    assert not found("reminders", asked, placed(HOUR), hears(DAY, "payment_reminder"))


def test_a_number_that_a_chat_typed_itself_may_be_said_to_it() -> None:
    asked = wrote(MINUTE, "question", "where is 2301?", number="2301")
    assert not found("crossing", placed(), asked, hears(MINUTE, None, STRANGER, "What of 2301?", order=None))


def test_an_address_that_said_stop_hears_nothing_unasked_until_its_start() -> None:
    stop = wrote(MINUTE, "stop", chat=CHAT)
    assert found("stop", placed(), stop, hears(HOUR, "shipped", CHAT))
    assert not found("stop", placed(), stop, hears(HOUR, "shipped", MAIL))
    start = wrote(2 * MINUTE, "start", chat=CHAT)
    assert not found("stop", placed(), stop, start, hears(HOUR, "shipped", CHAT))


def test_an_older_start_that_comes_late_undoes_no_stop() -> None:
    late = (3 * MINUTE, wrote(MINUTE, "start", chat=CHAT)[1])
    assert found("stop", placed(), wrote(2 * MINUTE, "stop", chat=CHAT), late, hears(HOUR, "shipped", CHAT))


def test_a_word_from_a_clock_that_runs_ahead_holds_until_the_next_one_comes() -> None:
    ahead, left = 30 * DAY, hears(3 * HOUR, "shipped", CHAT)
    start = (HOUR, wrote(ahead, "start", chat=CHAT)[1])
    assert found("stop", placed(), start, wrote(2 * HOUR, "stop", chat=CHAT), left)
    stop = (HOUR, wrote(ahead, "stop", chat=CHAT)[1])
    assert found("stop", placed(), stop, left)
    assert not found("stop", placed(), stop, wrote(2 * HOUR, "start", chat=CHAT), left)


def test_answers_may_follow_a_stop_and_a_system_may_stop_a_mailbox() -> None:
    asked = wrote(HOUR, "question", chat=CHAT)
    assert not found(
        "stop", placed(), wrote(MINUTE, "stop", chat=CHAT), asked, hears(HOUR, "where_is_order", CHAT)
    )
    gone = fact(OptedOut, MINUTE, addresses=(MAIL,))
    assert found("stop", placed(), gone, hears(HOUR, "shipped"))


def test_what_strangers_change_for_others_is_found() -> None:
    alone = history(placed(), hears(MINUTE, "shipped", text="left"))
    silenced = history(placed(), wrote(MINUTE, "stop"), others={"no strangers": alone})
    same = replace(
        history(placed(), wrote(MINUTE, "stop"), hears(MINUTE, "shipped", text="left")),
        others=silenced.others,
    )
    assert [finding.rule for finding in judge(silenced, ["strangers"])] == ["strangers"]
    assert not list(judge(same, ["strangers"]))


def test_a_stranger_who_opened_an_order_spares_it_a_second_contact_and_nothing_else() -> None:
    opened = wrote(MINUTE, "proof", "2301 5678", number="2301", digits="5678")
    wrong = wrote(MINUTE, "proof", "2301 0000", number="2301", digits="0000")
    for template, tried, silenced in (
        ("second_contact", opened, False),
        ("second_contact", wrong, True),
        ("shipped", opened, True),
    ):
        alone = history(placed(), hears(DAY, template, text="left"))
        both = history(placed(), tried, others={"no strangers": alone})
        assert bool(list(judge(both, ["strangers"]))) is silenced


def test_who_guesses_is_told_of_and_nobody_else() -> None:
    def wrong(tries: int) -> list[Event]:
        digits = [f"{n:04}" for n in range(tries)]
        chats = [Address("telegram", "6000"), Address("telegram", "6001")]
        said = [
            wrote(MINUTE * int(d), "proof", f"2301 {d}", chats[int(d) % 2], number="2301", digits=d)
            for d in digits
        ]
        return [placed(), *said]

    told = hears(HOUR, "order_guessed")
    assert found("guessing", *wrong(10))
    assert found("guessing", *wrong(9), told)
    assert not found("guessing", *wrong(10), told)
    assert not found("guessing", *wrong(9))
    assert not found("guessing", *wrong(10), fact(OptedOut, HOUR, addresses=(MAIL,)))
    at_another = wrote(MINUTE / 2, "proof", "2302 0", Address("telegram", "6000"), number="2302", digits="0")
    assert not found("guessing", at_another, *wrong(10))
    paid_first = fact(Paid, -HOUR, payment="p", contact=ANN)
    early = wrote(-MINUTE, "proof", "2301 x", Address("telegram", "6002"), number="2301", digits="x")
    assert not found("guessing", paid_first, early, *wrong(9), told)


NOT_OWED = {
    "paid": paid(MINUTE),
    "paid without an amount": paid(MINUTE, None, None),
    "cancelled": fact(Cancelled, MINUTE),
    "shipped": shipped(MINUTE),
    "refunded": fact(Refunded, MINUTE, refund="r", amount=Decimal(1), currency="GBP"),
    "on delivery": placed(MINUTE, on_delivery=True),
    "free": placed(MINUTE, total=Decimal(0)),
    "a test": placed(MINUTE, test=True),
    "authorised": placed(MINUTE, paid=Decimal(0), authorised=True),
    "covered by what the platform counts": placed(MINUTE, paid=Decimal(20)),
    "not to be pressed": wrote(MINUTE, "pressing", chat=CHAT),
}


@pytest.mark.parametrize("why", NOT_OWED)
def test_a_reminder_of_what_is_not_owed_is_found(why: str) -> None:
    assert found("reminders", placed(), NOT_OWED[why], hears(HOUR, "payment_reminder"))
    assert not found("reminders", placed(), hears(30 * MINUTE, "payment_reminder"), NOT_OWED[why])


STILL_OWED = {
    "in part": paid(MINUTE, "5.00"),
    "more than before": placed(MINUTE, total=Decimal(30)),
    "restored": fact(Restored, MINUTE),
    "foreign": paid(MINUTE, "2000.00", "JPY"),
}


@pytest.mark.parametrize("why", STILL_OWED)
def test_a_reminder_of_what_is_owed_is_right(why: str) -> None:
    assert not found("reminders", placed(), STILL_OWED[why], hears(HOUR, "payment_reminder"))


def test_texts_that_look_back_need_something_to_look_back_at() -> None:
    assert found("looking-back", placed(), hears(DAY, "second_contact"))
    assert not found(
        "looking-back", placed(), hears(MINUTE, "order_confirmation"), hears(DAY, "second_contact")
    )
    assert found("looking-back", placed(), hears(DAY, "shipped"), hears(9 * DAY, "review_reminder"))
    assert not found(
        "looking-back", placed(), hears(DAY, "review_request"), hears(9 * DAY, "review_reminder")
    )


def test_first_things_come_first_and_reminders_not_in_one_breath() -> None:
    confirmed = hears(HOUR, "order_confirmation")
    assert found("first-things", placed(), hears(MINUTE, "payment_received"), confirmed)
    assert found("first-things", placed(), confirmed, hears(HOUR + MINUTE, "payment_reminder"))
    assert not found("first-things", placed(), confirmed, hears(2 * HOUR, "payment_reminder"))
    for other in ("total_changed", "payment_received"):
        changed = hears(2 * HOUR - MINUTE, other)
        assert found("first-things", placed(), confirmed, changed, hears(2 * HOUR, "payment_reminder"))


def test_what_was_told_long_before_its_order_may_be_said_before_the_confirmation() -> None:
    for wait, excused in ((3 * MINUTE, False), (HOUR, True)):
        late = (wait, placed()[1])
        said = (paid(MINUTE), hears(2 * MINUTE, "payment_received"), late, hears(wait, "order_confirmation"))
        assert bool(found("first-things", *said)) is not excused


def test_a_changed_total_is_said_before_it_is_asked_for() -> None:
    confirmed = hears(MINUTE, "order_confirmation", number="2301", total="£20.00")
    reminded = hears(HOUR, "payment_reminder", number="2301", total="£30.00")
    assert found("changed-total", placed(), confirmed, reminded)
    told = hears(2 * MINUTE, "total_changed", number="2301", total="£30.00")
    assert not found("changed-total", placed(), confirmed, told, reminded)


def test_a_changed_total_that_nobody_says_is_found() -> None:
    events = (placed(), hears(MINUTE, "order_confirmation", number="2301", total="£20.00"))
    raised = placed(HOUR, total=Decimal(30))
    told = hears(2 * HOUR, "total_changed", number="2301", total="£30.00")
    assert found("changed-total", *events, raised)
    assert not found("changed-total", *events, raised, told)
    assert not found("changed-total", *events, raised, fact(Cancelled, HOUR))
    assert not found("changed-total", *events, raised, ends=DAY)


@pytest.mark.parametrize(
    ("later", "first"),
    [
        ("restored", "cancelled"),
        ("total_changed", "order_confirmation"),
        ("tracking_changed", "shipped"),
        ("shipment_cancelled", "shipped"),
    ],
)
def test_what_takes_back_or_corrects_follows_what_it_is_about(later: str, first: str) -> None:
    assert found("looking-back", placed(), hears(HOUR, later))
    assert not found("looking-back", placed(), hears(MINUTE, first), hears(HOUR, later))


WRONG_SUMS = {
    "another total": ((placed(),), {"total": "£21.00"}),
    "owed what was paid": ((placed(), paid(MINUTE, "5.00")), {"total": "£20.00", "left": "£20.00"}),
    "nothing owed": ((placed(), paid(MINUTE, "5.00")), {"total": "£20.00"}),
    "another currency": ((placed(),), {"total": "€20.00", "left": "£20.00"}),
    "owed beside foreign money": (
        (placed(), paid(MINUTE, "4000.00", "JPY")),
        {"total": "£20.00", "left": "£20.00"},
    ),
    "one payment counted twice": ((placed(), paid(MINUTE, "5.00")), {"paid": "£10.00", "left": "£15.00"}),
    "a voided card": ((placed(), paid(MINUTE), fact(Voided, 2 * MINUTE)), {"paid": "£20.00"}),
}


@pytest.mark.parametrize("case", WRONG_SUMS)
def test_sums_that_do_not_add_up_are_found(case: str) -> None:
    events, values = WRONG_SUMS[case]
    assert found("sums", *events, hears(HOUR, "payment_status", MAIL, **values))


def test_sums_that_add_up_are_right_whatever_the_order_of_arrival() -> None:
    said = hears(HOUR, "payment_status", number="2301", total="£30.00", paid="£5.00", left="£25.00")
    raised, part = placed(2 * MINUTE, total=Decimal(30)), paid(MINUTE, "5.00")
    assert not found("sums", placed(), part, part, raised, said)
    assert not found("sums", raised, placed(), part, said)


def test_thanks_are_for_what_was_paid_and_refunds_are_called_what_they_are() -> None:
    back = fact(Refunded, HOUR, refund="r", amount=Decimal(10), currency="GBP")
    foreign = fact(Refunded, HOUR, refund="r", amount=Decimal(20), currency="EUR")
    assert found("thanks", placed(), hears(HOUR, "payment_received"))
    assert found("thanks", placed(), paid(MINUTE, "5.00"), hears(HOUR, "payment_received", number="2301"))
    part = (placed(), paid(MINUTE, "5.00"))
    assert found("thanks", *part, hears(HOUR, "payment_received", text="Thanks for £5.00"))
    assert not found("thanks", *part, hears(HOUR, "payment_received", text="Thanks, £15.00 is still to pay"))
    assert found("thanks", placed(), paid(MINUTE), back, hears(2 * HOUR, "refunded"))
    assert found("thanks", placed(), paid(MINUTE), foreign, hears(2 * HOUR, "refunded"))
    assert not found("thanks", placed(), paid(MINUTE), hears(HOUR, "payment_received", number="2301"))
    assert not found("thanks", placed(), paid(MINUTE), back, hears(2 * HOUR, "partly_refunded"))


def test_no_text_says_that_the_money_came_while_a_card_is_only_authorised() -> None:
    held, taken = placed(paid=Decimal(0), authorised=True), placed(HOUR, paid=Decimal(20))
    for words in ("We've received your payment.", "款已收到，", "款項已收到，"):
        said = hears(2 * HOUR, "order_confirmation", text=words)
        assert found("thanks", held, said)
        assert not found("thanks", held, taken, said)
    assert not found("thanks", held, hears(HOUR, "order_confirmation", text="No money was taken yet."))


def test_nobody_is_asked_for_the_rest_of_what_a_card_was_authorised_for() -> None:
    held, part = placed(paid=Decimal(0), authorised=True), placed(HOUR, paid=Decimal(5))
    asked = hears(2 * HOUR, "payment_reminder")
    assert found("reminders", held, part, asked)
    assert not found("reminders", part, asked)
    assert not found("thanks", held, part, hears(2 * HOUR, "payment_received", text="Thanks for £5.00"))


def test_nobody_is_thanked_for_money_that_cannot_be_compared() -> None:
    foreign, thanks = paid(HOUR, "2000.00", "JPY"), hears(2 * HOUR, "payment_received")
    assert found("thanks", placed(), foreign, thanks)
    assert not found("thanks", placed(), foreign, paid(HOUR, ref="q"), thanks)
    assert not found("thanks", placed(), paid(HOUR), thanks, paid(3 * HOUR, "1.00", "JPY", ref="q"))


def test_an_amount_that_nobody_told_is_found() -> None:
    events = (placed(), paid(MINUTE, "4.50"))
    back = fact(Refunded, MINUTE, refund="r", amount=Decimal("7.40"), currency="GBP")
    rest = hears(HOUR, "cancelled", text="2301: £7.40 went back, the other £12.60 will")
    assert not found("amounts", placed(), paid(MINUTE, None, None), back, rest)
    assert found("amounts", placed(), paid(MINUTE, None, None), rest)
    assert found("amounts", *events, hears(HOUR, None, text="2301: £13.37 is due"))
    cheaper = placed(HOUR, total=Decimal("18.50"))
    more = hears(2 * HOUR, "total_changed", text="It's now £18.50. You've paid £1.50 more.")
    assert not found("amounts", placed(), paid(MINUTE, None, None), cheaper, more)
    assert not found(
        "amounts", *events, hears(HOUR, None, text="2301: of £20.00 we have £4.50, £15.50 is due")
    )


def test_the_same_words_twice_are_found_at_whatever_address() -> None:
    assert found("twice", placed(), hears(MINUTE, "delivered"), hears(HOUR, "delivered", CHAT))
    first, second = (hears(n * HOUR, "payment_reminder", number="2301", step=str(n)) for n in (1, 2))
    assert not found("twice", placed(), first, second)
    assert found("twice", placed(), first, first)


def test_each_cancellation_refund_and_delay_is_told_once() -> None:
    gone, back = fact(Cancelled, MINUTE), fact(Restored, HOUR)
    again = fact(Cancelled, 2 * HOUR)
    said = hears(3 * HOUR, "cancelled")
    assert found("per-fact", placed(), gone, hears(MINUTE, "cancelled"), said)
    assert not found("per-fact", placed(), gone, hears(MINUTE, "cancelled"), back, again, said)
    refund = fact(Refunded, HOUR, refund="r", amount=Decimal(5), currency="GBP")
    twice = (hears(HOUR, "partly_refunded"), hears(2 * HOUR, "partly_refunded"))
    assert found("per-fact", placed(), refund, refund, *twice)
    late = (hears(6 * DAY, "delayed"), hears(7 * DAY, "delayed"))
    on_again = (hears(HOUR, "restored"), hears(2 * HOUR, "restored"))
    assert found("per-fact", placed(), gone, back, *on_again)
    assert not found("per-fact", placed(), gone, back, on_again[0], again, fact(Restored, DAY), on_again[1])
    assert found("per-fact", placed(), shipped(HOUR), *late)
    assert not found("per-fact", placed(), shipped(HOUR), shipped(HOUR, "B"), *late)


def test_a_total_and_a_number_are_told_once_each() -> None:
    for name, values in (("total_changed", {"total": "£30.00"}), ("tracking_changed", {"tracking": "X1"})):
        one, other = hears(HOUR, name, **values), hears(2 * HOUR, name, **dict.fromkeys(values, "X2"))
        assert found("twice", placed(), one, one)
        assert not found("twice", placed(), one, other)


def test_letters_in_shipped_words_are_known_by_their_subject() -> None:
    assert reading.template("Order #2301 is on its way\nHello") == "shipped"
    assert reading.template("訂單 2301 的金額有異動\n") == "total_changed"
    assert reading.template("Something else\nOrder 2301 is on its way") is None


def test_only_a_cancelled_order_is_called_so() -> None:
    assert found("cancelled", placed(), hears(HOUR, "cancelled"))
    assert found("cancelled", placed(), fact(Tidied, MINUTE), hears(HOUR, "cancelled"))
    assert found(
        "cancelled", placed(), fact(Cancelled, MINUTE), fact(Restored, HOUR), hears(DAY, "cancelled")
    )
    assert not found("cancelled", placed(), fact(Cancelled, MINUTE), hears(HOUR, "cancelled"))


def test_nothing_is_said_of_tests() -> None:
    assert found("tests", placed(test=True), hears(MINUTE, "order_confirmation"))
    assert not found("tests", placed(), hears(MINUTE, "order_confirmation"))


def test_what_the_audit_says_of_a_run_is_found() -> None:
    silent = history(placed())

    assert not list(judge(silent, ["accused"]))
    assert list(judge(replace(silent, accused=["order_paid: a reminder"]), ["accused"]))
