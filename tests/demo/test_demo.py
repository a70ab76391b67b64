"""The demo's ten days, judged by what the program promises, in every language it is played in."""

import asyncio
import io
import re
import subprocess
import sys
import time
from datetime import time as clock_time
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from bot.demo import run
from bot.demo.cast import load_cast
from bot.demo.deliveries import recorded
from bot.demo.script import STEPS
from bot.demo.stage import play
from bot.demo.transcript import ShownMessage, Transcript
from bot.demo.view import View
from bot.demo.wrapping import wrap
from bot.domain.shop import LOCALES
from bot.seller.words import SellerWords

LONG_ENOUGH = 300.0  # seconds; it takes three, and longer where many tests share a machine


@cache
def played(locale: str) -> Transcript:
    return asyncio.run(play(locale))


@pytest.fixture(params=LOCALES)
def account(request: pytest.FixtureRequest) -> Transcript:
    return played(request.param)


def find(account: Transcript, template: str, order: str | None = None) -> list[ShownMessage]:
    return [
        message
        for message in account.messages
        if message.template == template and order in (None, message.order)
    ]


def only(account: Transcript, template: str, order: str | None = None) -> ShownMessage:
    found = find(account, template, order)
    assert len(found) == 1, [message.key for message in found]
    return found[0]


def name(account: Transcript, person: str) -> str:
    return str(load_cast(account.locale).values[person]["name"])


def test_nothing_arrives_twice_and_nothing_unrecorded(account: Transcript) -> None:
    sent = [message for message in account.messages if message.state == "sent"]

    assert len({message.key for message in account.messages}) == len(account.messages)
    assert [message.key for message in sent if message.copies != 1] == []
    assert account.stray == 0
    assert account.counts.sent == len(sent) > 40


def test_every_genuine_delivery_is_acknowledged_and_handled(account: Transcript) -> None:
    assert {delivery.status for delivery in account.deliveries} == {200, 401}
    assert {event.state for event in account.events} == {"done"}
    assert {case.kind for case in account.cases} == {
        "payment_claim",
        "unpaid",
        "delay",
        "bad_review",
        "human",
        "quote",
        "return",
        "complaint",
    }


def test_all_ways_in_and_out_are_used(account: Transcript) -> None:
    assert {delivery.channel for delivery in account.deliveries} == {
        "webhook",
        "extension",
        "shopify",
        "woocommerce",
        "telegram",
    }
    assert {message.channel for message in account.messages if message.copies} == {
        "webhook",
        "telegram",
        "email",
    }


def test_every_recorded_delivery_and_note_is_played() -> None:
    assert set(recorded()) == {step.delivery for step in STEPS if step.delivery}
    for locale in LOCALES:
        cast = load_cast(locale)
        assert set(cast.words["notes"]) == {step.note for step in STEPS if step.note}
        assert set(cast.chat) == {step.words for step in STEPS if step.words}


def test_only_the_forged_delivery_is_refused_and_it_pays_nothing(account: Transcript) -> None:
    refused = [delivery for delivery in account.deliveries if delivery.status == 401]

    assert [(delivery.kind, delivery.order) for delivery in refused] == [("order.paid", "1002")]
    assert [message.state for message in find(account, "payment_reminder", "1002")] == ["sent"] * 3
    assert find(account, "payment_received", "1002") == []


def test_the_last_reminder_is_withdrawn_because_the_money_came(account: Transcript) -> None:
    first, second, last = find(account, "payment_reminder", "1001")
    received = only(account, "payment_received", "1001")

    assert (first.state, second.state, last.state) == ("sent", "sent", "withdrawn")
    assert last.code == "order_paid"
    assert received.settled_at is not None
    assert received.settled_at < last.due_at


def test_a_repeated_delivery_is_said_once(account: Transcript) -> None:
    repeats = [delivery for delivery in account.deliveries if delivery.repeat]

    assert [(delivery.order, delivery.status) for delivery in repeats] == [("727", 200)] * 2
    assert only(account, "order_confirmation", "727").copies == 1


def test_an_order_paid_on_arrival_is_not_asked_to_pay(account: Transcript) -> None:
    assert {message.state for message in find(account, "payment_reminder", "727")} == {"withdrawn"}


def test_deliveries_in_the_wrong_order_are_told_in_the_right_one(account: Transcript) -> None:
    kinds = [delivery.kind for delivery in account.deliveries if delivery.order == "1000"]
    told = sorted((message.turn, message.template) for message in account.messages if message.order == "1000")

    assert kinds[:3] == ["order.shipped", "order.placed", "order.paid"]
    assert [template for turn, template in told if turn][:3] == [
        "order_confirmation",
        "shipped",
        "payment_received",
    ]


def test_nothing_but_answers_and_the_confirmation_of_a_new_order_goes_out_in_quiet_hours(
    account: Transcript,
) -> None:
    zone = ZoneInfo(account.timezone)
    at_night = [
        message.key
        for message in account.messages
        if message.copies and message.settled_at and message.category != "answer"
        if not clock_time(8) <= message.settled_at.astimezone(zone).time() < clock_time(22)
    ]
    confirmation = only(account, "order_confirmation", "#1042")

    assert at_night == [confirmation.key]
    assert confirmation.settled_at is not None
    assert f"{confirmation.settled_at.astimezone(zone):%d %H:%M}" == "16 23:40"


