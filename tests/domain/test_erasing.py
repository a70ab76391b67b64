"""What stays of an order whose buyer was erased: the books, whatever is told of it before and after."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.erasing import (
    ERASED,
    Digest,
    Scope,
    anonymous_event,
    anonymous_key,
    anonymous_order,
    belongs,
    is_erased,
    merged,
    names_only,
)
from bot.domain.events import (
    BuyerOptedOut,
    BuyerRef,
    CaseSettled,
    CheckoutAbandoned,
    Event,
    MessageReceived,
    OrderEvent,
    OrderPlaced,
    TimeCame,
    dump_event,
)
from bot.domain.orders import Order, merge
from tests.engine import Buyer
from tests.test_any_order import LIFE, MORE
from tests.world import NOON

DIGEST = Digest("a secret", "mugs")
ANN = Buyer("ann", "1001", NOON, email="ann@example.com", phone="+8613800000000")
FACTS = {name: told(ANN) for name, told in {**LIFE, **MORE}.items()}


def books(order: Order) -> tuple[object, ...]:
    kept = (order.state, order.total, order.paid, order.refunded, order.placed_at, order.delivered_at)
    return (
        *kept,
        order.lines,
        order.cancelled_times,
        len(order.sent),
        sorted(each.rating for each in order.reviews),
    )


def told(order: Order, events: list[Event]) -> Order:
    for event in events:
        assert isinstance(event, OrderEvent)
        order = merge(order, event)
    return order


names = st.lists(st.sampled_from(sorted(FACTS)), min_size=1, max_size=9)


@given(before=names, after=names)
def test_an_erased_order_ends_as_it_would_have_ended(before: list[str], after: list[str]) -> None:
    start = Order(id="1001", channel="webhook")
    known = told(start, [FACTS[name] for name in before])
    whole = told(known, [FACTS[name] for name in after])

    erased = anonymous_order(known, DIGEST, f"{ERASED}1")
    for name in after:
        event = FACTS[name]
        assert isinstance(event, OrderEvent)
        erased = merged(erased, event, DIGEST)

    assert books(erased) == books(whole)
    assert erased.contacts is None


@given(name=st.sampled_from(sorted(FACTS)))
def test_what_was_made_anonymous_is_so_for_good(name: str) -> None:
    event = FACTS[name]
    assert isinstance(event, OrderEvent)
    once = merged(Order(id="1001", channel="webhook"), event, DIGEST)

    assert anonymous_order(once, DIGEST, once.buyer) == once


def test_nothing_of_the_person_is_left_in_any_event() -> None:
    ref = BuyerRef(id="Zyz", name="Zyz", email="zyz@example.com", phone="+8613800000000")
    common = {"channel": "web", "external_id": "Zyz", "at": NOON}
    events: list[Event] = [
        MessageReceived(**common, conversation="Zyz", buyer=ref, message_id="Zyz", text="Zyz"),
        CheckoutAbandoned(**common, buyer=ref, checkout="Zyz"),
        BuyerOptedOut(**common, buyer=ref, address=("email", "zyz@example.com")),
        CaseSettled(**common, case=3, outcome="Zyz"),
        TimeCame(**common, what="payment", about="Zyz", order="1001"),
        *(msgspec.structs.replace(each, external_id="Zyz") for each in FACTS.values()),
    ]
    for event in events:
        hidden = dump_event(anonymous_event(event, DIGEST, 7)).decode()
        assert "zyz" not in hidden.lower(), event
        assert "13800000000" not in hidden, event


def test_a_digest_depends_on_its_secret_and_its_shop() -> None:
    mine = Digest("a secret", "mugs").address(("email", "ann@example.com"))

    assert mine == DIGEST.address(("email", "ann@example.com"))
    assert mine != Digest("another", "mugs").address(("email", "ann@example.com"))
    assert mine != Digest("a secret", "teas").address(("email", "ann@example.com"))
    assert mine != DIGEST.address(("phone", "ann@example.com"))


def test_a_key_keeps_its_order_counts_and_days() -> None:
    def key(text: str) -> str:
        return anonymous_key(text, ("1001",), DIGEST)

    assert key("payment_reminder:1001:2") == "payment_reminder:1001:2"
    assert key("insulted:web:ann:2026-11-21").startswith("insulted:")
    assert key("insulted:web:ann:2026-11-21").endswith(":2026-11-21")
    assert "ann" not in key("insulted:web:ann:2026-11-21")
    assert key(key("shipped:1001:SF123")) == key("shipped:1001:SF123")


SCOPE = Scope(
    to=f"{ERASED}1",
    buyers=("b1",),
    identities=(("web", "ann"), ("guest of web", "ann@example.com")),
    chats=(("telegram", "42"),),
    orders=("1001", "2002@web"),
    not_theirs=("1001@shopify",),
    addresses=(("web", "ann"), ("email", "ann@example.com")),
    cases=(3,),
)


def test_what_belongs_to_a_person_is_theirs_by_proof_alone() -> None:
    def placed(order: str, channel: str = "web", **ref: str) -> OrderPlaced:
        return msgspec.structs.replace(FACTS["created"], order=order, channel=channel, buyer=BuyerRef(**ref))

    def wrote(channel: str, address: str) -> MessageReceived:
        return MessageReceived(
            channel=channel,
            external_id="1",
            at=NOON,
            conversation=address,
            buyer=BuyerRef(),
            message_id="1",
            text="ann@example.com",
        )

    assert belongs(placed("1001"), SCOPE)
    assert belongs(placed("2002"), SCOPE)  # our id has the channel behind it
    assert not belongs(placed("1001", "shopify"), SCOPE)  # another's of that number
    assert not belongs(placed("3003", email="ann@example.com", id="eve"), SCOPE)  # typed by a stranger
    assert names_only(placed("3003", id="ann"), SCOPE)  # it was theirs before it was corrected
    assert belongs(wrote("telegram", "42"), SCOPE)
    assert not belongs(wrote("telegram", "43"), SCOPE)
    assert belongs(CaseSettled(channel="seller", external_id="1", at=NOON, case=3), SCOPE)
    stop = BuyerOptedOut(
        channel="link", external_id="1", at=NOON, buyer=BuyerRef(), address=("email", "ann@example.com")
    )
    assert belongs(stop, SCOPE)
    assert not belongs(msgspec.structs.replace(stop, address=("email", "bob@example.com")), SCOPE)


def test_an_erased_file_is_known_by_its_id() -> None:
    assert is_erased(f"{ERASED}00ff")
    assert not is_erased("00ff")
    assert not is_erased(None)
