"""A proof holds as long as the order goes to the address that was proved."""

from bot.domain.contacts import Contacts, Told
from bot.domain.orders import Order
from bot.domain.proofs import ANYWAY, holds, mark_of, marks_of
from bot.domain.signed_tokens import address_mark
from bot.domain.wishes import EMAIL, PHONE
from tests.one_shop import NOON

PHONE_OF_ANN = "+8613800008642"


def order(email: str | None = None, phone: str | None = None, id: str | None = None) -> Order:
    told = {"email": email, "phone": phone, "id": id}
    contacts = Contacts(**{name: Told(value, NOON) for name, value in told.items() if value})
    return Order(id="1", channel="web", contacts=contacts)


def test_an_order_goes_to_its_mailbox_its_phone_and_its_buyers_id() -> None:
    whole = order("Ann@Example.com", PHONE_OF_ANN, "ann")
    marks = {EMAIL: "ann@example.com", PHONE: PHONE_OF_ANN, "web": "ann"}
    assert {kind: mark_of(whole, kind) for kind in marks} == {
        kind: address_mark(kind, value) for kind, value in marks.items()
    }
    assert marks_of(whole) == {address_mark(kind, value) for kind, value in marks.items()}
    assert marks_of(order()) == marks_of(Order(id="1", channel="web")) == frozenset()
    assert mark_of(order(), EMAIL) == ANYWAY


def test_a_proof_of_an_earlier_address_holds_no_longer() -> None:
    before = order("ann@example.com", PHONE_OF_ANN, "ann")
    after = order("bob@example.com", PHONE_OF_ANN, "bob")
    for kind, still in ((EMAIL, False), (PHONE, True), ("web", False)):
        assert holds(mark_of(before, kind), before)
        assert holds(mark_of(before, kind), after) is still
    assert holds(ANYWAY, after)  # opened before marks were kept
