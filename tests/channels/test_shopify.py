"""Shopify: whose deliveries are let in, and what they tell."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels import ReceivingChannel, SendingChannel
from bot.channels.shopify import READERS
from bot.domain.errors import Unreadable, WebhookRefused
from bot.domain.events import (
    Agreement,
    BuyerRef,
    BuyerUpdated,
    Event,
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ParcelCancelled,
    ParcelMoved,
    ProductRemoved,
    ProductTold,
)
from bot.domain.money import Money
from bot.domain.orders import Order
from bot.domain.products import Item
from tests.channels.recorded import NOW, body_of, delivery, only_unreadable, recorded, spoiled, vectors
from tests.channels.shopify_bodies import (
    LISTENER,
    ORDER,
    ORDER_TOPICS,
    THEN,
    VERSIONS,
    channel,
    fulfillment,
    kinds,
    merged,
    moved,
    order,
    refund,
    told,
)

# --- who may speak to us


@pytest.mark.parametrize("vector", vectors("shopify"), ids=lambda vector: vector["id"])
def test_every_recorded_signature_is_judged_right(vector: dict[str, Any]) -> None:
    given_ = delivery(body_of(vector), vector["headers"])

    if vector["valid"]:
        channel("an older secret", vector["secret"]).verify(given_)
        assert LISTENER.parse(given_) is not None
    else:
        with pytest.raises(WebhookRefused):
            channel(vector["secret"]).verify(given_)


def test_headers_without_the_x_are_understood_too() -> None:
    vector = next(vector for vector in vectors("shopify") if vector["valid"])
    headers = {name.removeprefix("X-"): value for name, value in vector["headers"].items()}
    given_ = delivery(body_of(vector), headers)

    LISTENER.verify(given_)
    assert LISTENER.parse(given_) == LISTENER.parse(delivery(body_of(vector), vector["headers"]))
    assert LISTENER.parse(given_)


@pytest.mark.parametrize("secrets", [(), ("",), ("  ",)])
def test_without_a_secret_nobody_is_let_in(secrets: tuple[str, ...]) -> None:
    signed_with_nothing = {"X-Shopify-Hmac-Sha256": "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0="}

    with pytest.raises(WebhookRefused, match="no secret"):
        channel(*secrets).verify(delivery(b"", signed_with_nothing))


def test_a_missing_or_spoiled_signature_is_refused() -> None:
    for headers in ({}, {"X-Shopify-Hmac-Sha256": "\udcff"}, {"X-Shopify-Hmac-Sha256": "AAAA"}):
        with pytest.raises(WebhookRefused):
            LISTENER.verify(delivery(b"{}", headers))


def test_the_channel_keeps_the_contract_of_channels_and_only_listens() -> None:
    contract: ReceivingChannel = LISTENER

    assert contract.handshake(delivery(b"{}")) is None
    assert not isinstance(contract, SendingChannel)


# --- what they tell


def test_a_created_order_is_placed_whatever_the_body_says_of_its_end() -> None:
    events = told("orders/create", recorded("shopify/orders_create.json"))

    assert events == (
        OrderPlaced(
            channel="shop",
            external_id="w1#placed",
            at=THEN,
            order=ORDER,
            placed_at=THEN,
            total=Money(39800, "USD"),  # as edited: the body's current_total_price
            paid=Money(0, "USD"),
            test=True,
            postage=Money(1000, "USD"),
            number="#9999",
            buyer=BuyerRef(id="115310627314723954", name="John Smith", email="jon@example.com", locale="en"),
            lines=(
                *(
                    Line(
                        title="IPod Nano - 8GB",
                        quantity=1,
                        price=Money(19900, "USD"),
                        sku="IPOD2008PINK",
                        id=id,
                    )
                    for id in ("866550311766439020", "141249953214522974")
                ),
            ),
            postcode="40003",
        ),
    )


def test_the_newer_api_version_is_understood_too() -> None:
    (placed,) = told("orders/create", recorded("shopify/2026-04/orders_create.json"))

    assert isinstance(placed, OrderPlaced)
    assert (placed.total, placed.buyer.agrees) == (Money(41495, "USD"), True)
    assert placed.lines[0] == Line(
        title="Aviator sunglasses",
        quantity=1,
        price=Money(8999, "USD"),
        sku="SKU2006-001",
        id="487817672276298554",
    )


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("orders/create", [OrderPlaced]),
        ("orders/paid", [OrderPlaced]),  # the sample's own status is voided
        ("orders/updated", [OrderPlaced, OrderCancelled]),
        ("orders/cancelled", [OrderPlaced, OrderCancelled]),
        ("orders/fulfilled", [OrderPlaced]),
        ("orders/partially_fulfilled", [OrderPlaced]),
    ],
)
def test_the_topic_chooses_what_of_the_body_is_news(topic: str, expected: list[type[Event]]) -> None:
    assert kinds(told(topic, recorded(f"shopify/{topic.replace('/', '_')}.json"))) == expected


def test_a_cancelled_order_was_not_paid_after_its_end() -> None:
    body = order(
        financial_status="refunded",
        cancelled_at="2022-01-02T00:00:00Z",
        updated_at="2022-01-05T00:00:00Z",
        cancel_reason="inventory",
    )
    state = merged(told("orders/updated", body))

    assert state.state == "cancelled"
    assert state.payments == ()  # so none came too late


def test_a_deleted_order_is_cancelled_when_the_webhook_was_triggered() -> None:
    triggered = {"X-Shopify-Triggered-At": "2024-08-07T22:57:57.290670248Z"}
    (gone,) = told("orders/delete", recorded("shopify/orders_delete.json"), **triggered)

    assert isinstance(gone, OrderCancelled)
    assert (gone.order, gone.reason) == (ORDER, "deleted")
    assert gone.at == datetime(2024, 8, 7, 22, 57, 57, 290670, tzinfo=UTC)


def test_nothing_was_deleted_tomorrow_because_the_header_is_not_signed() -> None:
    (gone,) = told("orders/delete", b'{"id": 1}', **{"X-Shopify-Triggered-At": "2199-01-01T00:00:00Z"})

    assert gone.at == NOW


WORD = {
    OrderCancelled: lambda body: "cancelled_at" in body or set(body) == {"id"},
    OrderShipped: lambda body: "Fulfillment/" in body.get("admin_graphql_api_id", ""),
    OrderDelivered: lambda body: "FulfillmentEvent/" in body.get("admin_graphql_api_id", ""),
    OrderPlaced: lambda body: "Order/" in body.get("admin_graphql_api_id", ""),
    OrderRefunded: lambda body: "Refund/" in body.get("admin_graphql_api_id", ""),
    BuyerUpdated: lambda body: "Customer/" in body.get("admin_graphql_api_id", "") or set(body) == {"id"},
    ParcelMoved: lambda body: "FulfillmentEvent/" in body.get("admin_graphql_api_id", ""),
    ProductTold: lambda body: "Product/" in body.get("admin_graphql_api_id", ""),
    ProductRemoved: lambda body: set(body) == {"id"},
}
TRANSACTION = b"""{"id": 389, "order_id": 820982911946154508, "kind": "authorization", "status": "success",
    "amount": "388.00", "admin_graphql_api_id": "gid://shopify/OrderTransaction/389"}"""
CHECKOUT = json.dumps(
    {"id": 981, "total_price": "5.00", "currency": "USD", "abandoned_checkout_url": "https://x.example/c"}
).encode()


@pytest.mark.parametrize("topic", sorted(READERS))
@pytest.mark.parametrize(
    "body",
    [
        *(recorded(f"shopify/{name}.json") for name in (
            "customers_update", "fulfillment_events_create", "fulfillments_create", "orders_create",
            "orders_delete", "products_update", "refunds_create",
        )),
        *(json.dumps(order(id=7, **more)).encode() for more in ({}, {"financial_status": "paid"})),
        TRANSACTION,
        CHECKOUT,
    ],
)  # fmt: skip
def test_a_genuine_body_under_another_unsigned_topic_makes_nothing_happen(topic: str, body: bytes) -> None:
    try:
        events = told(topic, body)
    except Unreadable:
        return

    assert [type(each) for each in events if not WORD[type(each)](json.loads(body))] == []


@pytest.mark.parametrize(
    "body",
    ['{"id": 1, "email": "a@b.example"}', '{"id": 1, "cancelled_at": null}', "{}", '{"id": null}', "[1]"],
)
def test_a_deletion_has_nothing_but_its_id(body: str) -> None:
    with pytest.raises(Unreadable):
        told("orders/delete", body.encode())


def test_cancelled_paid_and_fulfilled_are_what_the_body_says_never_the_topic_alone() -> None:
    parcels = [fulfillment(1)]
    for topic in ORDER_TOPICS:
        events = told(topic, order(fulfillments=parcels, fulfillment_status="partial"))

        assert OrderCancelled not in kinds(events)
        assert merged(events).paid_at is None
        assert not any(each.last for each in events if isinstance(each, OrderShipped))


@pytest.mark.parametrize("time", ["", "yesterday", '"', "0001-01-01T00:00:00+14:00", "\udcff"])
def test_a_time_that_cannot_be_read_gives_way_to_the_arrival(time: str) -> None:
    (gone,) = told("orders/delete", b'{"id": 1}', **{"X-Shopify-Triggered-At": time})

    assert gone.at == NOW


PACKED = {
    VERSIONS[0]: {"866550311766439020": 1, "141249953214522974": 1},
    VERSIONS[1]: {
        "487817672276298554": 1,
        "789012345678901234": 1,
        "890123456789012345": 1,
        "976318377106520349": 1,
        "315789986012684393": 1,
    },
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fulfillment_is_a_parcel_that_left(version: str) -> None:
    events = told("fulfillments/create", recorded(f"{version}/fulfillments_create.json"))

    assert events == (
        OrderShipped(
            channel="shop",
            external_id="w1#shipped:123456",
            at=THEN,
            order=ORDER,
            parcel="123456",
            carrier="UPS",
            tracking="1z827wk74630",
            tracking_url="https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums=1z827wk74630",
            shown_at=THEN,
            pieces={VERSIONS[0]: 2}.get(version, 5),
            packed=PACKED[version],
            names=("#9999.1",),
        ),
    )


@pytest.mark.parametrize("status", ["cancelled", "error", "failure"])
def test_a_fulfillment_that_failed_is_no_parcel(status: str) -> None:
    events = told("fulfillments/update", fulfillment(1, status=status))

    assert kinds(events) == [ParcelCancelled]
    assert merged(events).sent == ()


def test_a_fulfillment_that_was_cancelled_takes_its_parcel_back_whatever_came_first() -> None:
    left = told("fulfillments/create", fulfillment(1))
    gone = told("fulfillments/update", fulfillment(1, status="cancelled", updated_at="2022-01-09T00:00:00Z"))

    assert merged(left, gone).shipped == merged(gone, left).shipped == ()


@pytest.mark.parametrize("status", ["failure", "attempted_delivery"])
def test_what_the_carrier_could_not_hand_over_is_no_arrival(status: str) -> None:
    order = merged(told("fulfillments/update", fulfillment(1, shipment_status=status)))

    assert [parcel.status for parcel in order.shipped] == [status]
    assert (order.shipped[0].failed, order.delivered_at) == (status == "failure", None)


@pytest.mark.parametrize("status", ["pending", "open"])
@pytest.mark.parametrize(
    ("word", "left"),
    [({}, False), ({"tracking_number": "UPS1"}, True), ({"shipment_status": "in_transit"}, True)],
)
def test_what_a_service_is_about_to_send_has_left_once_it_has_a_number_or_a_carriers_word(
    status: str, word: dict[str, Any], left: bool
) -> None:
    nothing = {"tracking_number": None, "tracking_numbers": [], "shipment_status": None}
    waiting = told("fulfillments/create", fulfillment(1, status=status, **(nothing | word)))
    done = told("fulfillments/update", fulfillment(1, status="success", updated_at="2022-01-09T00:00:00Z"))

    assert bool(waiting) == left
    assert merged(waiting, done).shipped == merged(done, waiting).shipped
    assert len(merged(waiting, done).shipped) == 1


def test_what_the_buyer_fetches_is_ready_and_then_fetched() -> None:
    ready = told("fulfillments/create", fulfillment(1, shipment_status="ready_for_pickup"))
    body = recorded("shopify/fulfillment_events_create.json").replace(b"in_transit", b"picked_up")
    fetched = told("fulfillment_events/create", body.replace(b"123456", b"1"))

    assert merged(ready).shipped[0].ready
    assert not merged(ready, fetched).shipped[0].ready
    assert merged(ready, fetched).delivered_at
    assert merged(fetched, ready) == merged(ready, fetched)


def test_what_needs_no_shipping_is_not_waited_for() -> None:
    lines = [
        {"id": 1, "price": "1.00", "quantity": 2, "current_quantity": 1},  # one was removed
        {"id": 2, "price": "1.00", "quantity": 1, "gift_card": True},
        {"id": 3, "price": "1.00", "quantity": 1, "requires_shipping": False},
    ]
    packed = fulfillment(1, line_items=[{"id": 1, "quantity": 1}])
    body = order(line_items=lines, fulfillments=[packed], fulfillment_status="partial")

    assert merged(told("orders/updated", body)).surely_all_shipped


def test_an_order_is_not_whole_any_more_when_a_parcel_is_taken_back() -> None:
    lines = [{"id": id, "price": "1.00", "quantity": 1} for id in (1, 2)]
    first, second = (fulfillment(id, line_items=[{"id": id, "quantity": 1}]) for id in (1, 2))
    whole = order(line_items=lines, fulfillments=[first, second], fulfillment_status="fulfilled")
    gone = fulfillment(2, status="cancelled", updated_at="2022-01-09T00:00:00Z")

    assert merged(told("orders/updated", whole)).state == "shipped"
    assert merged(told("orders/updated", whole), told("fulfillments/update", gone)).state == "partly_shipped"


def test_a_fulfillment_that_arrived_is_delivered() -> None:
    events = told("fulfillments/update", fulfillment(1, shipment_status="delivered"))

    assert kinds(events) == [OrderShipped, OrderDelivered]
    assert merged(events).delivered_at == THEN


def test_two_numbers_of_one_fulfillment_are_both_told() -> None:
    (shipped,) = told("fulfillments/create", fulfillment(1, tracking_numbers=["A1", "A2"]))

    assert isinstance(shipped, OrderShipped)
    assert shipped.tracking == "A1, A2"


def line(place: int) -> dict[str, Any]:
    """One piece of a line of the recorded order."""
    return {"id": (866550311766439020, 141249953214522974)[place - 1], "quantity": 1}


def test_a_part_is_a_part_until_the_order_is_fulfilled_whatever_comes_later_of_its_parcels() -> None:
    first, second = (fulfillment(id, line_items=[line(id)]) for id in (1, 2))
    part = told("orders/partially_fulfilled", order(fulfillments=[first], fulfillment_status="partial"))
    whole = told("orders/fulfilled", order(fulfillments=[first, second], fulfillment_status="fulfilled"))
    moved = told("fulfillments/update", first | {"updated_at": "2022-01-09T00:00:00Z"})

    assert merged(told("fulfillments/create", first), part).state == "partly_shipped"
    assert merged(part, whole, moved).state == "shipped"
    assert merged(moved, whole, part).state == "shipped"


@pytest.mark.parametrize(("status", "state"), [("fulfilled", "shipped"), ("partial", "partly_shipped")])
def test_a_snapshot_tells_whether_all_has_left(status: str, state: str) -> None:
    items = [line(1), line(2)] if status == "fulfilled" else [line(1)]
    body = order(fulfillments=[fulfillment(1, line_items=items)], fulfillment_status=status)

    assert merged(told("orders/updated", body)).state == state


@pytest.mark.parametrize("version", VERSIONS)
def test_a_carriers_word_is_a_movement(version: str) -> None:
    events = told("fulfillment_events/create", recorded(f"{version}/fulfillment_events_create.json"))

    assert events == (
        ParcelMoved(
            channel="shop",
            external_id="w1#moved",
            at=THEN,
            order=ORDER,
            parcel="123456",
            status="in_transit",
        ),
    )


def test_a_carriers_word_of_delivery_is_the_delivery_of_that_parcel() -> None:
    body = recorded("shopify/fulfillment_events_create.json").replace(b"in_transit", b"delivered")
    (delivered,) = told("fulfillment_events/create", body)

    assert isinstance(delivered, OrderDelivered)
    assert delivered.parcel == "123456"


def test_a_refund_without_a_transaction_moved_no_money() -> None:
    assert told("refunds/create", recorded("shopify/refunds_create.json")) == ()


def test_a_transaction_without_a_currency_is_in_the_shops() -> None:
    (refunded,) = told("refunds/create", recorded("shopify/2026-04/refunds_create.json"))

    assert isinstance(refunded, OrderRefunded)
    assert refunded.amount == Money(8500, "USD")


def test_a_refund_is_the_sum_of_what_really_moved() -> None:
    body = refund(moved("10.00"), moved("2.50"), moved("99", status="failure"), moved("99", kind="void"))

    assert told("refunds/create", body) == (
        OrderRefunded(
            channel="shop",
            external_id="w1#refunded:890088186047892319",
            at=THEN,
            order=ORDER,
            refund="890088186047892319",
            amount=Money(1250, "USD"),
            reason="Things were damaged",
        ),
    )


def test_a_refund_told_by_its_own_topic_and_by_the_order_is_one() -> None:
    body = refund(moved("10.00"))
    state = merged(told("refunds/create", body), told("orders/updated", order(refunds=[body])))

    assert state.refunded_minor == 1000


@pytest.mark.parametrize("version", VERSIONS)
def test_a_customers_file_is_understood(version: str) -> None:
    (updated,) = told("customers/update", recorded(f"{version}/customers_update.json"))

    assert isinstance(updated, BuyerUpdated)
    assert updated.buyer == BuyerRef(id="706405506930370084", name="Bob Biller", email="bob@biller.com")


@pytest.mark.parametrize(
    ("state", "agrees"),
    [("subscribed", True), ("unsubscribed", False), ("not_subscribed", None), (None, None)],
)
def test_consent_is_what_the_customer_said_last(state: str | None, agrees: bool | None) -> None:
    body = json.loads(recorded("shopify/customers_update.json"))
    (updated,) = told("customers/update", {**body, "email_marketing_consent": {"state": state}})

    assert isinstance(updated, BuyerUpdated)
    assert updated.buyer.agrees is agrees


SAID_AT = "2026-03-01T09:00:00+01:00"
MARCH = datetime(2026, 3, 1, 8, tzinfo=UTC)


def consent(state: str, at: str | None = SAID_AT) -> dict[str, Any]:
    return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at}


def customer(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(recorded("shopify/customers_update.json"))
    return {**body, "phone": "+12125550100", "updated_at": "2026-05-01T00:00:00Z", **changes}


def test_a_customers_word_about_mail_and_about_texts_has_its_own_time_each() -> None:
    said = customer(
        email_marketing_consent=consent("subscribed"),
        sms_marketing_consent=consent("unsubscribed", "2026-04-01T00:00:00Z"),
    )
    (updated,) = told("customers/update", said)

    assert isinstance(updated, BuyerUpdated)
    ref = updated.buyer
    assert (updated.at, ref.agrees, ref.agrees_at) == (datetime(2026, 5, 1, tzinfo=UTC), True, MARCH)
    assert ref.agreement(by_phone=True) == Agreement(yes=False, at=datetime(2026, 4, 1, tzinfo=UTC))


def test_a_yes_to_mail_is_none_to_texts() -> None:
    (updated,) = told("customers/update", customer(email_marketing_consent=consent("subscribed")))

    assert isinstance(updated, BuyerUpdated)
    assert updated.buyer.agreement(by_phone=True).yes is None
    assert updated.buyer.agreement(by_phone=False).yes is True


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated"])
def test_an_orders_customer_says_what_the_customers_file_says_about_its_own_addresses(topic: str) -> None:
    who = customer(email="own@b.example", email_marketing_consent=consent("unsubscribed"))
    body = order(email="typed@b.example", customer=who, buyer_accepts_marketing=True)
    placed, updated = told(topic, body)

    assert isinstance(placed, OrderPlaced)
    assert isinstance(updated, BuyerUpdated)
    assert (placed.buyer.email, placed.buyer.agrees) == ("typed@b.example", None)
    assert (updated.buyer.email, updated.buyer.agrees, updated.buyer.agrees_at) == (
        "own@b.example",
        False,
        MARCH,
    )


def test_a_yes_of_a_customers_file_without_a_time_is_no_younger_than_the_order() -> None:
    who = customer(email_marketing_consent=consent("subscribed", None))
    updated = told("orders/updated", order(customer=who, updated_at="2026-06-01T00:00:00Z"))[1]

    assert isinstance(updated, BuyerUpdated)
    assert updated.buyer.agrees_at == THEN


def test_the_tick_of_a_checkout_is_told_once_by_the_orders_creation() -> None:
    body = order(customer={"id": 1}, buyer_accepts_marketing=True, updated_at="2026-06-01T00:00:00Z")
    told_of = {topic: told(topic, body)[0] for topic in ORDER_TOPICS}

    ticked = {topic: each.buyer for topic, each in told_of.items() if isinstance(each, OrderPlaced)}
    assert {topic for topic, ref in ticked.items() if ref.agrees is not None} == {"orders/create"}
    assert (ticked["orders/create"].agrees, ticked["orders/create"].agrees_at) == (True, THEN)


def test_an_empty_box_at_a_checkout_says_nothing() -> None:
    (placed,) = told("orders/create", order(customer={"id": 1}, buyer_accepts_marketing=False))

    assert isinstance(placed, OrderPlaced)
    assert placed.buyer.agrees is None


def test_the_phone_is_the_buyers_own_and_not_the_one_of_who_gets_the_parcel() -> None:
    gift = order(
        shipping_address={"phone": "+1 212-555-0100", "country_code": "US"},
        billing_address={"phone": "030 901820", "country_code": "DE"},
    )
    (placed,) = told("orders/create", gift)

    assert isinstance(placed, OrderPlaced)
    assert placed.buyer.phone == "+4930901820"


def test_a_phone_that_only_the_shipping_address_tells_proves_the_order_and_names_nobody() -> None:
    body = order(shipping_address={"phone": "+1 212-555-0100", "country_code": "US"})
    (placed,) = told("orders/create", body)

    assert isinstance(placed, OrderPlaced)
    assert placed.buyer.phone is None
    contacts = merged((placed,)).contacts
    assert contacts is not None
    assert (contacts.proving_phone, contacts.known("phone"), contacts.has(None, "+12125550100")) == (
        "+12125550100",
        None,
        False,
    )


def test_topics_we_do_not_follow_are_skipped() -> None:
    assert told("app/uninstalled", recorded("shopify/app_uninstalled.json")) == ()
    assert told("collections/create", b"not even json") == ()
    assert LISTENER.parse(delivery(b"{}")) == ()


def test_a_delivery_without_a_plain_id_is_known_by_its_body() -> None:
    bodies = {b'{"id": 1}', b'{"id": 2}'}
    for id in ("", "\udcff", "x" * 101, "a\tb"):
        ids = {told("orders/delete", body, **{"X-Shopify-Webhook-Id": id})[0].external_id for body in bodies}
        assert len(ids) == 2
        assert all(each.isascii() for each in ids)


@pytest.mark.parametrize(
    "topic", ["orders/create", "fulfillments/create", "refunds/create", "customers/update"]
)
def test_a_body_without_what_matters_names_it(topic: str) -> None:
    with pytest.raises(Unreadable, match="missing"):
        told(topic, b'{"id": null}' if topic == "customers/update" else b'{"id": 1}')


def test_an_order_in_a_strange_currency_names_the_place() -> None:
    with pytest.raises(Unreadable, match="currency: 'QQQ' is not a currency"):
        told("orders/create", order(currency="QQQ"))


def test_updates_that_change_nothing_do_not_grow_the_record() -> None:
    """Shopify updates an order with each remark and each tag that an app puts on it."""
    parcels = [
        fulfillment(number, name=f"#9999.{number}", tracking_numbers=[f"T{number}"]) for number in (1, 2)
    ]
    whole = order(fulfillments=parcels, refunds=[refund(moved("10.00"))], financial_status="paid")

    def updated(times: int) -> Order:
        moments = (THEN + timedelta(minutes=minute) for minute in range(times))
        return merged(
            *(told("orders/updated", {**whole, "updated_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}) for at in moments)
        )

    few, many = updated(20), updated(500)

    assert len(many.shipped) == 2
    assert many.refunds
    assert len(msgspec.json.encode(many)) == len(msgspec.json.encode(few))


def test_snapshots_may_come_in_any_order() -> None:
    early = told("orders/create", order(updated_at="2022-01-01T00:00:00Z"))
    late = told("orders/updated", order(updated_at="2022-01-03T00:00:00Z", current_total_price="99.00"))

    assert merged(early, late) == merged(late, early)
    assert merged(early, late).total == Money(9900, "USD")
    assert merged(early, late).placed_at == THEN


RECORDED = (
    ("products/update", "shopify/products_update.json"),
    *((topic, f"shopify/{topic.replace('/', '_')}.json") for topic in ORDER_TOPICS),
    ("orders/delete", "shopify/orders_delete.json"),
    ("orders/updated", "shopify/2026-04/orders_create.json"),
    ("fulfillments/create", "shopify/fulfillments_create.json"),
    ("fulfillments/update", "shopify/2026-04/fulfillments_create.json"),
    ("fulfillment_events/create", "shopify/fulfillment_events_create.json"),
    ("refunds/create", "shopify/refunds_create.json"),
    ("customers/update", "shopify/customers_update.json"),
)
FULL = order(
    fulfillments=[fulfillment(1), fulfillment(2, shipment_status="delivered")],
    refunds=[refund(moved("10.00"))],
    financial_status="partially_refunded",
    updated_at=(THEN + timedelta(days=2)).isoformat(),
)


@given(body=st.binary(max_size=100), topic=st.sampled_from([topic for topic, _ in RECORDED]))
def test_any_bytes_are_events_or_unreadable(body: bytes, topic: str) -> None:
    only_unreadable(LISTENER, delivery(body, {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": "w1"}))


@settings(max_examples=300)
@given(data=st.data())
def test_any_spoiled_body_is_events_or_unreadable(data: st.DataObject) -> None:
    topic, path = data.draw(st.sampled_from((*RECORDED, ("orders/updated", ""))))
    body = recorded(path) if path else json.dumps(FULL).encode()
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": "w1"}

    only_unreadable(LISTENER, delivery(data.draw(spoiled(body)), headers))


# --- what is for sale


PRODUCT = json.loads(recorded("shopify/products_update.json"))


def sold(**changes: Any) -> Item:
    (told_,) = told("products/update", {**PRODUCT, "variants": [{**PRODUCT["variants"][0], **changes}]})
    assert isinstance(told_, ProductTold)
    return told_.items[0]


def test_a_product_is_told_with_all_of_its_variants() -> None:
    (told_,) = told("products/update", recorded("shopify/products_update.json"))

    assert isinstance(told_, ProductTold)
    assert told_.product == "788032119674292922"
    assert told_.at == datetime(2026, 11, 20, 21, 5, 49, tzinfo=UTC)
    small = Item(
        sku="example-shirt-s",
        title="Example T-Shirt, Small",
        price=Money(1999, "USD"),
        stock=75,
        sizes="Small, Medium",
    )
    assert told_.items[0] == small
    assert [item.stock for item in told_.items] == [75, 0]


@pytest.mark.parametrize(
    ("changes", "stock"),
    [
        ({"inventory_management": None}, None),
        ({"inventory_quantity": -2}, 0),
        ({"inventory_quantity": -2, "inventory_policy": "continue"}, None),
        ({"inventory_quantity": 10**30}, 1_000_000),
    ],
)
def test_what_nobody_counts_or_is_sold_below_zero_can_be_had(
    changes: dict[str, Any], stock: int | None
) -> None:
    assert sold(**changes).stock == stock


def test_a_single_variant_has_the_products_title_and_its_id_where_it_has_no_sku() -> None:
    only = sold(title="Default Title", sku="")

    assert (only.title, only.sku) == ("Example T-Shirt", "642667041472713922")


def test_hidden_and_deleted_products_are_not_for_sale_and_a_body_cut_short_says_nothing() -> None:
    for status in ("archived", "draft"):
        (hidden,) = told("products/update", {**PRODUCT, "status": status})
        assert isinstance(hidden, ProductTold)
        assert hidden.items == ()
    (gone,) = told("products/delete", {"id": PRODUCT["id"]})
    assert isinstance(gone, ProductRemoved)
    assert gone.product == "788032119674292922"
    assert told("products/update", {**PRODUCT, "variants": None}) == ()
