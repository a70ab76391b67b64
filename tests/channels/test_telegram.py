"""Telegram: whose updates are let in, what they tell, and how we speak."""

import json
import logging
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.channels import ReceivingChannel, SendingChannel
from bot.channels.telegram import TelegramChannel, TelegramSettings
from bot.domain.errors import (
    BuyerUnreachable,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUnknown,
    Unreadable,
    WebhookRefused,
)
from bot.domain.events import BuyerRef, Event, MessageReceived, MessageStatusChanged
from tests.channels.messages import reminder
from tests.channels.receiver import Receiver, answer, break_off, hang_up, never, receiving
from tests.channels.recorded import (
    NOW,
    PAYLOADS,
    body_of,
    delivery,
    only_unreadable,
    recorded,
    spoiled,
    vectors,
)

TOKEN = "7001:AAH-a-token-of-the-tests"
THEN = datetime(2026, 11, 21, 10, tzinfo=UTC)
ANN = BuyerRef(id="7001", name="Ann Lee", locale="zh-CN")
HEADER = "X-Telegram-Bot-Api-Secret-Token"
RECORDED = sorted(path.name for path in (PAYLOADS / "telegram").iterdir())


def channel(*secrets: str, http: Any = None, **more: Any) -> TelegramChannel:
    """With these secrets, also with such as settings refuse."""
    given = {"secrets": tuple(map(SecretStr, secrets))}
    chosen = TelegramSettings.model_validate({"token": TOKEN, **more}).model_copy(update=given)
    return TelegramChannel("chat", "CN", chosen, http)


LISTENER = channel("test-only_secret-token")


def told(name: str) -> tuple[Event, ...]:
    return tuple(LISTENER.parse(delivery(recorded(f"telegram/{name}.json"))))


def received(name: str) -> MessageReceived:
    (event,) = told(name)
    assert isinstance(event, MessageReceived)
    return event


# --- who may speak to us


@pytest.mark.parametrize("vector", vectors("telegram"), ids=lambda vector: vector["id"])
def test_the_secret_token_opens_the_door(vector: dict[str, Any]) -> None:
    given_ = delivery(body_of(vector), vector["headers"])

    channel("an-older-one", vector["secret"]).verify(given_)
    assert LISTENER.parse(given_)


@pytest.mark.parametrize("token", ["", "test-only_secret-toke", "test-only_secret-token2", "\udcff"])
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(WebhookRefused):
        LISTENER.verify(delivery(b"{}", {HEADER: token}))


@pytest.mark.parametrize("secrets", [(), ("",), ("  ",)])
def test_without_a_secret_nobody_is_let_in(secrets: tuple[str, ...]) -> None:
    for headers in ({}, {HEADER: ""}):
        with pytest.raises(WebhookRefused, match="no secret"):
            channel(*secrets).verify(delivery(b"{}", headers))


def test_the_channel_keeps_the_contract_of_channels() -> None:
    contract: ReceivingChannel = LISTENER

    assert contract.handshake(delivery(b"{}")) is None
    assert isinstance(contract, SendingChannel)
    assert not contract.drops_repeats


# --- what they tell


def test_a_message_is_understood() -> None:
    assert received("message_text") == MessageReceived(
        channel="chat",
        external_id="500100",
        at=THEN,
        conversation="7001",
        buyer=ANN,
        message_id="7001:41",
        text="什么时候发货？",
    )


def test_a_start_link_keeps_what_it_carries() -> None:
    assert received("message_start").text == "/start b1_c2FtcGxl"


@pytest.mark.parametrize(
    ("name", "text"),
    [("message_photo", "坏了"), ("message_voice", ""), ("message_document", "")],
)
def test_what_is_no_text_is_other_with_its_caption(name: str, text: str) -> None:
    event = received(name)

    assert (event.kind, event.text) == ("other", text)


def test_files_are_kept_by_reference_and_of_a_photo_the_largest_size() -> None:
    (photo,), (voice,), (document,) = (
        received(name).media for name in ("message_photo", "message_voice", "message_document")
    )

    assert (photo.type, voice.type, document.type) == ("image/jpeg", "audio/ogg", "application/pdf")
    assert all(each.ref and each.size for each in (photo, voice, document))
    assert received("message_text").media == ()


