"""The ten days as a table: when what is delivered, in which words, and what it is there to show."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

FIRST_DAY = date(2026, 3, 16)  # a Monday, so that the weekend's offer falls into the story
OPENS, CLOSES = (1, "08:55"), (10, "21:00")


class Step(msgspec.Struct, frozen=True):
    """`delivery` names a recorded one; `words` a sentence of the chat; `note` what the reader should watch.

    `times`: how often the platform sends it. `forged`: signed by somebody who does not know the secret.
    """

    day: int
    clock: str
    delivery: str | None = None
    note: str | None = None
    words: str | None = None
    times: int = 1
    forged: bool = False


STEPS: tuple[Step, ...] = (
    Step(1, "09:00", "shop_lists_what_it_sells"),
    Step(1, "09:30", "emma_parcel_leaves", note="wrong_order"),
    Step(1, "09:30", "emma_orders"),
    Step(1, "09:50", "emma_pays"),
    Step(1, "10:00", "ann_orders", note="unpaid"),
    Step(1, "13:30", "ann_writes", words="ann_asks"),
    Step(1, "23:40", "clara_orders", note="night"),
    Step(2, "08:50", "emma_parcel_arrives", note="cap"),
    Step(2, "09:10", "david_orders", note="repeated", times=3),
    Step(2, "11:00", "ben_orders"),
    Step(2, "14:30", "clara_first_parcel_leaves", note="two_parcels"),
    Step(2, "15:00", "david_parcel_leaves"),
    Step(3, "09:00", "somebody_claims_ben_paid", note="forged", forged=True),
    Step(3, "10:00", note="answered"),
    Step(3, "10:30", "clara_writes", words="clara_asks_where", note="proof"),
    Step(3, "10:31", "clara_writes", words="clara_mistypes"),
    Step(3, "10:32", "clara_writes", words="clara_proves"),
    Step(3, "11:30", "david_parcel_arrives"),
    Step(3, "16:00", "clara_last_parcel_leaves", note="in_the_chat"),
    Step(3, "19:50", "ann_writes", words="ann_fills_form", note="form"),
    Step(3, "20:10", "ann_pays", note="paid_in_time"),
    Step(4, "10:00", "ann_writes", words="ann_wants_a_person", note="takeover"),
    Step(4, "10:12", "seller_writes", words="seller_says_yes"),
    Step(4, "10:14", "ann_writes", words="ann_is_glad"),
    Step(4, "10:40", "ann_parcel_leaves"),
    Step(4, "10:45", "seller_writes", words="seller_gives_back", note="given_back"),
    Step(4, "11:00", note="second_contact"),
    Step(4, "13:00", "ann_writes", words="ann_asks_where"),
    Step(4, "15:00", "hugo_orders"),
    Step(4, "15:02", "hugo_pays"),
    Step(5, "09:00", "clara_first_parcel_arrives"),
    Step(5, "09:30", note="closed"),
    Step(5, "09:45", "emma_writes", words="emma_offers", note="haggle"),
    Step(5, "09:46", "emma_writes", words="emma_offers_more"),
    Step(5, "09:47", "emma_writes", words="emma_agrees"),
    Step(5, "10:00", "emma_orders_again", note="quote"),
    Step(5, "10:10", "emma_order_gets_its_price"),
    Step(5, "10:11", "emma_pays_again"),
    Step(5, "11:00", "hugo_writes", words="hugo_says_stop", note="stop"),
    Step(5, "15:00", "clara_last_parcel_arrives"),
    Step(5, "16:00", "hugo_parcel_leaves"),
    Step(6, "10:00", note="promotion"),
    Step(6, "10:03", "clara_wants_no_offers"),
    Step(6, "10:06", "emma_second_parcel_leaves"),
    Step(6, "14:00", "clara_gets_money_back", note="refund"),
    Step(7, "12:00", "hugo_parcel_arrives"),
    Step(8, "11:00", "emma_second_parcel_arrives"),
    Step(8, "15:00", "emma_writes", words="emma_returns", note="return"),
    Step(9, "08:50", note="review"),
    Step(9, "10:40", note="late"),
    Step(9, "10:55", "ann_writes", words="ann_complains", note="unhappy"),
    Step(9, "15:30", "seller_writes", words="seller_decides", note="decided"),
    Step(9, "18:20", "emma_praises"),
    Step(10, "12:00", "emma_gets_money_back", note="returned"),
    Step(10, "17:00", "david_complains", note="complaint"),
)


def time_of(day: int, clock: str, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(FIRST_DAY + timedelta(days=day - 1), time.fromisoformat(clock), zone)
    return wall.astimezone(UTC)
