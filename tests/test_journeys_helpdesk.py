"""The seller's own system: a case is told there, signed; what is answered there reaches the buyer, once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from bot.channels import standard_webhooks
from bot.domain.desk import SELLERS_SYSTEM
from storage import read_models
from storage.read_models import CaseView
from tests.channels.receiver import Receiver, answer, receiving
from tests.world import SECRET, World, world

HELPDESK = "whsec_aGVscGRlc2staGVscGRlc2staGVscGRlc2s="
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def system() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


def shop(system: Receiver, **more: Any) -> dict[str, Any]:
    """The settings of a shop whose seller has a system of their own, beside the shop's."""
    helpdesk = {"kind": "webhook", "secrets": [HELPDESK], "url": system.url}
    return {
        "channels": {"helpdesk": helpdesk},
        "seller": {"webhook": "helpdesk", "locale": "en", "remind": []},
        "quiet_hours": {"start": "00:00", "end": "00:00"},
        "locale": "en",
        **more,
    }


def told(system: Receiver) -> list[dict[str, Any]]:
    """What the system was told, signed as a library that is not ours would."""
    found = []
    for heard in system.heard:
        id, at = (
            heard.headers["webhook-id"],
            datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), UTC),
        )
        assert heard.headers["webhook-signature"] == Webhook(HELPDESK).sign(id, at, heard.body.decode())
        told = msgspec.json.decode(heard.body)
        assert (told["type"], told["data"]["message"]["id"]) == ("seller.told", id)
        found.append(told["data"]["message"])
    return found


async def answered(
    about: World, text: str, channel: str = "helpdesk", secret: str = HELPDESK, times: int = 1, **fields: Any
) -> int:
    """The seller's system says this, so many times, each under a delivery id of its own."""
    about.clock.now += MINUTE
    now, message = about.clock.now, {"text": text, "id": f"w{about.clock.now.timestamp()}", **fields}
    body = msgspec.json.encode({"type": "agent.replied", "timestamp": now, "data": {"message": message}})
    status = 0
    for time in range(times):
        key = standard_webhooks.key(SecretStr(secret))
        headers = standard_webhooks.sign(key, f"{message['id']}-{time}", now, body)
        address = f"{about.url}/hooks/shop/{channel}"
        async with about.http.post(address, data=body, headers=headers) as response:
            status = response.status
        await about.settle()
    return status


async def case_of(about: World) -> CaseView:
    listed = partial(read_models.list_cases, shop="shop", open_only=False)
    [case] = await about.program.parts.database.read(listed)
    return case


async def asks_for_a_person(about: World) -> None:
    await about.place()
    await about.settle()
    await about.say("agent please")
    await about.forward(MINUTE)


def heard(about: World) -> list[str]:
    return [message["text"] for message in about.receiver.messages]


async def test_a_case_goes_to_the_sellers_system_and_its_answer_to_the_buyer(
    database_url: str, system: Receiver
) -> None:
    async with world(database_url, **shop(system)) as about:
        await asks_for_a_person(about)
        [notice] = told(system)
        assert (notice["template"], notice["case"]) == ("seller_case", 1)
        assert "agent please" in notice["text"]
        assert "1001" in notice["text"]  # with the order
        spoken = len(heard(about))

        await answered(about, "Hello Ann,\nit left today.", times=3, reply_to=notice["id"])
        assert heard(about)[spoken:] == ["Hello Ann,\nit left today."]
        await answered(about, "By post.", case=1, agent="Lin", id="w2")
        assert heard(about)[spoken + 1 :] == ["By post."]
        assert [each.get("reply_to") for each in told(system)[2:]] == ["w2"]
        assert not (await case_of(about)).waits

        await about.say("where is my parcel?")
        await about.forward(MINUTE)
        assert len(heard(about)) == spoken + 2  # the bot is silent
        await answered(about, "/case 1 refund 15.00 Sorry!")
        assert "15.00" in heard(about)[-1]
        assert (await case_of(about)).closed_at is not None


@pytest.mark.parametrize(
    ("channel", "secret", "status", "fields"),
    [
        ("helpdesk", SECRET, 401, {"case": 1}),
        ("webhook", SECRET, 200, {"case": 1}),  # genuine, and not the seller's system: kept, and shown
        ("webhook", SECRET, 200, {"buyer": {"id": SELLERS_SYSTEM}, "case": 1}),
        ("helpdesk", HELPDESK, 200, {"case": 9}),
        ("helpdesk", HELPDESK, 200, {"reply_to": "shop-999"}),
        ("helpdesk", HELPDESK, 200, {"case": "one"}),
        ("helpdesk", HELPDESK, 200, {}),  # whose it is stands nowhere
    ],
)
async def test_what_is_not_the_sellers_answer_reaches_no_buyer(
    database_url: str, system: Receiver, channel: str, secret: str, status: int, fields: dict[str, Any]
) -> None:
    async with world(database_url, **shop(system)) as about:
        await asks_for_a_person(about)
        spoken = heard(about)

        assert await answered(about, "psst", channel, secret, **fields) == status

        assert heard(about) == spoken
        assert (await case_of(about)).waits


async def test_a_buyer_who_names_themself_like_the_sellers_system_is_a_buyer(
    database_url: str, system: Receiver
) -> None:
    async with world(database_url, **shop(system, seller={"webhook": "webhook"})) as about:
        await asks_for_a_person(about)
        await about.say("/case 1 done", buyer=SELLERS_SYSTEM)
        await about.forward(MINUTE)

        assert (await case_of(about)).closed_at is None


async def test_a_system_that_is_set_up_wrongly_is_told_once_it_is_right(
    database_url: str, system: Receiver
) -> None:
    async with world(database_url, **shop(system)) as about:
        system.answering = answer(410)
        await asks_for_a_person(about)
        system.answering = answer(200)
        await about.forward(HOUR)

        assert len({each["id"] for each in told(system)}) == 1
        assert len(told(system)) > 1
