"""WooCommerce: whose deliveries are let in, and what a snapshot tells."""

import hmac
import itertools
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.channels import HandshakeAnswer, ReceivingChannel, SendingChannel
from bot.channels.woocommerce import READERS, WooCommerceChannel, WooCommerceSettings
from bot.domain.errors import Unreadable, WebhookRefused
from bot.domain.events import (
    BuyerRef,
    BuyerUpdated,
    Event,
    Line,
    OrderCancelled,
    OrderCompleted,
    OrderEvent,
    OrderPlaced,
    OrderRefunded,
    OrderReopened,
    OrderShipped,
    PaymentReceived,
    ProductRemoved,
    ProductTold,
)
from bot.domain.money import Money
from bot.domain.orders import Order, merge
from bot.domain.products import Item
from handlers.shipping import arrivals, valid_report
from tests.channels.recorded import NOW, body_of, delivery, only_unreadable, recorded, spoiled, vectors

CREATED = recorded("woocommerce/order_created.wire.json")
UPDATED = recorded("woocommerce/order_updated.wire.json")
CUSTOMER = recorded("woocommerce/customer_updated.wire.json")
CREATED_AT = datetime(2017, 3, 22, 19, 28, 2, tzinfo=UTC)
PAID_AT = CREATED_AT + timedelta(seconds=6)
COMPLETED_AT = datetime(2017, 3, 22, 19, 30, 35, tzinfo=UTC)


def channel(*secrets: str, **more: Any) -> WooCommerceChannel:
    """With these secrets, also with such as settings refuse."""
    given = {"secrets": tuple(map(SecretStr, secrets))}
    chosen = WooCommerceSettings.model_validate(more).model_copy(update=given)
    return WooCommerceChannel("shop", "CN", chosen, "CNY")


LISTENER = channel("test-only-woo-secret")


def told(
    topic: str, body: bytes | dict[str, Any], by: WooCommerceChannel = LISTENER, **more: Any
) -> tuple[Event, ...]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Delivery-ID": more.get("id", "d1")}
    return tuple(by.parse(delivery(raw, headers, more.get("at", NOW))))


def kinds(events: tuple[Event, ...]) -> list[type[Event]]:
    return [type(event) for event in events]


