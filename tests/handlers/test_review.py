"""Reviews: asked for at the right time and of the right people, thanked for, answered."""

from datetime import timedelta
from itertools import permutations

from msgspec.structs import replace

from bot.domain.actions import OpenCase
from bot.domain.context import Context, Said
from handlers import review
from handlers.review import request
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, days

ASKED = "review_request:1001:all"


def arrived() -> Desk:
    return Desk().take(world.placed(), world.paid(), world.shipped(), world.delivered(None, days(3)))


def test_a_review_is_asked_for_7_days_after_delivery_and_once_more_5_days_later() -> None:
    desk = arrived()

    assert desk.waiting[ASKED].at == PLACED + days(10)
    assert desk.waiting["review_reminder:1001:all"].at == PLACED + days(15)
    assert desk.why_outdated(ASKED) is None


def test_a_shop_may_ask_sooner_or_never() -> None:
    facts = (world.placed(), world.delivered(None, days(3)))
    soon = Desk(world.shop_with(followups={"review": "1d", "review_reminder": "0d"})).take(*facts)
    never = Desk(world.shop_with(followups={"review": "0d"})).take(*facts)

    assert soon.waiting[ASKED].at == PLACED + days(4)
    assert [say.template for say in soon.waiting.values()].count("review_reminder") == 0
    assert not any(message.say.template.startswith("review") for message in never.messages.values())


def test_no_review_is_asked_for_with_an_open_case() -> None:
    assert arrived().why_outdated(ASKED, cases=(world.human_case(),)) == "case_open"


def test_no_review_is_asked_for_after_a_refund_also_of_a_part() -> None:
    desk = arrived().take(world.refunded(2000))

    assert desk.why_withdrawn("review_request") == {"order_refunded"}
    assert desk.why_withdrawn("review_reminder") == {"order_refunded"}
    assert desk.why_outdated(ASKED) == "order_refunded"


def test_no_review_is_asked_for_a_cancelled_order() -> None:
    assert arrived().take(world.cancelled(days(4))).why_outdated(ASKED) == "order_cancelled"


def test_who_reviewed_is_not_asked_any_more() -> None:
    desk = arrived().take(world.reviewed(5))

    assert desk.why_withdrawn("review_request") == {"order_reviewed"}
    assert desk.why_outdated(ASKED) == "order_reviewed"


def test_a_completed_order_is_there_after_the_usual_time_where_no_delivery_is_reported() -> None:
    desk = Desk().take(world.placed(), world.completed(days(4)))
    key = "review_request:1001:completed"

    assert desk.waiting[key].at == PLACED + days(4 + 5 + 7)
    assert desk.why_outdated(key) is None
    assert desk.take(world.delivered(None, days(5))).why_outdated(key) == "order_delivered"


def test_what_left_again_after_it_was_taken_back_is_there_after_the_usual_time_from_then() -> None:
    facts = [
        replace(world.shipped("1", days(1)), followed=False, tracking=None),
        world.taken_back("1", days(2)),
        replace(world.shipped("1", days(20)), followed=False, tracking=None),
    ]
    straight, *others = [Desk().take(world.placed(), *events) for events in permutations(facts)]
    again = f"review_request:1001:travel-1:{PLACED + days(20):%Y%m%dT%H%M%S}"

    assert straight.waiting[again].at == PLACED + days(20 + 5 + 7)
    assert straight.why_outdated(again) is None
    assert straight.why_outdated("review_request:1001:travel-1") == "order_not_delivered"
    assert all(desk.waiting == straight.waiting for desk in others)


def test_an_order_that_is_completed_as_the_parcel_leaves_has_not_arrived() -> None:
    desk = Desk().take(world.placed(), world.shipped("A", days(1)), world.completed(days(1)))
    key = "review_request:1001:completed"

    assert [say.at for name, say in desk.waiting.items() if name.startswith("review_request")] == [
        PLACED + days(1 + 5 + 7)
    ]
    assert desk.why_outdated(key) is None  # no carrier says anything
    desk.take(world.moved("A", days(2)))
    assert desk.why_outdated(key) == "order_not_delivered"
    desk.take(world.delivered("A", days(20)))
    assert desk.why_outdated(key) == "order_delivered"
    assert desk.waiting["review_request:1001:parcel-A"].at == PLACED + days(27)


def test_parcels_that_nobody_follows_are_guessed_by_when_they_left_also_if_the_order_was_completed() -> None:
    unfollowed = replace(world.shipped("A", days(1)), followed=False)
    desk = Desk().take(world.placed(), unfollowed, world.completed(days(4)))

    assert desk.why_outdated("review_request:1001:travel-A") is None
    assert desk.waiting["review_request:1001:travel-A"].at == PLACED + days(1 + 5 + 7)
    assert desk.why_outdated("review_request:1001:completed") == "order_completed"


