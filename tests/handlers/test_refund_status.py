"""Who asks for their money hears what the facts say; what takes too long, a person looks for."""

import pytest

from bot.domain.events import OrderEvent
from tests.handlers.asking import Chat
from tests.handlers.world import (
    HOUR,
    PLACED,
    cancelled,
    days,
    delivered,
    order_of,
    paid,
    placed,
    refunded,
    shipped,
    shop_with,
)

BACK = refunded(after=days(5))


@pytest.mark.parametrize(
    ("facts", "after", "missing"),
    [
        ((paid(), shipped(), delivered(), BACK), 6, False),
        ((paid(), shipped(), delivered(), BACK), 14.9, False),
        ((paid(), shipped(), delivered(), BACK), 15.1, True),
        ((paid(), cancelled()), 1, False),
        ((paid(), cancelled()), 2, True),
        ((paid(), cancelled(), refunded(minor=3000, after=3 * HOUR)), 1, True),
        ((cancelled(),), 9, False),
        ((), 1, False),
        ((paid(),), 1, True),  # they may want it back
        ((paid(), shipped(), delivered()), 9, True),
    ],
)
def test_a_person_is_called_for_what_should_be_there(
    facts: tuple[OrderEvent, ...], after: float, missing: bool
) -> None:
    ann = Chat(order_of(placed(), *facts), now=PLACED + days(after))

    assert ann.say("where is my refund?", "refund_status") == ["refund_status"]
    assert ann.values("refund_status") == {"returned": False, "missing": missing}
    assert [call.reason for call in ann.called] == (["asked_for_refund"] if missing else [])


def test_while_a_return_is_open_its_case_waits_already() -> None:
    order = order_of(placed(), paid(), shipped(), delivered())
    ann = Chat(order, now=PLACED + days(4), shop=shop_with(returns={"days": 7}))
    ann.say("please refund me", "return_exchange")

    assert ann.say("and my money?", "refund_status") == ["refund_status"]
    assert ann.values("refund_status") == {"returned": True, "missing": False}
    assert ann.say("不退了", "refund_status") == ["noted"]
    assert ann.called == []