def order(status: str, minutes: int = 0, **changes: Any) -> dict[str, Any]:
    """An unpaid order as it looked so many minutes after it was placed."""
    modified = (CREATED_AT + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
    paid = {"date_paid": None, "date_paid_gmt": None}
    return {**json.loads(CREATED), **paid, "status": status, "date_modified_gmt": modified, **changes}


def merged(events: tuple[Event, ...]) -> Order:
    state: Order | None = None
    for event in events:
        assert isinstance(event, OrderEvent)
        state = merge(state, event)
    assert state is not None
    return state


# --- who may speak to us


@pytest.mark.parametrize("vector", vectors("woocommerce"), ids=lambda vector: vector["id"])
def test_every_recorded_signature_opens_the_door(vector: dict[str, Any]) -> None:
    channel("an older secret", vector["secret"]).verify(delivery(body_of(vector), vector["headers"]))

    with pytest.raises(WebhookRefused):
        channel(vector["secret"]).verify(delivery(body_of(vector) + b" ", vector["headers"]))


@pytest.mark.parametrize(
    "pasted",
    [
        "a&b<c>\"d\"'e'",
        "a&amp;b&lt;c&gt;&quot;d&quot;&#039;e&#039;",
        "a&#038;b&#060;c&#62;&#x22;d&#34;&#x27;e&#0039;",
        "a&#x26;b&lt;c&gt;&#X0022;d&quot;&#X27;e&#39;",
    ],
)
def test_a_secret_may_be_pasted_as_the_sites_page_shows_it(pasted: str) -> None:
    vector = next(each for each in vectors("woocommerce") if "entities" in each["id"])

    channel(pasted).verify(delivery(body_of(vector), vector["headers"]))


@pytest.mark.parametrize(("pasted", "key"), [("a&amp;lt;b", "a&lt;b"), ("a&apos;b", "a&apos;b")])
def test_a_secret_is_decoded_once_and_only_as_far_as_the_site_does(pasted: str, key: str) -> None:
    signature = b64encode(hmac.digest(key.encode(), b"{}", "sha256")).decode()

    channel(pasted).verify(delivery(b"{}", {"X-WC-Webhook-Signature": signature}))


@pytest.mark.parametrize("secrets", [(), ("",), ("  ",)])
def test_without_a_secret_nobody_is_let_in(secrets: tuple[str, ...]) -> None:
    signature = b64encode(hmac.digest(b"", b"{}", "sha256")).decode()

    with pytest.raises(WebhookRefused, match="no secret"):
        channel(*secrets).verify(delivery(b"{}", {"X-WC-Webhook-Signature": signature}))


def test_a_missing_or_spoiled_signature_is_refused() -> None:
    for headers in ({}, {"X-WC-Webhook-Signature": "\udcff"}, {"X-WC-Webhook-Signature": "AAAA"}):
        with pytest.raises(WebhookRefused):
            LISTENER.verify(delivery(b"{}", headers))


def test_the_unsigned_ping_is_answered_200() -> None:
    assert LISTENER.handshake(delivery(recorded("woocommerce/ping.txt"))) == HandshakeAnswer(status=200)


@pytest.mark.parametrize("body", [b"webhook_id=", b"webhook_id=1&order=2", b"{}", b"", b"webhook_id=x"])
def test_nothing_else_is_taken_for_a_ping(body: bytes) -> None:
    assert LISTENER.handshake(delivery(body)) is None


def test_a_ping_with_a_topic_is_no_ping() -> None:
    assert LISTENER.handshake(delivery(b"webhook_id=1", {"X-WC-Webhook-Topic": "order.created"})) is None


def test_the_channel_keeps_the_contract_of_channels_and_only_listens() -> None:
    contract: ReceivingChannel = LISTENER

    assert not isinstance(contract, SendingChannel)


# --- what they tell


def test_a_created_order_may_be_paid_already() -> None:
    placed, paid = told("order.created", CREATED)

    assert placed == OrderPlaced(
        channel="shop",
        external_id=placed.external_id,
        at=PAID_AT,
        order="727",
        placed_at=CREATED_AT,
        total=Money(2935, "USD"),
        postage=Money(1000, "USD"),
        tax=Money(135, "USD"),
        number="727",
        buyer=BuyerRef(name="John Doe", email="john.doe@example.com"),
        lines=(
            Line(title="Woo Single #1", quantity=2, price=Money(300, "USD")),
            Line(
                title="Ship Your Idea – Color: Black, Size: M Test",
                quantity=1,
                price=Money(1200, "USD"),
                sku="Bar3",
            ),
        ),
        postcode="94103",
        pay_on_delivery=False,
    )
    assert paid == PaymentReceived(
        channel="shop",
        external_id=paid.external_id,
        at=PAID_AT,
        order="727",
        method="Direct Bank Transfer",
        told_at=PAID_AT,
    )


def test_the_date_that_is_kept_of_a_payment_to_the_carrier_is_no_payment() -> None:
    """It is set as soon as the order is being processed, before anything has left."""
    paid = {"date_paid_gmt": (CREATED_AT + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")}
    known = merged(told("order.updated", order("processing", 6, payment_method="cod", **paid)))

    assert (known.state, known.payments) == ("on_delivery", ())


@pytest.mark.parametrize("status", ["pending", "on-hold", "failed"])
def test_an_order_that_waits_for_its_money_is_unpaid(status: str) -> None:
    assert merged(told("order.created", order(status))).state == "unpaid"


@pytest.mark.parametrize("status", ["pending", "on-hold", "failed"])
def test_a_payment_that_was_taken_back_counts_no_more_though_its_date_stays(status: str) -> None:
    paid = {"date_paid_gmt": (CREATED_AT + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")}
    came = told("order.updated", order("processing", 5, **paid))
    gone = told("order.updated", order(status, 9, **paid))
    again = told("order.updated", order("processing", 12, **paid))

    for events in permutations((came, gone)):
        assert not merged(sum(events, ())).paid_in_full
    for events in permutations((came, gone, again)):
        assert merged(sum(events, ())).state == "paid"


@pytest.mark.parametrize(("total", "left", "over"), [("39.35", 1000, None), ("19.35", None, 1000)])
def test_an_order_edited_after_payment_leaves_the_difference(
    total: str, left: int | None, over: int | None
) -> None:
    """It is edited while it waits for its money again, and keeps the date of the payment."""
    paid = {"date_paid_gmt": (CREATED_AT + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")}
    showings = (
        told("order.created", order("pending", 1)),
        told("order.updated", order("processing", 5, **paid)),
        told("order.updated", order("on-hold", 8, **paid, total=total)),
        told("order.updated", order("processing", 9, **paid, total=total)),
    )

    for events in permutations(showings):
        known = merged(sum(events, ()))
        assert (known.left, known.overpaid) == tuple(sum and Money(sum, "USD") for sum in (left, over))


def test_of_two_snapshots_of_one_second_the_paid_one_is_the_later() -> None:
    paid = {"date_paid_gmt": (CREATED_AT + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")}
    snapshots = (
        told("order.created", order("pending", 5)),
        told("order.updated", order("processing", 5, **paid)),
    )

    for events in permutations(snapshots):
        assert merged(sum(events, ())).state == "paid"


def test_an_order_that_was_completed_by_mistake_is_not_shipped_until_it_is_completed_again() -> None:
    done, again = (
        {"date_completed_gmt": (CREATED_AT + timedelta(minutes=at)).strftime("%Y-%m-%dT%H:%M:%S")}
        for at in (5, 30)
    )
    meta = [{"id": 1, "key": "_wc_shipment_tracking_items", "value": TRACKED}]
    for more in ({}, {"meta_data": meta}):
        sent = told("order.updated", order("completed", 5, **done, **more))
        back = told("order.updated", order("processing", 9, **done, **more))
        resent = told("order.updated", order("completed", 30, **again, **more))
        for events in permutations((sent, back)):
            assert not merged(sum(events, ())).shipped
        for events in permutations((sent, back, resent)):
            assert merged(sum(events, ())).state == "shipped"


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft", "trash"])
def test_what_is_no_order_yet_or_no_more_is_skipped(status: str) -> None:
    assert told("order.updated", order(status)) == ()


def test_a_completed_order_was_shipped() -> None:
    events = told("order.updated", UPDATED)
    shipped = events[-1]

    assert kinds(events) == [OrderPlaced, PaymentReceived, OrderReopened, OrderShipped]
    assert isinstance(shipped, OrderShipped)
    assert (shipped.parcel, shipped.last, shipped.tracking, shipped.at) == ("1", True, None, COMPLETED_AT)
    assert merged(events).state == "shipped"


def test_a_shop_may_mean_done_when_it_says_completed() -> None:
    events = told("order.updated", UPDATED, channel("x", completed_means="completed"))

    assert kinds(events)[-1] is OrderCompleted
    assert merged(events).state == "completed"


@pytest.mark.parametrize("ways", [[], ["local_pickup"], ["local_pickup:3"], ["pickup_location"]])
def test_what_is_fetched_or_needs_no_shipping_is_handed_over_when_it_is_completed(ways: list[str]) -> None:
    lines = {"shipping_lines": [{"method_id": way} for way in ways]}
    done = (CREATED_AT + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")
    paid = told("order.created", order("processing", **lines))
    completed = told("order.updated", order("completed", 5, date_completed_gmt=done, **lines))
    back = told("order.updated", order("processing", 9, date_completed_gmt=done, **lines))

    assert merged(paid).sends_nothing
    assert kinds(completed)[-1] is OrderCompleted
    assert merged(paid + completed).state == "completed"
    assert merged(paid + completed + back).state == merged(paid).state


@pytest.mark.parametrize("ways", [None, ["flat_rate"], [None], ["local_pickup", "flat_rate"]])
def test_an_order_that_names_another_way_or_none_at_all_is_shipped(ways: list[str | None] | None) -> None:
    lines = None if ways is None else [{"method_id": way} for way in ways]

    events = told("order.updated", order("completed", 5, shipping_lines=lines))

    assert kinds(events)[-1] is OrderShipped
    assert not merged(events).sends_nothing


def test_an_order_that_was_completed_by_mistake_is_completed_no_more_until_it_is_again() -> None:
    means = channel("x", completed_means="completed")
    done, again = (
        {"date_completed_gmt": (CREATED_AT + timedelta(minutes=at)).strftime("%Y-%m-%dT%H:%M:%S")}
        for at in (5, 30)
    )
    sent = told("order.updated", order("completed", 5, **done), means)
    edited = told("order.updated", order("completed", 7, **done), means)
    back = told("order.updated", order("processing", 9, **done), means)
    resent = told("order.updated", order("completed", 30, **again), means)
    for events in permutations((sent, edited, back)):
        assert merged(sum(events, ())).completed_at is None
        assert merged(sum((*events, *events), ())).state != "completed"
    for events in permutations((sent, back, resent)):
        completed = merged(sum(events, ()))
        assert completed.completed_at == CREATED_AT + timedelta(minutes=30)
        reports = {arrival.by: arrival.at for arrival in arrivals(completed, timedelta(0))}
        assert reports[valid_report(completed) or ""] == completed.completed_at  # asks for a review then


TRACKED = [
    {"tracking_provider": "usps", "custom_tracking_link": "", "tracking_number": "94001", "tracking_id": "a"},
    {
        "custom_tracking_provider": "SF &amp; Co",
        "tracking_number": "SF1",
        "custom_tracking_link": "https://sf",
    },
]


@pytest.mark.parametrize("value", [TRACKED, {"0": TRACKED[0], "2": TRACKED[1]}])
def test_tracking_numbers_are_found_where_the_common_extension_keeps_them(value: Any) -> None:
    meta = [{"id": 1, "key": "_wc_shipment_tracking_items", "value": value}]
    parcels = merged(told("order.updated", order("completed", meta_data=meta))).parcels

    assert [(parcel.id, parcel.carrier, parcel.tracking) for parcel in parcels] == [
        ("1", "usps", "94001"),
        ("2", "SF & Co", "SF1"),
    ]
    assert parcels[1].tracking_url == "https://sf"


def test_a_number_added_later_is_of_the_same_parcel() -> None:
    meta = [{"id": 1, "key": "_wc_shipment_tracking_items", "value": TRACKED[:1]}]
    before = told("order.updated", order("completed", 5))
    after = told("order.updated", order("completed", 9, meta_data=meta))

    for events in (before + after, after + before):
        (parcel,) = merged(events).parcels
        assert parcel.tracking == "94001"


@pytest.mark.parametrize("value", [None, "", 5, [], {}, ["x"], [{"tracking_number": 5}]])
def test_whatever_another_plugin_keeps_there_is_no_harm(value: Any) -> None:
    meta = [{"id": 1, "key": "_wc_shipment_tracking_items", "value": value}]
    (parcel,) = merged(told("order.updated", order("completed", meta_data=meta))).parcels

    assert (parcel.id, parcel.tracking) == ("1", None)


def test_a_cancelled_order_comes_back_and_goes_again_in_whatever_order_it_is_told() -> None:
    snapshots = [
        told("order.created", order("pending")),
        told("order.updated", order("cancelled", 10)),
        told("order.updated", order("processing", 20)),
    ]
    ends = {
        merged(tuple(itertools.chain(*some))).state
        for some in itertools.permutations([*snapshots, snapshots[0]])
    }
    again = told("order.updated", order("cancelled", 30))

    assert ends == {"unpaid"}
    assert merged(tuple(itertools.chain(*snapshots, again))).state == "cancelled"


def test_a_failed_payment_cancels_nothing() -> None:
    assert OrderCancelled not in kinds(told("order.updated", order("failed", 10)))


def test_a_deleted_order_is_cancelled_when_told_and_a_restored_one_reopened_when_it_was_changed() -> None:
    gone = told("order.deleted", b'{"id":727}')
    restored = {"date_modified_gmt": (NOW + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S")}
    back = told("order.restored", order("pending", **restored), at=NOW + timedelta(minutes=1))
    gone_again = told("order.deleted", b'{"id":727}', id="d2", at=NOW + timedelta(minutes=2))

    assert gone[0].at == NOW
    assert OrderReopened in kinds(back)
    assert merged(gone + back).state == "unpaid"
    assert gone[0].external_id != gone_again[0].external_id
    assert merged(gone + back + gone_again).state == "cancelled"


@pytest.mark.parametrize("topic", sorted(READERS))
@pytest.mark.parametrize("body", [CREATED, order("processing"), order("cancelled"), CUSTOMER, {"id": 727}])
def test_a_genuine_body_under_another_unsigned_topic_undoes_nothing(
    topic: str, body: bytes | dict[str, Any]
) -> None:
    """An order was cancelled later than the body was written, and no word of an old body changes that."""
    fields = json.loads(body) if isinstance(body, bytes) else body
    try:
        events = told(topic, body, at=NOW + timedelta(days=1))
    except Unreadable:
        return

    ended = [each for each in events if isinstance(each, OrderCancelled)]
    assert not ended or fields.get("status") == "cancelled" or set(fields) == {"id"}
    assert all(each.at < NOW for each in events if isinstance(each, OrderReopened))
    assert all("role" in fields for each in events if isinstance(each, BuyerUpdated))


@pytest.mark.parametrize(
    "body", [{"id": 727, "email": "a@b.example"}, {"id": 727, "code": "x"}, {}, {"id": None}]
)
def test_a_deletion_has_nothing_but_its_id(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        told("order.deleted", body)


def test_a_subscription_is_no_order() -> None:
    with pytest.raises(Unreadable, match="subscription"):
        told("order.updated", order("processing", billing_period="month"))


def refunds(*totals: str) -> list[dict[str, Any]]:
    return [{"id": 800 + n, "reason": "broken &amp; late", "total": total} for n, total in enumerate(totals)]


def test_refunds_are_told_one_by_one_and_once_each() -> None:
    first = told("order.updated", order("processing", 5, refunds=refunds("-10.00")))
    second = told("order.updated", order("processing", 9, refunds=refunds("-10.00", "-2.50")))
    state = merged(first + second)

    assert state.refunded_minor == 1250
    assert [refund.id for refund in state.refunds] == ["800", "801"]
    refunded = first[-1]
    assert isinstance(refunded, OrderRefunded)
    assert (refunded.amount, refunded.reason) == (Money(1000, "USD"), "broken & late")


def test_a_refunded_order_is_refunded_whole_and_told_so_once() -> None:
    bare = told("order.updated", order("refunded", 5))
    itemised = told("order.updated", order("refunded", 5, refunds=refunds("-29.35")))

    assert merged(bare).state == merged(itemised).state == "refunded"
    assert kinds(itemised).count(OrderRefunded) == 1


def test_a_refund_of_nothing_is_none() -> None:
    assert OrderRefunded not in kinds(told("order.updated", order("processing", refunds=refunds("-0.00"))))


def test_a_buyer_with_an_account_has_its_id_and_a_phone_of_their_country() -> None:
    billing = {"first_name": "Zoë", "last_name": "O&#039;Hara", "phone": "(212) 555-0100", "country": "US"}
    placed = told("order.created", order("pending", customer_id=25, billing=billing))[0]

    assert isinstance(placed, OrderPlaced)
    assert placed.buyer == BuyerRef(id="25", name="Zoë O'Hara", phone="+12125550100")


@pytest.mark.parametrize(
    ("quantity", "total", "tax", "with_tax", "minor"),
    [(3, "10.00", "0", False, 333), (3, "20.00", "0.00", False, 666), (2, "5.00", "1.00", True, 300)],
)
def test_the_price_of_a_piece_is_rounded_down(
    quantity: int, total: str, tax: str, with_tax: bool, minor: int
) -> None:
    line = {
        "name": "Mug",
        "quantity": quantity,
        "total": total,
        "total_tax": tax,
        "price": 3.3333333333333335,
    }
    body = order("pending", line_items=[line], prices_include_tax=with_tax)
    placed = told("order.created", body)[0]

    assert isinstance(placed, OrderPlaced)
    assert placed.lines[0].price == Money(minor, "USD")


def test_tax_stands_beside_prices_without_it_and_within_prices_and_postage_with_it() -> None:
    shown = {"shipping_total": "10.00", "shipping_tax": "2.00", "total_tax": "5.60"}
    beside, within = (
        told("order.created", order("pending", prices_include_tax=each, **shown))[0] for each in (False, True)
    )

    assert isinstance(beside, OrderPlaced)
    assert isinstance(within, OrderPlaced)
    assert (beside.postage, beside.tax) == (Money(1000, "USD"), Money(560, "USD"))
    assert (within.postage, within.tax) == (Money(1200, "USD"), None)
    assert merged((beside,)).tax == beside.tax


def test_one_delivery_id_of_one_second_does_not_make_two_orders_one() -> None:
    one, other = told("order.created", order("pending")), told("order.created", order("pending", id=728))

    assert not {event.external_id for event in one} & {event.external_id for event in other}


def test_one_snapshot_under_two_delivery_ids_is_told_once() -> None:
    assert told("order.updated", UPDATED, id="d1") == told("order.updated", UPDATED, id="d2")


def test_a_customers_file_is_understood() -> None:
    (created,) = told("customer.created", recorded("woocommerce/customer_created.wire.json"))
    (updated,) = told("customer.updated", recorded("woocommerce/customer_updated.wire.json"))

    assert isinstance(created, BuyerUpdated)
    assert isinstance(updated, BuyerUpdated)
    assert created.buyer == BuyerRef(id="25", name="John Doe", email="john.doe@example.com")
    assert updated.buyer.name == "James Doe"
    assert updated.at > created.at


def test_topics_we_do_not_follow_are_skipped() -> None:
    for topic in ("customer.deleted", "coupon.created", "action.wc_foo", ""):
        assert told(topic, b"not even json") == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "QQQ"}, "currency: 'QQQ' is not a currency"),
        ({"total": "1,00"}, "total: '1,00' is not an amount of money"),
        ({"date_created_gmt": "yesterday"}, "date_created_gmt: 'yesterday' is not a timestamp"),
        ({"refunds": [{"id": 1, "total": "x"}]}, r"refunds\[0\].total: 'x' is not an amount"),
        ({"line_items": [{"name": "x", "quantity": 1, "total": "x"}]}, r"line_items\[0\].total: 'x' is not"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        told("order.updated", order("refunded", **changes))


RECORDED = (
    ("product.updated", recorded("woocommerce/product_updated.json")),
    ("order.created", CREATED),
    ("order.updated", UPDATED),
    ("order.restored", UPDATED),
    ("order.deleted", recorded("woocommerce/order_deleted.wire.json")),
    ("customer.created", recorded("woocommerce/customer_created.wire.json")),
    ("customer.updated", recorded("woocommerce/customer_updated.wire.json")),
    (
        "order.updated",
        json.dumps(
            order(
                "completed",
                refunds=refunds("-1", "-2"),
                meta_data=[{"id": 1, "key": "_wc_shipment_tracking_items", "value": TRACKED}],
            )
        ).encode(),
    ),
)


@given(body=st.binary(max_size=100), topic=st.sampled_from([topic for topic, _ in RECORDED]))
def test_any_bytes_are_events_or_unreadable(body: bytes, topic: str) -> None:
    only_unreadable(LISTENER, delivery(body, {"X-WC-Webhook-Topic": topic}))


@settings(max_examples=300)
@given(data=st.data())
def test_any_spoiled_body_is_events_or_unreadable(data: st.DataObject) -> None:
    topic, body = data.draw(st.sampled_from(RECORDED))
    headers = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Delivery-ID": "d1"}

    only_unreadable(LISTENER, delivery(data.draw(spoiled(body)), headers))


# --- what is for sale

PRODUCT = json.loads(recorded("woocommerce/product_updated.json"))


def sold(**changes: Any) -> ProductTold:
    (told_,) = told("product.updated", {**PRODUCT, **changes})
    assert isinstance(told_, ProductTold)
    return told_


def test_a_product_is_told_as_the_site_shows_it() -> None:
    whole = sold()

    assert (whole.product, whole.at) == ("794", datetime(2017, 3, 23, 20, 5, 14, tzinfo=UTC))
    assert whole.items == (
        Item(
            sku="PQ-19",
            title="Premium Quality & Fine",
            price=Money(2199, "CNY"),
            stock=4,
            materials="Cotton, Linen",
            url="https://example.com/product/premium-quality-19/",
        ),
    )
    assert sold(sku="", price="").items[0] == msgspec.structs.replace(whole.items[0], sku="794", price=None)


@pytest.mark.parametrize(
    ("changes", "stock"),
    [
        ({"stock_status": "outofstock"}, 0),
        ({"stock_status": "onbackorder", "stock_quantity": -1}, None),
        ({"manage_stock": False, "stock_quantity": None}, None),
        ({"manage_stock": "parent"}, None),
        ({"stock_quantity": 0, "backorders": "notify"}, None),
        ({"stock_quantity": 2.0}, 2),
    ],
)
def test_stock_is_what_can_be_had(changes: dict[str, Any], stock: int | None) -> None:
    assert sold(**changes).items[0].stock == stock


def test_drafts_and_deleted_products_are_not_for_sale() -> None:
    assert sold(status="draft").items == ()
    first, again = (told("product.deleted", {"id": 794}, id=id)[0] for id in ("d1", "d2"))
    assert isinstance(first, ProductRemoved)
    assert (first.product, first.at) == ("794", NOW)
    assert first.external_id != again.external_id