@pytest.mark.parametrize("odd", [None, 7, "x", [], [7], [{}], {"file_id": 7}, [{"file_id": None}]])
def test_a_file_of_another_form_is_left_out_and_the_message_stays(odd: Any) -> None:
    update = json.loads(recorded("telegram/message_photo.json"))
    update["message"] |= {"photo": odd, "document": odd}
    found = LISTENER.parse(delivery(json.dumps(update).encode()))

    assert [event.media for event in found if isinstance(event, MessageReceived)] in ([()], [])


def test_an_edit_is_of_the_same_message_at_its_own_time() -> None:
    event = received("edited_message")

    assert (event.kind, event.message_id, event.text) == ("edit", "7001:41", "什么时候发货？？")
    assert event.at == THEN + timedelta(seconds=60)


def test_a_button_tells_its_value_when_it_arrives() -> None:
    event = received("callback_query")

    assert (event.kind, event.text, event.conversation, event.at) == ("button", "paid:1001", "7001", NOW)
    assert event.buyer == ANN


def test_a_button_without_a_message_is_answered_to_who_pressed_it() -> None:
    assert received("callback_query_inline").conversation == "7001"


@pytest.mark.parametrize(("name", "status"), [("member_kicked", "blocked"), ("member_back", "unblocked")])
def test_blocking_the_bot_and_taking_it_back_is_told(name: str, status: str) -> None:
    (event,) = told(name)

    assert isinstance(event, MessageStatusChanged)
    assert (event.conversation, event.status, event.at) == ("7001", status, THEN + timedelta(seconds=100))


@pytest.mark.parametrize(
    "name", ["message_group", "message_from_bot", "channel_post", "inline_query", "message_pinned"]
)
def test_groups_bots_channels_and_service_messages_are_skipped(name: str) -> None:
    assert told(name) == ()


@pytest.mark.parametrize(
    ("code", "locale"),
    [
        ("zh-hans", "zh-CN"),
        ("zh-hant", "zh-TW"),
        ("zh", "zh-CN"),
        ("zh-hk", "zh-TW"),
        ("en", "en"),
        ("pt-br", "pt-BR"),
        ("klingon!", None),
    ],
)
def test_languages_are_named_as_our_templates_are(code: str, locale: str | None) -> None:
    body = recorded("telegram/message_text.json").replace(b'"zh-hans"', f'"{code}"'.encode())
    (event,) = LISTENER.parse(delivery(body))

    assert isinstance(event, MessageReceived)
    assert event.buyer.locale == locale


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"hello", "not JSON"),
        (b"{}", "update_id is missing"),
        (b'{"update_id": 1, "message": {"message_id": 2}}', "message.date is missing"),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        LISTENER.parse(delivery(body))


@pytest.mark.parametrize("date", [10**30, -(10**12), 10**12, -1])
def test_a_time_out_of_this_age_is_unreadable(date: int) -> None:
    body = recorded("telegram/message_text.json").replace(b"1795255200", str(date).encode())

    with pytest.raises(Unreadable):
        LISTENER.parse(delivery(body))


@given(body=st.binary(max_size=100))
def test_any_bytes_are_events_or_unreadable(body: bytes) -> None:
    only_unreadable(LISTENER, delivery(body))


@settings(max_examples=300)
@given(data=st.data())
def test_any_spoiled_update_is_events_or_unreadable(data: st.DataObject) -> None:
    body = recorded(f"telegram/{data.draw(st.sampled_from(RECORDED))}")

    only_unreadable(LISTENER, delivery(data.draw(spoiled(body))))


# --- how we speak


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        listening.answering = answer(200, b'{"ok": true, "result": {"message_id": 42}}')
        yield listening


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def speaker(receiver: Receiver, http: aiohttp.ClientSession, **more: Any) -> TelegramChannel:
    return channel(http=http, api=f"{receiver.url}/", **more)