def test_nobody_hears_more_than_the_cap_in_a_day(account: Transcript) -> None:
    moments = [
        (message.to, message.settled_at.timestamp())
        for message in account.messages
        if message.copies and message.settled_at and message.category != "answer"
    ]
    most = max(
        sum(1 for to, at in moments if to == who and since <= at < since + 86400) for who, since in moments
    )

    assert most == 3
    assert [hold.code for hold in only(account, "delivered", "1000").held] == ["day_full"]


def test_a_buyer_proves_an_order_by_digits_and_is_answered_where_they_ask_but_written_to_by_mail(
    account: Transcript,
) -> None:
    assert only(account, "which_order").copies == only(account, "not_matched").copies == 1
    assert only(account, "where_is_order", "#1042").channel == "telegram"
    assert [message.channel for message in find(account, "shipped", "#1042")] == ["email", "email"]


def test_the_bot_is_silent_while_a_person_talks_and_speaks_once_the_chat_is_given_back(
    account: Transcript,
) -> None:
    answer, back, _ = [event for event in account.events if event.agent]
    ann, shipped = name(account, "ann"), only(account, "shipped", "1001")
    between = [
        message.template
        for message in account.messages
        if message.copies and message.to == ann and message.settled_at
        if answer.at <= message.settled_at < back.at
    ]

    assert between == ["from_person"]
    assert only(account, "from_person").text in (answer.text or "")
    assert [hold.code for hold in shipped.held] == ["human_talks"]
    assert (shipped.state, shipped.settled_at) == ("sent", back.at)
    assert [event.text for event in account.events if event.silent] == [
        load_cast(account.locale).chat["ann_is_glad"]
    ]
    assert {message.state for message in find(account, "where_is_order", "1001")} == {"sent"}


def test_a_haggle_ends_in_a_quote_whose_price_the_order_gets(account: Transcript) -> None:
    goods, emma = load_cast(account.locale).values["set"], name(account, "emma")
    told = [message.template for message in account.messages if message.template.startswith("haggle_")]
    deal, seen = only(account, "haggle_deal"), only(account, "quote_seen")
    quote = next(case for case in account.cases if case.kind == "quote")

    assert told == ["haggle_step", "haggle_step", "haggle_deal"]
    assert {deal.to, seen.to} == {emma}
    assert "Q101" in (deal.text or "")
    assert "Q101" in (seen.text or "")
    assert quote.closed_at is not None
    assert float(goods["price"]) * 0.85 <= float(goods["agreed"]) < float(goods["price"])
    written = (
        f"{float(goods['agreed']):,.2f}".removesuffix(".00") if account.locale == "zh-TW" else goods["agreed"]
    )
    assert written in (only(account, "haggle_deal").text or "")
    assert written in (only(account, "payment_received", "1004").text or "")


def test_what_is_sent_back_is_a_case_until_the_money_is_back(account: Transcript) -> None:
    case = next(case for case in account.cases if case.kind == "return")
    refund = only(account, "refunded", "1004")

    assert only(account, "return_agreed").to == name(account, "emma")
    assert case.order == "1004"
    assert (case.closed_at, case.outcome) == (refund.settled_at, None)


def test_a_complaint_has_a_number_and_a_day_and_its_outcome_is_told(account: Transcript) -> None:
    case = next(case for case in account.cases if case.kind == "complaint")
    taken, told = only(account, "complaint_taken"), only(account, "complaint_settled")

    assert str(case.number) in (taken.text or "")
    assert case.outcome
    assert case.outcome in (told.text or "")
    assert case.closed_at == told.settled_at


def test_nothing_is_said_after_stop_but_that_it_was_heard(account: Transcript) -> None:
    hugo = name(account, "hugo")
    heard = only(account, "stopped")
    assert heard.settled_at is not None
    later = [
        message.template
        for message in account.messages
        if message.copies
        and message.to == hugo
        and message.settled_at
        and message.settled_at >= heard.settled_at
    ]

    assert later == ["stopped"]
    assert {
        message.code for message in account.messages if message.to == hugo and message.state == "skipped"
    } == {"stopped"}


def test_a_silent_buyer_is_tried_another_way_and_then_given_to_the_seller(account: Transcript) -> None:
    contact = only(account, "second_contact", "1002")
    unpaid = next(case for case in account.cases if case.kind == "unpaid")

    assert only(account, "order_confirmation", "1002").channel == "webhook"
    assert (contact.channel, contact.state) == ("email", "sent")
    assert (unpaid.order, unpaid.closed_at) == ("1002", None)
    words = SellerWords(account.locale)
    told = ("order_confirmation", "payment_reminder", "second_contact")
    places = [unpaid.reason.find(words.template(template)) for template in told]
    assert places == sorted(places)
    assert min(places) > 0


