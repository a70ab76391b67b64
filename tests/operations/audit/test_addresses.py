"""Where a message about an order went, judged by what had been told of it and proved for it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.events import OrderEvent, PaymentReceived
from bot.operations.audit.addresses import contacts_told, sent_elsewhere, words_elsewhere
from storage.audit_queries import Fact, Opening, Sending
from tests.one_shop import DAY, HOUR, placed
from tests.world import NOON

SLACK = timedelta(seconds=10)
CHAT = ("telegram", "42")


def fact(event: OrderEvent, received_at: datetime = NOON) -> Fact:
    return Fact(id=1, state="done", received_at=received_at, event=event)


def order(at: datetime = NOON, **ref: Any) -> Fact:
    return fact(placed("1", at, **ref), at)


def sending(channel: str, address: str, at: datetime = NOON + HOUR, **fields: Any) -> Sending:
    known = {"buyer": "ann", "category": "service", **fields}
    return Sending(
        id=1,
        key="k",
        template="shipped",
        state="sent",
        values={},
        facts={},
        settled_at=at,
        channel=channel,
        address=address,
        order="1",
        **known,
    )


def found(sent: Sending, *facts: Fact, opened: tuple[Opening, ...] = ()) -> list[str]:
    return [each.code for each in sent_elsewhere(sent, facts, opened, SLACK)]


@pytest.mark.parametrize(
    ("channel", "address", "codes"),
    [
        ("email", "Ann@Example.com", []),
        ("web", "77", []),
        ("email", "bob@example.com", ["others_address"]),
        ("telegram", "42", ["others_address"]),
        ("web", "78", ["others_address"]),
    ],
)
def test_a_message_goes_to_the_orders_own_contacts_alone(
    channel: str, address: str, codes: list[str]
) -> None:
    assert found(sending(channel, address), order(id="77", email="ann@example.com")) == codes


def test_a_chat_that_had_opened_the_order_may_hear_of_it() -> None:
    told = order(email="ann@example.com")

    assert found(sending(*CHAT), told, opened=(Opening(chat=CHAT, at=NOON),)) == []
    assert found(sending(*CHAT), told, opened=(Opening(chat=CHAT),)) == []
    late = Opening(chat=CHAT, at=NOON + DAY)
    assert found(sending(*CHAT), told, opened=(late,)) == ["others_address"]


def test_a_chat_of_the_id_that_was_told_may_hear_of_it_and_of_no_other_id() -> None:
    told = order(id="77")

    assert found(sending("web", "c9"), told, opened=(Opening(chat=("web", "c9"), of=("web", "77")),)) == []
    others = Opening(chat=("web", "c9"), of=("web", "78"))
    assert found(sending("web", "c9"), told, opened=(others,)) == ["others_address"]


def test_a_corrected_address_counts_and_the_old_one_no_more() -> None:
    facts = order(email="old@example.com"), order(NOON + HOUR, email="new@example.com")

    assert found(sending("email", "old@example.com", NOON + HOUR / 2), *facts) == []
    assert found(sending("email", "new@example.com", NOON + 2 * HOUR), *facts) == []
    assert found(sending("email", "old@example.com", NOON + 2 * HOUR), *facts) == ["others_address"]


def test_while_a_correction_arrives_either_address_is_right() -> None:
    facts = order(email="old@example.com"), order(NOON + HOUR, email="new@example.com")

    assert found(sending("email", "old@example.com", NOON + HOUR + SLACK / 2), *facts) == []
    assert found(sending("email", "new@example.com", NOON + HOUR + SLACK / 2), *facts) == []


def test_only_channels_that_placed_the_order_tell_its_contacts() -> None:
    from_elsewhere = PaymentReceived(
        channel="courier",
        external_id="p",
        order="1",
        at=NOON,
        buyer=placed("1", email="thief@example.com").buyer,
    )

    assert contacts_told([order(email="ann@example.com"), fact(from_elsewhere)], NOON) == {
        ("email", "ann@example.com")
    }


def test_what_a_payment_copied_before_a_correction_corrects_nothing() -> None:
    shown = order(email="new@example.com")
    of_payment = PaymentReceived(
        channel=shown.event.channel,
        external_id="p",
        order="1",
        at=NOON + HOUR,
        buyer=placed("1", email="old@example.com").buyer,
    )

    for told in ([shown, fact(of_payment)], [fact(of_payment), shown]):
        assert contacts_told(told, NOON + HOUR) == {("email", "new@example.com")}


def test_an_answer_is_judged_like_what_nobody_asked_for() -> None:
    told = order(email="ann@example.com")

    assert found(sending(*CHAT, category="answer"), told) == ["others_address"]
    assert found(sending(*CHAT, category="answer"), told, opened=(Opening(chat=CHAT, at=NOON),)) == []


def test_a_persons_words_go_where_a_case_of_their_buyer_waits() -> None:
    words = msgspec.structs.replace(sending(*CHAT, category="answer"), template="from_person", order=None)

    assert [each.code for each in words_elsewhere(words, {None, "telegram:66"})] == ["others_chat"]
    assert list(words_elsewhere(words, {"telegram:42"})) == []


def test_the_seller_and_orders_nobody_placed_are_not_judged() -> None:
    told = order(email="ann@example.com")

    assert found(sending(*CHAT, buyer="seller"), told) == []
    assert found(sending(*CHAT)) == []