async def test_a_message_goes_out_with_its_buttons(receiver: Receiver, http: aiohttp.ClientSession) -> None:
    buttons = (("已付款", "paid:1001"), ("too long", "é" * 33), ("empty", ""))
    sent = await speaker(receiver, http).send(reminder(address="7001", buttons=buttons))

    (heard,) = receiver.heard
    assert sent == "7001:42"
    assert heard.path == f"/bot{TOKEN}/sendMessage"
    assert json.loads(heard.body) == {
        "chat_id": 7001,
        "text": "安娜，请付款",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {"inline_keyboard": [[{"text": "已付款", "callback_data": "paid:1001"}]]},
    }


async def test_a_message_without_buttons_has_no_keyboard(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    await speaker(receiver, http).send(reminder(address="7001"))

    assert "reply_markup" not in json.loads(receiver.heard[0].body)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a" * 4096, "a" * 4096),
        ("a" * 4097, "a" * 4095 + "…"),
        ("😀" * 2048, "😀" * 2048),
        ("😀" * 2049, "😀" * 2047 + "…"),
    ],
)
async def test_a_long_text_is_cut_between_characters(
    text: str, said: str, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    await speaker(receiver, http).send(reminder(address="7001", text=text))

    assert json.loads(receiver.heard[0].body)["text"] == said


def refusal(status: int, description: str, **parameters: Any) -> Any:
    told = {"ok": False, "error_code": status, "description": description, "parameters": parameters}
    return answer(status, json.dumps(told).encode())


@pytest.mark.parametrize(
    ("status", "description", "error"),
    [
        (403, "Forbidden: bot was blocked by the user", BuyerUnreachable),
        (403, "Forbidden: user is deactivated", BuyerUnreachable),
        (400, "Bad Request: chat not found", BuyerUnreachable),
        (400, "Bad Request: message text is empty", DeliveryRefused),
        (401, "Unauthorized", DeliveryRefused),
        (404, "Not Found", DeliveryRefused),
        (302, "", DeliveryRefused),
        (500, "Internal Server Error", DeliveryDelayed),
        (502, "Bad Gateway", DeliveryDelayed),
    ],
)
async def test_every_refusal_says_what_to_do_next(
    status: int,
    description: str,
    error: type[DeliveryError],
    receiver: Receiver,
    http: aiohttp.ClientSession,
) -> None:
    receiver.answering = refusal(status, description)

    with pytest.raises(error, match=f"{status}.*{description}"):
        await speaker(receiver, http).send(reminder(address="7001"))


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(5, timedelta(seconds=5)), (10**20, timedelta(days=1)), (-1, None), ("soon", None)],
)
async def test_telegrams_own_wait_is_honoured(
    seconds: Any, wait: timedelta | None, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = refusal(429, "Too Many Requests: retry after", retry_after=seconds)

    with pytest.raises(DeliveryDelayed) as failure:
        await speaker(receiver, http).send(reminder(address="7001"))

    assert failure.value.retry_after == wait


async def test_an_answer_that_is_lost_leaves_it_unknown(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = hang_up

    with pytest.raises(DeliveryUnknown, match="answer was lost"):
        await speaker(receiver, http).send(reminder(address="7001"))


async def test_an_answer_that_does_not_come_leaves_it_unknown(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = never

    with pytest.raises(DeliveryUnknown, match="within 3 s"):
        await speaker(receiver, http, timeout="3s").send(reminder(address="7001"))


async def test_an_answer_cut_off_after_its_status_stands(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    receiver.answering = break_off

    assert await speaker(receiver, http).send(reminder(address="7001")) is None


async def test_nobody_at_home_is_tried_again(http: aiohttp.ClientSession) -> None:
    async with receiving() as gone:
        unreachable = speaker(gone, http)

    with pytest.raises(DeliveryDelayed, match="cannot reach Telegram"):
        await unreachable.send(reminder(address="7001"))


@pytest.mark.parametrize("answering", [hang_up, never, refusal(401, f"bad token {TOKEN}"), answer(500)])
async def test_the_token_is_never_shown(
    answering: Any, receiver: Receiver, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answering = answering
    talking = speaker(receiver, http, timeout="1s")

    with pytest.raises(DeliveryError) as failure:
        await talking.send(reminder(address="7001"))

    ours = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    shown = "".join(traceback.format_exception(failure.value)) + "".join(ours)
    assert TOKEN not in shown
    assert failure.value.__context__ is None
    assert TOKEN not in repr(TelegramSettings.model_validate({"token": TOKEN}))
