"""Cancelled, restored, refunded, refunded in part."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from bot.domain.context import Said
from bot.domain.events import OrderEvent
from bot.domain.money import Money
from handlers.refunds import not_while_the_first_waits
from tests.handlers import world
from tests.handlers.world import PLACED, Desk, acknowledged, days, hours


def test_a_cancelled_order_is_reported_as_of_its_cancelling() -> None:
    desk = Desk().take(world.placed(), world.cancelled())

    assert desk.waiting[key("cancelled", hours(2))].at == PLACED + hours(2)


def test_a_cancelling_taken_back_is_not_reported() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.reopened())

    assert desk.why_outdated(key("cancelled", hours(2))) == "order_reopened"


def test_a_refund_without_an_amount_is_the_whole() -> None:
    desk = Desk().take(world.refunded())

    assert desk.waiting["refunded:1001:r1"].template == "refunded"


def test_a_part_is_reported_as_a_part_with_its_refund() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(2000))

    notice = desk.waiting["partly_refunded:1001:r1"]
    assert (notice.values, notice.at) == ({"refund": "r1"}, PLACED + days(5))
    assert desk.why_outdated("partly_refunded:1001:r1") is None
    assert desk.why_outdated("refunded:1001:r1") == "refund_told_otherwise"


@pytest.mark.parametrize("paid", [(), (world.paid(minor=12800),)])
def test_a_refund_of_the_total_is_reported_as_the_whole(paid: tuple[OrderEvent, ...]) -> None:
    desk = Desk().take(world.placed(), *paid, world.refunded(12800))

    assert desk.why_outdated("refunded:1001:r1") is None
    assert desk.why_outdated("partly_refunded:1001:r1") == "refund_told_otherwise"


def test_the_part_that_gives_back_the_rest_is_the_whole() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(2800), world.refunded(10000, refund="r2"))

    assert desk.why_outdated("refunded:1001:r2") is None


def test_a_whole_that_was_followed_by_new_money_stays_true() -> None:
    """Else a buyer who slept meanwhile reads of the second payment alone, in the words of the first."""
    parts = (world.refunded(2800), world.refunded(10000, days(5.5), refund="r2"))
    desk = Desk().take(world.placed(), world.paid(), *parts, world.paid(days(6), 12800, payment="p2"))

    assert desk.why_outdated("refunded:1001:r2") is None
    assert desk.why_outdated("partly_refunded:1001:r2") == "refund_told_otherwise"
    assert desk.why_outdated("refunded:1001:r1") == "refund_told_otherwise"
    assert desk.why_outdated("partly_refunded:1001:r1") is None


def test_a_whole_told_before_is_not_told_again_by_its_number() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(refund="all"), world.refunded(12800))
    told = Said(key="refunded:1001:all", template="refunded", state="sent", sent_at=PLACED)

    assert desk.order is not None
    assert desk.order.refunded == Money(12800, "CNY")
    assert desk.why_outdated("refunded:1001:r1") is None
    assert desk.why_outdated("refunded:1001:r1", said=(told,)) == "already_told"


def test_what_the_word_of_a_cancelling_called_refunded_is_not_told_again() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.cancelled(hours(2)), world.refunded(12800))
    for minor, why in ((12800, "already_told"), (0, None), (100, None)):
        back = Money(minor, "CNY")
        told = Said(key="cancelled:1001:1", template="cancelled", state="sent", sent_at=PLACED, refunded=back)
        assert desk.why_outdated("refunded:1001:r1", said=(told,)) == why


def test_a_refund_in_other_money_is_not_called_a_part_or_the_whole() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(12800, currency="EUR"))

    for template in ("refunded", "partly_refunded"):
        assert desk.why_outdated(f"{template}:1001:r1") == "payment_unclear"


def test_an_amount_is_reported_only_when_the_total_is_known() -> None:
    desk = Desk().take(world.refunded(2000))
    assert desk.messages == {}

    desk.take(world.placed())

    assert desk.why_outdated("partly_refunded:1001:r1") is None


def test_a_second_cancelling_after_a_reopening_is_reported_as_well() -> None:
    first, again = key("cancelled", hours(2)), key("cancelled", hours(4))
    desk = Desk().take(world.placed(), world.cancelled(hours(2)), world.reopened(hours(3)))
    assert desk.why_outdated(first) == "order_reopened"

    desk.take(world.cancelled(hours(4)))
    assert (desk.waiting[again].at, desk.why_outdated(again)) == (PLACED + hours(4), None)
    assert desk.why_outdated(first) == "said_before"  # if it still waits, the second says it


def test_a_cancelling_that_is_told_again_and_again_is_one() -> None:
    for times in permutations((4, 2, 3)):
        desk = Desk().take(world.placed(), *(world.cancelled(hours(after)) for after in times))

        said = [each for each in desk.waiting if desk.why_outdated(each) is None and "cancelled" in each]
        assert said == [key("cancelled", hours(2))]
        assert desk.waiting[said[0]].at == PLACED + hours(2)


def deleted(after: float) -> OrderEvent:
    return msgspec.structs.replace(world.cancelled(days(after)), reason="deleted")


def test_deleting_an_order_that_was_done_is_tidying_up() -> None:
    for done in (world.shipped(), world.completed(), world.delivered(), world.refunded()):
        desk = Desk().take(world.placed(), world.paid(), done, deleted(90))
        assert desk.why_outdated(key("cancelled", days(90))) == "order_reopened"
        assert desk.order is not None
        assert not desk.order.cancelled


def test_deleting_an_open_order_cancels_it() -> None:
    desk = Desk().take(world.placed(), deleted(1))

    assert desk.why_outdated(key("cancelled", days(1))) is None


def test_each_refund_has_a_message_of_its_own() -> None:
    desk = Desk().take(world.placed(), world.refunded(2000, refund="r1"), world.refunded(3000, refund="r2"))

    assert {"refunded:1001:r1", "refunded:1001:r2"} <= set(desk.waiting)


FILES, SYSTEMS = "partly_refunded:1001:listed 2000 CNY", "partly_refunded:1001:r1"


def reported(key: str, minor: int, state: str = "sent") -> Said:
    sent_at, back = PLACED + days(6) if state == "sent" else None, Money(minor, "CNY")
    return Said(key=key, template="partly_refunded", state=state, sent_at=sent_at, refunded=back)


def test_a_refund_that_a_file_and_a_platform_tell_is_reported_once() -> None:
    told = (world.placed(), world.paid(), world.listed(days(5), refunded=2000), world.refunded(2000))
    for events in permutations(told):
        desk = Desk().take(*events)
        for first, second in ((FILES, SYSTEMS), (SYSTEMS, FILES)):
            assert desk.why_outdated(first) is None
            assert desk.why_outdated(second, said=(reported(first, 2000, "queued"),)) is None
            assert desk.why_outdated(second, said=(reported(first, 2000),)) == "already_told"


def test_a_files_sum_reports_all_refunds_in_it_and_none_that_follows() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.listed(days(5), refunded=2000))
    desk.take(world.refunded(500), world.refunded(1500, refund="r2"))
    said = (reported(FILES, 2000),)

    assert desk.why_outdated(SYSTEMS, said=said) == "already_told"
    assert desk.why_outdated("partly_refunded:1001:r2", said=said) == "already_told"
    desk.take(world.refunded(2000, refund="r3"))
    assert desk.why_outdated("partly_refunded:1001:r3", said=said) is None


def test_two_refunds_of_one_source_are_both_reported() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.refunded(2000), world.refunded(2000, refund="r2"))

    for minor in (2000, 4000):
        assert desk.why_outdated("partly_refunded:1001:r2", said=(reported(SYSTEMS, minor),)) is None


def test_the_whole_money_back_ends_what_was_cheerful() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.shipped(), world.refunded())

    assert desk.why_outdated(acknowledged()) == "order_refunded"
    assert desk.why_outdated("shipped:1001:A") == "order_refunded"


# One word for each turn


def sent(desk: Desk, key: str, at: timedelta) -> Said:
    say = desk.messages[key].say
    return Said(key=key, template=say.template, state="sent", order="1001", sent_at=PLACED + at)


def key(template: str, at: timedelta) -> str:
    return f"{template}:1001:{int((PLACED + at).timestamp())}"


def test_a_restored_order_is_told_once_to_who_heard_that_it_was_cancelled() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.reopened())
    back = key("restored", hours(3))
    heard = sent(desk, key("cancelled", hours(2)), hours(2.1))

    assert desk.why_outdated(back) == "nothing_said"
    assert desk.why_outdated(back, said=(heard,)) is None
    told = sent(desk, back, hours(3.1))
    assert desk.why_outdated(back, said=(heard, told)) == "said_before"


def test_a_second_cancelling_after_a_reopening_is_told_as_well() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.reopened(), world.cancelled(hours(5)))
    first, second = key("cancelled", hours(2)), key("cancelled", hours(5))
    heard = sent(desk, first, hours(2.1))

    assert desk.why_outdated(second, said=(heard,)) is None
    assert desk.why_outdated(first) == "said_before"
    assert desk.why_outdated(key("restored", hours(3)), said=(heard,)) == "order_cancelled"


def test_a_cancelling_that_the_platform_repeats_is_told_once() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.cancelled(hours(4)))
    first, again = key("cancelled", hours(2)), key("cancelled", hours(4))

    assert desk.why_outdated(first) is None
    assert desk.why_outdated(again) == "said_before"
    assert desk.why_outdated(again, said=(sent(desk, first, hours(2.1)),)) == "said_before"


def held_back(desk: Desk, key: str, **known: Any) -> bool:
    due = world.due(desk.messages[key].say, PLACED)
    return not_while_the_first_waits(due, desk.facts(**known), PLACED) is not None


def test_a_repeated_cancelling_waits_for_the_first_and_speaks_if_a_late_reopening_ends_that_one() -> None:
    desk = Desk().take(world.placed(), world.cancelled(), world.cancelled(hours(5)))
    first, again = key("cancelled", hours(2)), key("cancelled", hours(5))
    by_night = Said(key=first, template="cancelled", state="queued", order="1001")

    assert desk.why_outdated(again, said=(by_night,)) is None
    assert held_back(desk, again, said=(by_night,))
    assert not held_back(desk, first, said=(by_night,))
    desk.take(world.reopened(hours(3)))
    assert desk.why_outdated(first, said=(by_night,)) == "said_before"
    assert desk.why_outdated(again, said=(by_night,)) is None
    assert not held_back(desk, again, said=(by_night,))


def test_an_open_order_that_was_never_cancelled_is_not_called_restored() -> None:
    waiting = Desk().take(world.placed(), world.reopened()).waiting.values()

    assert "restored" not in {say.template for say in waiting}


def test_whatever_is_heard_between_the_turns_tells_how_the_order_stands() -> None:
    """Every order of arrival, everything said as soon as it may be: the last word is true, and each turn has
    one at most."""
    down, up = world.cancelled, world.reopened
    turns = [down(hours(2)), up(hours(3)), down(hours(5)), up(hours(6))]
    for some in range(1, 5):
        for arrival in permutations(turns[:some]):
            desk, said = Desk().take(world.placed()), list[Said]()
            for fact in arrival:
                desk.take(fact)
                said += [sent(desk, each, hours(7)) for each in sayable(desk, said)]
            words = [each.template for each in said]
            assert words[-1:] != ["cancelled" if some % 2 == 0 else "restored"], (arrival, words)
            assert words.count("cancelled") <= (some + 1) // 2, (arrival, words)
            assert words.count("restored") <= some // 2, (arrival, words)


def sayable(desk: Desk, said: list[Said]) -> list[str]:
    """The one word that is true now and not yet said, if there is one."""
    known = {each.key for each in said}
    keys = [each for each in sorted(desk.messages) if each.startswith(("cancelled", "restored"))]
    return [each for each in keys if each not in known and desk.why_outdated(each, said=tuple(said)) is None]


def test_an_order_stored_by_an_older_release_is_not_told_again() -> None:
    desk = Desk().take(world.placed(), world.cancelled())
    then = PLACED + hours(2)
    old = Said(key="cancelled:1001", template="cancelled", state="sent", order="1001", sent_at=then)

    assert desk.why_outdated(key("cancelled", hours(2)), said=(old,)) == "said_before"

    desk.take(world.reopened(hours(3)), world.cancelled(hours(4)))
    assert desk.why_outdated(key("restored", hours(3)), said=(old,)) == "order_cancelled"
    late = msgspec.structs.replace(old, sent_at=PLACED + hours(5))  # the order's id is a number, and no time
    assert desk.why_outdated(key("cancelled", hours(4)), said=(late,)) == "said_before"
    assert desk.why_outdated(key("cancelled", hours(4)), said=(old,)) is None
