"""Telegram's gestures: a button is acknowledged, a sticker is no question."""

import json

import aiohttp
import pytest

from bot.channels.telegram import TelegramChannel
from bot.domain.events import MessageReceived
from tests.channels.receiver import answer, break_off, hang_up, receiving
from tests.channels.recorded import delivery, recorded
from tests.channels.test_telegram import TOKEN, channel


async def acknowledged(name: str, answering: object = None) -> list[tuple[str, dict[str, str]]]:
    async with receiving() as receiver, aiohttp.ClientSession() as http:
        receiver.answering = answering or answer(200, b'{"ok": true, "result": true}')  # type: ignore[assignment]
        bot: TelegramChannel = channel("secret", http=http, api=receiver.url, timeout="1s")
        await bot.acknowledge(delivery(recorded(f"telegram/{name}.json")))
        return [(heard.path, json.loads(heard.body)) for heard in receiver.heard]


async def test_a_pressed_button_is_acknowledged() -> None:
    assert await acknowledged("callback_query") == [
        (f"/bot{TOKEN}/answerCallbackQuery", {"callback_query_id": "30080001"})
    ]


async def test_nothing_else_is() -> None:
    assert await acknowledged("message_text") == []


@pytest.mark.parametrize("answering", [answer(400, b"{}"), answer(500), hang_up, break_off])
async def test_a_lost_acknowledgement_harms_nobody(answering: object) -> None:
    assert len(await acknowledged("callback_query", answering)) == 1


async def test_what_is_no_json_is_left_alone() -> None:
    await channel("secret").acknowledge(delivery(b"{"))


def test_a_sticker_and_dice_are_told_as_what_they_are() -> None:
    update = json.loads(recorded("telegram/message_sticker.json"))
    [sticker] = channel("secret").parse(delivery(json.dumps(update).encode()))
    update["message"].pop("sticker")
    [dice] = channel("secret").parse(
        delivery(json.dumps({**update, "message": update["message"] | {"dice": {"value": 6}}}).encode())
    )

    assert isinstance(sticker, MessageReceived)
    assert isinstance(dice, MessageReceived)
    assert (sticker.kind, dice.kind) == ("sticker", "sticker")