def test_two_parcels_a_refund_and_no_request_for_a_review(account: Transcript) -> None:
    assert [message.state for message in find(account, "shipped", "#1042")] == ["sent", "sent"]
    assert only(account, "partly_refunded", "#1042").state == "sent"
    assert {message.code for message in find(account, "review_request", "#1042")} == {"order_refunded"}


def test_what_an_extension_tells_is_about_the_order_of_the_platform_that_placed_it(
    account: Transcript,
) -> None:
    assert [delivery.order for delivery in account.deliveries if delivery.channel == "extension"] == [
        "727"
    ] * 2
    assert only(account, "delivered", "727").state == "sent"
    assert {message.to for message in account.messages if message.order == "727"} == {name(account, "david")}


def test_a_late_parcel_is_told_to_the_buyer_and_the_seller(account: Transcript) -> None:
    assert only(account, "delayed", "1001").state == "sent"
    assert [case.order for case in account.cases if case.kind == "delay"] == ["1001"]


def test_a_review_is_asked_for_after_a_week_and_answered_in_its_own_tone(account: Transcript) -> None:
    delivered, asked = only(account, "delivered", "1000"), find(account, "review_request", "1000")[0]
    bad = next(case for case in account.cases if case.kind == "bad_review")

    assert (asked.due_at - delivered.due_at).days == 7
    assert asked.state == "sent"
    assert only(account, "review_thanks", "1000").state == "sent"
    assert only(account, "review_sorry", "727").state == "sent"
    assert bad.draft
    assert account.shop in bad.draft


def test_an_offer_reaches_only_those_who_agree_and_says_how_to_stop(account: Transcript) -> None:
    offers = {message.to: message for message in find(account, "vip_promotion")}
    emma, clara = offers.pop(name(account, "emma")), offers.pop(name(account, "clara"))

    assert offers == {}
    assert (clara.state, clara.code) == ("skipped", "not_agreed")
    assert emma.state == "sent"
    assert re.search("NO OFFERS|不要优惠|不要優惠", emma.text or "")


def test_a_chat_hears_no_subject_and_a_mail_has_one(account: Transcript) -> None:
    arrived = [message for message in account.messages if message.copies]

    assert [message.key for message in arrived if "Subject:" in (message.text or "")] == []
    assert [message.key for message in arrived if bool(message.subject) != (message.channel == "email")] == []


def test_every_buyer_is_called_by_their_own_name(account: Transcript) -> None:
    values = load_cast(account.locale).values
    people = {str(value["name"]) for value in values.values() if isinstance(value, dict) and "phone" in value}

    assert {message.to for message in account.messages} == people


@pytest.mark.parametrize("locale", LOCALES)
def test_the_goods_add_up_to_the_totals(locale: str) -> None:
    values = load_cast(locale).values
    price = {item: float(values[item]["price"]) for item in ("tea", "mug", "pot", "set", "tray")}
    postage = float(values["postage"])

    assert float(values["emma"]["total"]) == pytest.approx(2 * price["tea"])
    assert float(values["ann"]["total"]) == pytest.approx(2 * price["mug"] + postage)
    assert (
        float(values["ben"]["total"])
        == float(values["david"]["total"])
        == pytest.approx(price["pot"] + postage)
    )
    assert float(values["clara"]["total"]) == pytest.approx(price["set"] + price["tray"])
    assert float(values["hugo"]["total"]) == pytest.approx(price["tea"] + postage)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_view_fits_its_window_and_shows_every_word(locale: str, width: int) -> None:
    page = io.StringIO()

    View(played(locale), load_cast(locale).words, Console(file=page, width=width)).draw()

    lines = page.getvalue().splitlines()
    commands = [line for line in lines if "xiaoer " in line]
    assert [line for line in lines if cell_len(line) > width and line not in commands] == []
    assert "\x1b" not in page.getvalue()
    shown = re.sub(r"[\s│]", "", page.getvalue())
    for message in played(locale).messages:
        assert re.sub(r"[\s│]", "", message.text or "") in shown


def test_json_is_one_document_of_the_shape_we_promise() -> None:
    page = io.StringIO()
    before = time.monotonic()

    assert run("en", True, Console(file=page, width=80)) == 0

    assert time.monotonic() - before < LONG_ENOUGH
    told = msgspec.json.decode(page.getvalue(), type=Transcript)
    assert told == played("en")
    assert {"events", "messages", "deliveries", "cases", "counts"} <= set(
        msgspec.json.decode(page.getvalue())
    )


def test_the_command_needs_no_settings_and_colours_no_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--locale", "zh-TW"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONG_ENOUGH,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "青花小舖" in done.stdout
    assert "\x1b" not in done.stdout


def test_chinese_breaks_anywhere_but_before_a_comma() -> None:
    assert wrap("订单已经发货，请留意。", 12) == ["订单已经发", "货，请留意。"]
    assert wrap("等到 3月17日 08:00", 9) == ["等到 3月", "17日", "08:00"]


def test_an_address_longer_than_the_line_is_cut() -> None:
    assert wrap("see https://example.com/abc", 10) == ["see https:", "//example.", "com/abc"]
