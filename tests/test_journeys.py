"""Whole journeys: deliveries over HTTP, messages at a real receiver, on both databases."""

import re
from datetime import timedelta
from email import message_from_bytes, policy

from tests.channels.post_office import Letter, open_post_office
from tests.world import NOON, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def words_of(letter: Letter) -> str:
    body = message_from_bytes(letter.content, policy=policy.default).get_body(("plain",))
    return str(body.get_content()) if body else ""


async def test_an_order_from_the_first_word_to_the_review(database_url: str) -> None:
    async with world(database_url) as shop:
        assert await shop.place() == 200
        await shop.forward(30 * MINUTE)
        assert shop.receiver.templates == ["order_confirmation", "payment_reminder"]
        assert "1001" in shop.receiver.messages[0]["text"]
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        assert shop.receiver.templates[2:] == ["payment_received"]
        await shop.fact("shipped", shipped_at=shop.clock.now, carrier="顺丰", tracking="SF123")
        await shop.forward(DAY)
        await shop.fact("delivered", delivered_at=shop.clock.now)
        await shop.forward(8 * DAY)
        assert shop.receiver.templates[3:] == ["shipped", "delivered", "review_request"]


async def test_nobody_who_paid_is_reminded(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.forward(5 * MINUTE)
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(2 * DAY)
        assert "payment_reminder" not in shop.receiver.templates
        states = await shop.outbox()
        assert {states[key] for key in states if key.startswith("payment_reminder:")} == {"withdrawn"}


async def test_a_repeated_delivery_changes_nothing(database_url: str) -> None:
    async with world(database_url) as shop:
        for _ in range(3):
            await shop.place(at=NOON)
        await shop.settle()
        assert shop.receiver.templates == ["order_confirmation"]


async def test_a_question_is_answered_at_night(database_url: str) -> None:
    async with world(database_url, now=NOON + 14 * HOUR) as shop:
        await shop.say("你好")
        await shop.settle()
        assert shop.receiver.templates == ["hello"]


async def test_an_order_placed_at_night_is_confirmed_at_once_and_the_rest_waits(database_url: str) -> None:
    async with world(database_url, now=NOON + 14 * HOUR) as shop:
        await shop.place()
        await shop.forward(HOUR)
        assert shop.receiver.templates == ["order_confirmation"]
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        assert shop.receiver.templates == ["order_confirmation"]
        await shop.forward(8 * HOUR)
        assert shop.receiver.templates == ["order_confirmation", "payment_received"]


async def test_an_order_paid_on_delivery_is_confirmed_and_never_reminded(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place(pay_on_delivery=True)
        await shop.forward(2 * DAY)
        assert shop.receiver.templates == ["order_confirmation"]
        assert "工商银行" not in shop.receiver.messages[0]["text"]
        states = await shop.outbox()
        assert {states[key] for key in states if key.startswith("payment_reminder:")} == {"withdrawn"}


async def test_the_seller_is_mailed_what_waits_for_them(database_url: str) -> None:
    async with open_post_office() as post:
        email = {"kind": "email", "host": "127.0.0.1", "port": post.port, "tls": "none"}
        channels = {"email": {**email, "sender": "shop@example.com"}}
        seller = {"email": "owner@example.com", "locale": "en"}
        async with world(database_url, channels=channels, seller=seller) as shop:
            await shop.say("转人工")
            await shop.settle()
        assert [letter.recipients for letter in post.letters] == [["owner@example.com"]]
        assert b"Case 1" in post.letters[0].content


async def test_an_order_paid_on_arrival_is_thanked_for_once(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY")
        await shop.settle()
        assert shop.receiver.templates == ["order_confirmation"]
        states = await shop.outbox()
        assert {states[key] for key in states if key.startswith("payment_received:")} == {"skipped"}


async def test_what_changes_after_the_confirmation_is_told_once_with_what_is_owed(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place()
        await shop.forward(HOUR / 6)
        await shop.fact("paid", paid_at=NOON + HOUR / 6, amount="100.00", currency="CNY", payment="p1")
        await shop.forward(2 * HOUR)
        await shop.place(total="150.00")
        await shop.forward(HOUR)
        await shop.fact("paid", paid_at=NOON + 4 * HOUR, amount="50.00", currency="CNY", payment="p2")
        await shop.forward(2 * HOUR)
    texts = {message["template"]: message["text"] for message in shop.receiver.messages}
    assert shop.receiver.templates == [
        "order_confirmation",
        "payment_received",
        "total_changed",
        "payment_received",
    ]
    assert "还差 ¥50.00" in texts["total_changed"]
    assert "150.00" in texts["payment_received"]


async def test_nobody_is_asked_to_pay_for_an_order_that_was_given_up(database_url: str) -> None:
    async with world(database_url, payment={"close": "24h"}) as shop:
        await shop.place()
        await shop.forward(3 * DAY)
        assert "second_contact" not in shop.receiver.templates
        assert (await shop.outbox())["second_contact:1001:1"] == "skipped"


async def test_a_guests_yes_to_offers_counts_once_their_mailbox_confirms_it(database_url: str) -> None:
    async with open_post_office() as post:
        email = {"kind": "email", "host": "127.0.0.1", "port": post.port, "tls": "none"}
        channels = {"email": {**email, "sender": "shop@example.com"}}
        tier = {"name": "all", "orders": 1}
        spring = {"tier": "all", "cron": "0 9 * * *", "start": NOON.date(), "end": (NOON + 9 * DAY).date()}
        settings = {
            "channels": channels,
            "locale": "en",
            "double_opt_in": True,
            "vip": {"tiers": [tier]},
            "promotions": {"spring": {**spring, "offer": "10 % off"}},
        }
        url = "https://shop.example"
        async with world(database_url, public_url=url, **settings) as shop:
            guest = {"email": "ann@example.com", "name": "Ann", "locale": "en", "agrees": True}
            await shop.place(buyer=guest)
            await shop.fact("paid", paid_at=NOON, amount="128.00", currency="CNY")
            await shop.forward(2 * DAY)
            assert "promotion" not in " ".join(await shop.outbox())
            asking = [letter for letter in post.letters if b"/offers/" in letter.content]
            assert [letter.recipients for letter in asking] == [["ann@example.com"]]
            page = re.search(rf"{url}(/offers/[\w-]+)", words_of(asking[0]))
            assert page
            async with shop.http.post(shop.url + page[1]) as answer:
                assert answer.status == 200
            await shop.forward(2 * DAY)
            assert [letter.recipients for letter in post.letters if b"10 % off" in letter.content] == [
                ["ann@example.com"]
            ]
