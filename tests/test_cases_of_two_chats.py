"""Two chats that opened one order are two who write: each is heard, whatever the other began."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from storage import tables
from tests.world import World, world

OPENS = "where is order 1001 0321"


@pytest.fixture(params=["sqlite", "postgres"])
async def shop(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[World]:
    url = (
        f"sqlite:///{tmp_path / 'shop.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    async with world(url, locale="en", takeover="1s") as found:
        await found.place("1001", {"name": "Ann", "phone": "+8613800000321", "email": "ann@x.example"})
        for chat in ("one", "two"):
            await found.say(OPENS, chat)
        await found.settle()
        yield found


async def rows(shop: World, table: Any) -> list[Any]:
    found = await shop.program.parts.database.read(lambda link: link.execute(select(table)).all())
    return list(found)


def heard(shop: World, chat: str) -> list[str]:
    return [each["template"] for each in shop.receiver.messages if each["buyer"]["id"] == chat]


async def test_who_asks_for_a_person_waits_for_one_in_their_own_chat(shop: World) -> None:
    await shop.say("I want to talk to a person", "one")
    await shop.settle()
    await shop.say("I want to talk to a person, somebody used my card", "two")
    await shop.settle()

    called = {case.chat for case in await rows(shop, tables.cases) if case.kind == "human"}
    assert called == {"webhook:one", "webhook:two"}
    assert heard(shop, "two")[-1] == "human_coming"


async def test_words_stand_in_a_case_of_the_chat_that_said_them(shop: World) -> None:
    await shop.say("I have paid for order 1001", "one")
    await shop.settle()
    await shop.say("I have paid for order 1001 too, from another account", "two")
    await shop.settle()

    chats = [case.chat for case in await rows(shop, tables.cases) if case.kind == "payment_claim"]
    assert sorted(chats) == ["webhook:one", "webhook:two"]
    assert heard(shop, "two")[-1] == "payment_claimed"