def test_a_part_that_arrived_is_not_the_whole_because_the_order_is_closed() -> None:
    part = world.shipped("A", days(1), last=False)
    desk = Desk().take(world.placed(), part, world.delivered("A", days(2)), world.completed(days(3)))

    assert desk.why_outdated("review_request:1001:parcel-A") is not None
    assert desk.why_outdated("review_request:1001:completed") is None
    assert desk.waiting["review_request:1001:completed"].at == PLACED + days(3 + 5 + 7)


def test_the_review_waits_for_the_last_parcel() -> None:
    desk = Desk().take(world.shipped("A"), world.shipped("B"), world.delivered("A", days(3)))
    assert desk.why_outdated("review_request:1001:parcel-A") == "order_not_delivered"

    desk.take(world.delivered("B", days(6)))

    assert desk.why_outdated("review_request:1001:parcel-A") == "order_delivered"
    assert desk.waiting["review_request:1001:parcel-B"].at == PLACED + days(13)
    assert desk.why_outdated("review_request:1001:parcel-B") is None


def test_a_parcel_that_follows_weeks_later_is_no_reason_to_ask_twice() -> None:
    order = world.order_of(world.shipped("A"), world.delivered("A"), world.shipped("B"), world.delivered("B"))
    said = Said(
        key="review_request:1001:parcel-A",
        template="review_request",
        state="sent",
        order="1001",
        sent_at=PLACED,
    )
    context = Context(now=PLACED + days(30), shop_id="mugs", shop=world.SHOP, said=(said,))

    assert request(order, context) == []


def test_praise_is_thanked_for() -> None:
    desk = arrived().take(world.reviewed(5))

    assert desk.waiting["review_thanks:1001:v1"].values == {"review": "v1"}
    assert desk.cases == {}


def test_an_answer_names_the_rating_of_today() -> None:
    for facts in permutations((world.reviewed(5, days(6)), world.reviewed(4, days(7)))):
        order = arrived().take(*facts).order
        assert order
        due = arrived().take(*facts).waiting["review_thanks:1001:v1"]
        assert (due.at, due.values, order.rating_of("v1")) == (PLACED + days(6), {"review": "v1"}, 4)


def test_a_bad_review_brings_an_apology_a_case_and_a_drafted_explanation() -> None:
    desk = arrived().take(world.reviewed(1, text="broken"))

    assert "review_sorry:1001:v1" in desk.waiting
    case = desk.reasons["bad_review:1001:v1"]
    assert case.details == {"order": "1001", "rating": 1, "text": "broken"}
    assert case.draft == "review_reply_draft"


def test_the_case_is_about_our_order_where_two_systems_number_theirs_alike() -> None:
    """The platform's id is another system's order too; ours tells them apart."""
    order = replace(world.order_of(world.placed()), id="1001@second shop", own_id="1001")
    context = Context(
        now=world.PLACED, shop_id="mugs", shop=world.SHOP, buyer=world.ANN, order=order, orders=(order,)
    )

    (case,) = review.show(world.reviewed(1), context)

    assert isinstance(case, OpenCase)
    assert (case.order, case.key) == ("1001@second shop", "bad_review:1001@second shop:v1")
    assert case.details["order"] == "1001"


def test_two_stars_hurt_and_three_are_honest() -> None:
    assert arrived().take(world.reviewed(2)).open_cases == {"bad_review:1001:v1"}
    assert arrived().take(world.reviewed(3)).open_cases == set()


def test_thanks_are_not_sent_for_praise_that_was_taken_back() -> None:
    desk = arrived().take(world.reviewed(5, days(6)), world.reviewed(1, days(7)))

    assert desk.why_outdated("review_thanks:1001:v1") == "order_reviewed"
    assert desk.why_outdated("review_sorry:1001:v1") is None


TEN_DAYS = days(10)


def asked(state: str = "sent", at: timedelta = TEN_DAYS) -> tuple[Said, ...]:
    sent_at = PLACED + at if state == "sent" else None
    return (Said(key="q", template="review_request", state=state, order="1001", sent_at=sent_at),)


def test_a_reminder_looks_back_only_to_a_request_that_was_sent() -> None:
    desk = Desk().take(world.placed(), world.delivered())
    reminder = "review_reminder:1001:all"

    assert desk.why_outdated(reminder) == "nothing_said"
    assert desk.why_outdated(reminder, said=asked("skipped")) == "nothing_said"
    assert desk.why_outdated(reminder, said=asked()) is None


def test_a_reminder_counts_from_when_the_request_was_sent() -> None:
    desk = Desk().take(world.placed(), world.delivered())
    say, late = desk.messages["review_reminder:1001:all"].say, asked(at=days(14))
    wait = world.not_before(say, desk.facts(said=late), PLACED + days(15))

    assert wait
    assert wait >= PLACED + days(18.9)
    assert world.not_before(say, desk.facts(said=asked()), PLACED + days(15)) is None
