"""Lines of files are judged as what they tell, one by one."""

import pytest

from bot.domain.events import OrderEvent
from storage.audit_queries import Sending
from tests.handlers import world
from tests.handlers.world import PLACED, hours, listed
from tests.operations.audit.sendings import CONFIRMED, found, said

GONE, BACK = {"cancelled": PLACED}, {"cancelled": None}
SENT = listed(hours(1), parcels=("A",))
LATER = said("shipped", hours(3), parcel="A")
ON_WAY = said("shipped", hours(1.5), parcel="A")


@pytest.mark.parametrize(
    ("sent", "others", "told", "codes"),
    [
        (said("payment_received", hours(2)), [], [listed(hours(1), paid=12800)], []),
        (said("payment_received", hours(2)), [], [listed(hours(1), paid=0)], ["nothing_paid"]),
        (
            said("cancelled", hours(5)),
            [said("cancelled", hours(2.1))],
            [listed(hours(n), steps=steps) for n, steps in enumerate((GONE, BACK, GONE), start=2)],
            [],
        ),
        (LATER, [], [SENT, listed(hours(2), parcels=())], ["parcel_taken_back"]),
        (LATER, [], [world.shipped(after=hours(2)), listed(hours(2.5), parcels=())], []),
        (
            said("partly_refunded", hours(5)),
            [said("partly_refunded", hours(2.5))],
            [listed(hours(n), paid=None, refunded=n * 2000) for n in (2, 4)],
            [],
        ),
        (said("refunded", hours(5)), [], [listed(hours(2), paid=None, refunded=2000)], ["wrong_share"]),
        (said("delivered", hours(5)), [ON_WAY], [SENT, listed(hours(4), steps={"delivered": PLACED})], []),
    ],
)  # fmt: skip
def test_what_files_told_is_known(
    sent: Sending, others: list[Sending], told: list[OrderEvent], codes: list[str]
) -> None:
    assert found(sent, CONFIRMED, *others, told=(world.placed(), *told)) == codes
