"""The webhook channel: what it lets in, what it understands, and how it speaks."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook

from bot.channels import ReceivingChannel, SendingChannel, standard_webhooks
from bot.channels.registry import open_http
from bot.channels.webhook import WebhookChannel, WebhookSettings
from bot.domain.errors import (
    BuyerUnreachable,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    Unreadable,
    WebhookRefused,
)
from bot.domain.events import (
    AgentReplied,
    BuyerOptedOut,
    BuyerRef,
    BuyerUpdated,
    CheckoutAbandoned,
    Event,
    ItemRestocked,
    Line,
    Media,
    MessageReceived,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    PaymentReceived,
    ProductRemoved,
    ProductTold,
    ReviewPosted,
)
from bot.domain.money import Money
from bot.domain.orders import merge
from bot.domain.products import Item
from tests.channels.messages import REMINDER, reminder
from tests.channels.receiver import Receiver, answer, break_off, hang_up, never, receiving
from tests.channels.recorded import NOW, body_of, delivery, only_unreadable, spoiled, vectors

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
AT = "2026-11-21T10:00:00+08:00"
THEN = datetime(2026, 11, 21, 2, tzinfo=UTC)
CNY128 = Money(12800, "CNY")
ANN = {
    "id": "ann",
    "name": "安娜",
    "phone": "+8613800000000",
    "email": "ann@example.com",
    "locale": "zh-CN",
    "timezone": "Asia/Shanghai",
}
PLACED: dict[str, Any] = {
    "order": {
        "id": "1001",
        "placed_at": AT,
        "total": "128.00",
        "postage": "8.00",
        "currency": "CNY",
        "buyer": ANN,
        "lines": [{"sku": "MUG-1", "title": "马克杯", "quantity": 2, "price": "60.00"}],
    }
}
FORMS: dict[str, dict[str, Any]] = {
    "message.received": {"message": {"id": "m1", "buyer": ANN, "text": "什么时候发货？"}},
    "agent.replied": {"message": {"id": "m2", "buyer": {"id": "ann"}, "text": "今天", "agent": "Li"}},
    "order.placed": PLACED,
    "order.paid": {"order": {"id": "1001", "paid_at": AT, "amount": "128.00", "currency": "CNY"}},
    "order.shipped": {"order": {"id": "1001", "shipped_at": AT, "carrier": "SF", "tracking": "SF123"}},
    "order.delivered": {"order": {"id": "1001", "delivered_at": AT}},
    "order.completed": {"order": {"id": "1001", "completed_at": AT}},
    "order.cancelled": {"order": {"id": "1001", "cancelled_at": AT, "reason": "changed their mind"}},
    "order.refunded": {"order": {"id": "1001", "refunded_at": AT, "amount": "10.00", "currency": "CNY"}},
    "review.posted": {"review": {"order": "1001", "rating": 5, "text": "好"}},
    "checkout.abandoned": {"checkout": {"id": "c1", "buyer": ANN, "total": "60", "currency": "CNY"}},
    "item.restocked": {"item": {"sku": "MUG-1", "title": "马克杯"}},
    "product.updated": {
        "product": {
            "id": 7,
            "currency": "CNY",
            "items": [
                {"sku": "MUG-1", "title": "马克杯", "price": "60.00", "floor": 50, "stock": 3, "care": "手洗"}
            ],
        }
    },
    "product.deleted": {"product": {"id": 7}},
    "buyer.opted_out": {"buyer": {"id": "ann"}},
    "buyer.updated": {"buyer": ANN},
}


def form(kind: str, data: Any = None, timestamp: str | None = AT) -> bytes:
    told = {"type": kind, "data": FORMS[kind] if data is None else data}
    return json.dumps(told | ({"timestamp": timestamp} if timestamp else {}), ensure_ascii=False).encode()


def with_secrets(settings: WebhookSettings, *secrets: str) -> WebhookSettings:
    """The settings with these secrets, also with such as they would refuse."""
    return settings.model_copy(update={"secrets": tuple(map(SecretStr, secrets))})


def closed_channel(*secrets: str, **more: Any) -> WebhookChannel:
    """A channel that only receives: it has no session to send through."""
    chosen = with_secrets(WebhookSettings.model_validate(more), *secrets)
    return WebhookChannel("shop", "CN", chosen, None)  # type: ignore[arg-type]  # it never sends


LISTENER = closed_channel(SECRET)


def parsed(kind: str, data: Any = None, timestamp: str | None = AT) -> Event:
    headers = {"webhook-id": "d1"}
    (event,) = LISTENER.parse(delivery(form(kind, data, timestamp), headers))
    return event


def parsed_order(kind: str, **order: Any) -> Any:
    return parsed(kind, {"order": {"id": "1001", **order}})


def unreadable(kind: str, data: Any, timestamp: str | None = AT) -> str:
    with pytest.raises(Unreadable) as refusal:
        LISTENER.parse(delivery(form(kind, data, timestamp), {"webhook-id": "d1"}))
    return str(refusal.value)


def placed(**changes: Any) -> dict[str, Any]:
    return {"order": {**PLACED["order"], **changes}}


def test_a_message_told_under_another_delivery_id_is_one_and_its_edit_another() -> None:
    def named(delivery_id: str, **more: Any) -> str:
        message = {"id": "m1", "buyer": {"id": "ann"}, "text": "hi", **more}
        body = form("message.received", {"message": message}, AT)
        (event,) = LISTENER.parse(delivery(body, {"webhook-id": delivery_id}))
        return event.external_id

    assert named("d1") == named("d2") != named("d2", kind="edit")
    assert named("d1") != named("d1", buyer={"id": "bob"})


def test_discounts_and_halves_are_read_as_a_shop_tells_them() -> None:
    lines = [
        {"title": "Silk", "quantity": 0.5, "price": "60.00"},
        {"title": "Voucher", "price": "-5.00"},
        {"title": "Tea", "quantity": 2.0, "price": "1.005"},
    ]
    (silk, voucher, tea) = parsed("order.placed", placed(lines=lines)).lines

    assert (silk.quantity, silk.price * silk.quantity) == (0.5, Money(3000, "CNY"))
    assert (voucher.price, tea.price) == (Money(-500, "CNY"), Money(101, "CNY"))
    assert str(tea.quantity) == "2"


def test_a_shops_own_account_and_its_test_orders_are_read() -> None:
    event = parsed("order.placed", placed(paid="28.00", test=True))

    assert (event.paid, event.test) == (Money(2800, "CNY"), True)
    assert parsed_order("order.paid", payment="p1").payment == "p1"


# --- who may speak to us


def sold(**changes: Any) -> dict[str, Any]:
    return {"product": {"id": 7, "items": [{"sku": "MUG-1", "title": "马克杯", **changes}]}}


@pytest.mark.parametrize("vector", vectors("standard_webhooks"), ids=lambda vector: vector["id"])
def test_the_specifications_own_signatures_are_judged_as_it_says(vector: dict[str, Any]) -> None:
    sent_at = datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)
    given_ = delivery(body_of(vector), vector["headers"], sent_at)
    channel = closed_channel(vector["secret"])

    if vector["valid"]:
        channel.verify(given_)
    else:
        with pytest.raises(WebhookRefused):
            channel.verify(given_)


def signed(secret: str = SECRET, body: bytes = b"{}", at: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": "d1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("d1", at, body.decode()),
    }


def test_every_secret_in_rotation_opens_the_door() -> None:
    channel = closed_channel(OTHER, SECRET)

    channel.verify(delivery(b"{}", signed(SECRET)))
    channel.verify(delivery(b"{}", signed(OTHER)))


@pytest.mark.parametrize("off", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_a_delivery_five_minutes_off_is_let_in_and_a_second_more_is_not(off: timedelta) -> None:
    headers = signed()
    LISTENER.verify(delivery(b"{}", headers, NOW + off))

    with pytest.raises(WebhookRefused, match="5 minutes"):
        LISTENER.verify(delivery(b"{}", headers, NOW + off + off / 300))


@pytest.mark.parametrize("secrets", [(), ("",), ("whsec_",), ("", "whsec_")])
def test_without_a_secret_nobody_is_let_in(secrets: tuple[str, ...]) -> None:
    empty = standard_webhooks.sign(b"", "d1", NOW, b"{}")

    with pytest.raises(WebhookRefused, match="no secret"):
        closed_channel(*secrets).verify(delivery(b"{}", empty))


@pytest.mark.parametrize("gone", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused_by_its_name(gone: str) -> None:
    headers = {name: value for name, value in signed().items() if name != gone}

    with pytest.raises(WebhookRefused, match=gone):
        LISTENER.verify(delivery(b"{}", headers))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "1" * 5000),
        ("webhook-timestamp", "-1"),
        ("webhook-id", "d\u00e9"),
        ("webhook-id", "d" * 201),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,\udcff"),
        ("webhook-signature", "v2,AAAA"),
    ],
)
def test_a_spoiled_header_is_refused(header: str, value: str) -> None:
    with pytest.raises(WebhookRefused):
        LISTENER.verify(delivery(b"{}", {**signed(), header: value}))


def test_a_changed_body_or_id_is_refused() -> None:
    with pytest.raises(WebhookRefused):
        LISTENER.verify(delivery(b"{ }", signed()))
    with pytest.raises(WebhookRefused):
        LISTENER.verify(delivery(b"{}", {**signed(), "webhook-id": "d2"}))


def test_a_secret_that_is_no_base64_is_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError) as refusal:
        WebhookSettings.model_validate({"secrets": ["whsec_not base64!"]})

    assert refusal.value.errors()[0]["type"] == "signing_secret"
    assert "not base64!" not in str(refusal.value)


def test_secrets_hide_in_repr() -> None:
    assert "MfKQ9r8G" not in repr(WebhookSettings.model_validate({"secrets": [SECRET]}))


# --- what we understand


def test_a_placed_order_is_understood_whole() -> None:
    assert parsed("order.placed") == OrderPlaced(
        channel="shop",
        external_id="d1#order.placed",
        at=THEN,
        order="1001",
        placed_at=THEN,
        total=CNY128,
        postage=Money(800, "CNY"),
        buyer=msgspec.convert(ANN, BuyerRef),
        lines=(Line(sku="MUG-1", title="马克杯", quantity=2, price=Money(6000, "CNY")),),
    )


def test_a_message_is_understood() -> None:
    event = parsed("message.received")

    assert isinstance(event, MessageReceived)
    assert (event.conversation, event.message_id, event.text) == ("ann", "m1", "什么时候发货？")
    assert (event.kind, event.buyer.phone) == ("text", "+8613800000000")


@pytest.mark.parametrize(
    ("said", "kind"), [("button", "button"), ("edit", "edit"), ("photo", "other"), (None, "text")]
)
def test_kinds_of_messages_are_kept_and_unknown_ones_are_other(said: str | None, kind: str) -> None:
    event = parsed("message.received", {"message": {"buyer": {"id": 7}, "text": "x", "kind": said}})

    assert isinstance(event, MessageReceived)
    assert (event.kind, event.conversation, event.message_id) == (kind, "7", "d1")


def test_files_beside_a_message_are_kept_by_their_address() -> None:
    files = [{"url": "https://shop.example/1.jpg", "type": "image/jpeg", "size": 1234}, {"url": "http://x/2"}]
    event = parsed("message.received", {"message": {"buyer": {"id": 7}, "media": files}})

    assert isinstance(event, MessageReceived)
    assert event.media == (
        Media(ref="https://shop.example/1.jpg", type="image/jpeg", size=1234),
        Media(ref="http://x/2"),
    )
    assert (event.kind, event.text) == ("other", "")


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "https://" + "x" * 2000, "javascript:alert(1)"])
def test_what_is_no_web_address_is_named(url: str) -> None:
    with pytest.raises(Unreadable, match=r"data\.message\.media\[0\]\.url"):
        parsed("message.received", {"message": {"buyer": {"id": 7}, "media": [{"url": url}]}})


def test_an_agents_reply_is_understood() -> None:
    event = parsed("agent.replied")

    assert isinstance(event, AgentReplied)
    assert (event.conversation, event.text, event.agent) == ("ann", "今天", "Li")


def test_a_payment_is_understood_and_without_an_amount_it_is_the_whole() -> None:
    part = parsed("order.paid", {"order": {"id": 1, "amount": "1.5", "currency": "cny", "reference": 77}})
    whole = parsed("order.paid", {"order": {"id": 1}})

    assert isinstance(part, PaymentReceived)
    assert isinstance(whole, PaymentReceived)
    assert (part.order, part.amount, part.reference) == ("1", Money(150, "CNY"), "77")
    assert (whole.amount, whole.at) == (None, THEN)


@pytest.mark.parametrize(
    ("said", "parcel"),
    [({"parcel": 2, "tracking": "SF1"}, "2"), ({"tracking": "SF1"}, "SF1"), ({}, "1"), ({"parcel": ""}, "1")],
)
def test_a_parcel_is_named_by_itself_or_its_number(said: dict[str, Any], parcel: str) -> None:
    event = parsed_order("order.shipped", last=True, **said)

    assert isinstance(event, OrderShipped)
    assert (event.parcel, event.last) == (parcel, True)


def test_a_corrected_tracking_number_of_the_same_parcel_wins_and_stays_the_last() -> None:
    parcel = {"id": "1001", "parcel": "1", "shipped_at": AT}
    first = parsed_order("order.shipped", parcel="1", shipped_at=AT, tracking="SF9", last=True)
    later = form("order.shipped", {"order": {**parcel, "tracking": "SF1"}}, "2026-11-21T11:00:00+08:00")
    (corrected,) = LISTENER.parse(delivery(later, {"webhook-id": "d2"}))
    assert isinstance(corrected, OrderShipped)

    for events in ((first, corrected), (corrected, first)):
        order = merge(merge(None, events[0]), events[1])
        assert (order.parcels[0].tracking, order.parcels[0].last) == ("SF1", True)


def test_the_rest_of_an_orders_life_is_understood() -> None:
    delivered = parsed_order("order.delivered", tracking="SF1")
    cancelled = parsed("order.cancelled")

    assert isinstance(delivered, OrderDelivered)
    assert delivered.parcel == "SF1"
    assert parsed("order.delivered") == OrderDelivered(
        channel="shop", external_id="d1#order.delivered", at=THEN, order="1001"
    )
    assert isinstance(parsed("order.completed"), OrderCompleted)
    assert isinstance(cancelled, OrderCancelled)
    assert cancelled.reason == "changed their mind"


def test_a_refund_without_an_id_gets_the_same_one_each_time_it_is_told() -> None:
    once = parsed("order.refunded")
    again = LISTENER.parse(delivery(form("order.refunded"), {"webhook-id": "d2"}))[0]

    assert isinstance(once, OrderRefunded)
    assert isinstance(again, OrderRefunded)
    assert once.refund == again.refund
    assert once.amount == Money(1000, "CNY")


def test_a_refund_without_an_amount_is_the_whole_and_one_of_nothing_is_none() -> None:
    whole = parsed_order("order.refunded", refund="r1")
    nothing = {"order": {"id": "1001", "amount": "0.00", "currency": "CNY"}}

    assert (whole.refund, whole.amount) == ("r1", None)
    assert LISTENER.parse(delivery(form("order.refunded", nothing), {"webhook-id": "d1"})) == ()


def test_reviews_checkouts_items_and_buyers_are_understood() -> None:
    review, checkout = parsed("review.posted"), parsed("checkout.abandoned")
    item, out, file = parsed("item.restocked"), parsed("buyer.opted_out"), parsed("buyer.updated")

    assert isinstance(review, ReviewPosted)
    assert (review.order, review.rating, review.text) == ("1001", 5, "好")
    assert isinstance(checkout, CheckoutAbandoned)
    assert (checkout.checkout, checkout.total) == ("c1", Money(6000, "CNY"))
    assert isinstance(item, ItemRestocked)
    assert item.sku == "MUG-1"
    assert isinstance(out, BuyerOptedOut)
    assert out.buyer.id == "ann"
    assert isinstance(file, BuyerUpdated)
    assert file.buyer == msgspec.convert(ANN, BuyerRef)


@pytest.mark.parametrize("body", [b'{"type": "order.dreamed", "data": 5}', b'{"data": {}, "type": "x.y"}'])
def test_kinds_we_do_not_follow_are_skipped(body: bytes) -> None:
    assert LISTENER.parse(delivery(body, {"webhook-id": "d1"})) == ()


def test_bad_contacts_are_dropped_and_the_order_is_kept() -> None:
    worst = {"id": 7, "phone": "call me", "email": "nobody", "locale": 5, "timezone": "Mars", "agrees": "?"}
    event = parsed("order.placed", placed(buyer={**worst, "verified": "perhaps"}))

    assert isinstance(event, OrderPlaced)
    assert event.buyer == BuyerRef(id="7")


@pytest.mark.parametrize(
    ("told", "verified"), [(True, True), (False, False), (None, False), ("true", False), (1, False)]
)
@pytest.mark.parametrize("kind", ["message.received", "order.placed", "buyer.updated"])
def test_contacts_are_proved_where_the_shops_system_says_so_and_else_only_said(
    kind: str, told: Any, verified: bool
) -> None:
    buyer = {**ANN, "verified": told}
    data = {
        "message.received": {"message": {"id": "m1", "buyer": buyer, "text": "你好"}},
        "order.placed": placed(buyer=buyer),
        "buyer.updated": {"buyer": buyer},
    }
    event = parsed(kind, data[kind])

    assert isinstance(event, MessageReceived | OrderPlaced | BuyerUpdated)
    assert event.buyer == msgspec.convert({**ANN, "verified": verified}, BuyerRef)


@pytest.mark.parametrize("phone", ["13800000000", 13800000000, "+86 138-0000-0000", "0086 138 0000 0000"])
def test_a_phone_without_a_country_is_of_the_shops_region(phone: Any) -> None:
    event = parsed("order.placed", placed(buyer={"phone": phone}))

    assert isinstance(event, OrderPlaced)
    assert event.buyer.phone == "+8613800000000"


@pytest.mark.parametrize(("tax", "told"), [("10.24", 1024), ("0.00", None), (None, None)])
def test_tax_on_top_of_the_prices_is_told_and_none_where_they_hold_it(tax: Any, told: int | None) -> None:
    event = parsed("order.placed", placed(tax=tax))

    assert isinstance(event, OrderPlaced)
    assert event.tax == (told and Money(told, "CNY"))


def test_ids_beyond_2_to_the_53_stay_exact() -> None:
    event = parsed("order.placed", placed(id=9007199254740993, total=128))

    assert isinstance(event, OrderPlaced)
    assert (event.order, event.total) == ("9007199254740993", CNY128)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (
            "order.placed",
            placed(total="12,5"),
            "data.order.total: '12,5' is not an amount of money; write 12.50",
        ),
        ("order.placed", placed(total="-1"), "data.order.total: '-1' is below zero"),
        ("order.placed", placed(total="9" * 41), "data.order.total is longer than an amount of money"),
        ("order.placed", placed(currency="XXQ"), "data.order.currency: 'XXQ' is not a currency; write CNY"),
        (
            "order.placed",
            placed(placed_at="2026-11-21T10:00:00"),
            "data.order.placed_at has no time zone; write",
        ),
        ("order.placed", placed(placed_at="yesterday"), "data.order.placed_at is not a timestamp; write"),
        ("order.placed", placed(placed_at=5), "data.order.placed_at is not a timestamp; write"),
        ("order.placed", placed(id=""), "data.order.id is empty"),
        ("order.placed", placed(id="a\nb"), "data.order.id has a control character in it"),
        ("order.placed", placed(lines=[{"price": "1"}]), "data.order.lines[0].title is missing; write"),
        (
            "order.placed",
            placed(lines=[{"title": "x", "price": "a"}]),
            "data.order.lines[0].price: 'a' is not",
        ),
        (
            "order.placed",
            placed(lines=[{"title": "x", "price": 1, "quantity": -1}]),
            "lines[0].quantity: -1 is not",
        ),
        ("order.placed", {"order": {"id": "1"}}, "data.order.total is missing"),
        ("order.placed", placed(buyer=None), "data.order.buyer: expected object, got null"),
        ("order.paid", {"order": {"id": 1, "amount": "5"}}, "data.order.currency is missing; write CNY"),
        (
            "message.received",
            {"message": {"buyer": {"name": "x"}, "text": "x"}},
            "data.message.buyer.id is missing",
        ),
        ("message.received", {"message": {"buyer": {"id": 1}}}, "data.message.text is missing"),
        (
            "review.posted",
            {"review": {"order": 1, "rating": 6}},
            "data.review.rating: 6 is not between 1 and 5",
        ),
        ("product.updated", {"product": {"id": 1}}, "data.product.items is missing"),
        ("product.updated", sold(title=" "), "data.product.items[0].title is missing"),
        ("product.updated", sold(stock=-1), "data.product.items[0].stock: -1 is not a number of pieces"),
        ("product.updated", sold(price="5"), "data.product.currency is missing; write CNY"),
        ("buyer.opted_out", {"buyer": {"name": "x"}}, "data.buyer names nobody; give an id, email or phone"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_mend(kind: str, data: Any, words: str) -> None:
    assert words in unreadable(kind, data)


def test_a_form_without_any_time_is_unreadable_and_with_a_time_of_its_own_it_is_not() -> None:
    assert "timestamp is missing; write" in unreadable("order.paid", {"order": {"id": 1}}, timestamp=None)
    assert parsed("order.placed", timestamp=None).at == THEN


@pytest.mark.parametrize("body", [b"", b"hello", b"\xff\xfe", b"[" * 100_000, b'{"type":', b"9" * 6000])
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        LISTENER.parse(delivery(body, {"webhook-id": "d1"}))


@given(body=st.binary(max_size=200))
def test_any_bytes_are_events_or_unreadable(body: bytes) -> None:
    only_unreadable(LISTENER, delivery(body, {"webhook-id": "d1"}))


@settings(max_examples=400)
@given(data=st.data())
def test_any_spoiled_form_is_events_or_unreadable(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(FORMS)))
    only_unreadable(LISTENER, delivery(data.draw(spoiled(form(kind))), {"webhook-id": "d1"}))


# --- how we speak


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http() as session:
        yield session


def speaker(receiver: Receiver, http: aiohttp.ClientSession, **more: Any) -> WebhookChannel:
    chosen = {"secrets": [SECRET, OTHER], "url": f"{receiver.url}/in", **more}
    return WebhookChannel("shop", "CN", WebhookSettings.model_validate(chosen), http)


def test_the_channel_keeps_the_contract_of_channels() -> None:
    channel: ReceivingChannel = LISTENER

    assert channel.handshake(delivery(b"{}")) is None
    assert isinstance(channel, SendingChannel)
    assert channel.drops_repeats


async def test_a_message_goes_out_as_designed_and_signed_by_the_first_secret(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    sent = await speaker(receiver, http).send(REMINDER)

    (heard,) = receiver.heard
    assert sent == "msg-1"
    assert heard.headers["webhook-id"] == "msg-1"
    assert heard.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["webhook-signature"] == Webhook(SECRET).sign("msg-1", NOW, heard.body.decode())
    assert json.loads(heard.body) == {
        "type": "message.send",
        "timestamp": "2026-11-21T10:00:00Z",
        "data": {
            "message": {
                "id": "msg-1",
                "buyer": {"id": "ann"},
                "text": "安娜，请付款",
                "locale": "zh-CN",
                "template": "payment_reminder",
                "order": "1001",
                "category": "service",
            }
        },
    }


async def test_buttons_go_along(receiver: Receiver, http: aiohttp.ClientSession) -> None:
    with_buttons = reminder(buttons=(("Paid", "paid:1001"),), order=None)
    await speaker(receiver, http).send(with_buttons)

    message = json.loads(receiver.heard[0].body)["data"]["message"]
    assert message["buttons"] == [{"label": "Paid", "value": "paid:1001"}]
    assert "order" not in message


@pytest.mark.parametrize("status", [200, 201, 202, 204, 409])
async def test_a_good_answer_or_already_had_it_is_sent(
    status: int, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = answer(status)

    assert await speaker(receiver, http).send(REMINDER) == "msg-1"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, BuyerUnreachable) for status in (403, 410)),
        *((status, DeliveryDelayed) for status in (408, 425, 429, 500, 502, 503, 504, 599)),
        *((status, DeliveryRefused) for status in (300, 301, 302, 307, 308, 400, 401, 404, 413, 418, 422)),
    ],
)
async def test_every_other_answer_says_what_to_do_next(
    status: int, error: type[DeliveryError], receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = answer(status, b"the buyer said: hello", location=f"{receiver.url}/elsewhere")

    with pytest.raises(error) as failure:
        await speaker(receiver, http).send(REMINDER)

    assert str(failure.value) == f"the receiver answered {status}"
    assert len(receiver.heard) == 1  # nobody is followed elsewhere


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Sat, 21 Nov 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("Sat, 21 Nov 2026 09:00:00 GMT", timedelta()),
        ("9" * 400, timedelta(days=1)),
        ("Sat, 21 Nov 9999 09:00:00 GMT", timedelta(days=1)),
        ("soon", None),
        ("-5", None),
        ("Sat, 99 Nov 2026 99:00:00 GMT", None),
    ],
)
async def test_retry_after_is_honoured_in_seconds_and_as_a_date(
    header: str, wait: timedelta | None, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = answer(503, retry_after=header)

    with pytest.raises(DeliveryDelayed) as failure:
        await speaker(receiver, http).send(REMINDER)

    assert failure.value.retry_after == wait


async def test_a_broken_connection_is_tried_again(receiver: Receiver, http: aiohttp.ClientSession) -> None:
    receiver.answering = hang_up

    with pytest.raises(DeliveryDelayed, match="nobody answers"):
        await speaker(receiver, http).send(REMINDER)


async def test_an_answer_cut_off_after_its_status_stands(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = break_off

    assert await speaker(receiver, http).send(REMINDER) == "msg-1"


async def test_a_silent_receiver_is_tried_again(receiver: Receiver, http: aiohttp.ClientSession) -> None:
    receiver.answering = never
    channel = speaker(receiver, http, timeout="1s")

    with pytest.raises(DeliveryDelayed, match="no answer within 1 s"):
        await channel.send(REMINDER)


async def test_nobody_at_home_is_tried_again(http: aiohttp.ClientSession) -> None:
    async with receiving() as gone:
        channel = speaker(gone, http)

    with pytest.raises(DeliveryDelayed) as failure:
        await channel.send(REMINDER)
    assert failure.value.__context__ is None


async def test_without_a_url_or_a_secret_nothing_is_sent(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(DeliveryRefused, match="url"):
        await speaker(receiver, http, url=None).send(REMINDER)
    with pytest.raises(DeliveryRefused, match="secret"):
        await speaker(receiver, http, secrets=[]).send(REMINDER)
    assert receiver.heard == []


def test_a_product_is_told_whole_and_what_is_left_out_is_not_said() -> None:
    told, gone = parsed("product.updated"), parsed("product.deleted")
    assert isinstance(told, ProductTold)
    assert isinstance(gone, ProductRemoved)
    assert told.product == gone.product == "7"
    mug = Item(
        sku="MUG-1", title="马克杯", price=Money(6000, "CNY"), floor=Money(5000, "CNY"), stock=3, care="手洗"
    )
    assert told.items == (mug,)

    stocks = [parsed("product.updated", sold(**more)) for more in ({}, {"stock": None})]
    assert [each.items[0].stock for each in stocks if isinstance(each, ProductTold)] == [msgspec.UNSET, None]
