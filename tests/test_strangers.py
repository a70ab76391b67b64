"""Promise 7 on the real program: strangers who know a buyer's phone and mail, and what reaches whom."""

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial
from typing import Any

import pytest

from bot.seller.settle import settle_case
from storage import read_models
from tests.channels.post_office import Letter, PostOffice, open_post_office
from tests.world import SECRET, World, world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANN = {"id": "ann", "name": "Ann", "email": "ann@example.com", "phone": "+8613800008642", "locale": "en"}
AS_ANN = {name: ANN[name] for name in ("email", "phone")}  # what a stranger who knows Ann types


@contextlib.asynccontextmanager
async def mailing(database_url: str, **shop: Any) -> AsyncIterator[tuple[World, PostOffice]]:
    """A shop that also sends mail, and whose mails may carry a link into the chat."""
    async with open_post_office() as post:
        email = {"kind": "email", "host": "127.0.0.1", "port": post.port, "tls": "none"}
        bot = {"kind": "telegram", "token": "1:a", "secrets": [SECRET], "username": "mug_house_bot"}
        channels = {"email": {**email, "sender": "shop@example.com"}, "telegram": bot}
        async with world(database_url, channels=channels, **shop) as opened:
            yield opened, post


def heard(shop: World, buyer: str) -> list[tuple[str, str | None]]:
    """The template and order of each message that the shop's own system got for this buyer."""
    mine = (message for message in shop.receiver.messages if message["buyer"]["id"] == buyer)
    return [(message["template"], message.get("order")) for message in mine]


def words_of(letter: Letter) -> str:
    body = message_from_bytes(letter.content, policy=policy.default).get_body(("plain",))
    return str(body.get_content()) if body else ""


def letters_about(post: PostOffice, order: str) -> list[list[str]]:
    return [letter.recipients for letter in post.letters if order in words_of(letter)]


async def ask(shop: World, buyer: str, text: str, **known: Any) -> list[tuple[str, str | None]]:
    """What the chat of this buyer hears in answer."""
    before = len(heard(shop, buyer))
    await shop.say(text, buyer, **known)
    await shop.settle()
    return heard(shop, buyer)[before:]


async def test_a_strangers_order_with_a_buyers_phone_and_mail_takes_nothing_over(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        await shop.place(buyer=ANN)
        await shop.settle()
        await shop.place("6666", {"name": "Mallory", **AS_ANN})
        await shop.settle()
        assert await ask(shop, "mallory", "order 6666, phone 8642") == [("where_is_order", "6666")]
        assert ("where_is_order", "1001") not in await ask(shop, "mallory", "where is my order?")
        await shop.fact("paid", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.settle()
        await shop.fact("shipped", shipped_at=shop.clock.now, carrier="SF", tracking="SF123")
        await shop.forward(DAY)
        told = [template for template, order in heard(shop, "ann") if order == "1001"]
        assert told[:1] + told[-2:] == ["order_confirmation", "payment_received", "shipped"]
        assert {order for _, order in heard(shop, "ann")} == {"1001"}
        assert "1001" not in {order for _, order in heard(shop, "mallory")}
        assert letters_about(post, "1001") == []


async def test_a_strangers_stop_silences_only_the_strangers_address(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        await shop.place(buyer=ANN)
        await shop.place("6666", {"name": "Mallory", **AS_ANN})
        await shop.settle()
        await ask(shop, "mallory", "order 6666, phone 8642")
        assert await ask(shop, "mallory", "STOP", **AS_ANN) == [("stopped", None)]
        silent_since = len(heard(shop, "mallory"))
        await shop.forward(30 * MINUTE)
        assert heard(shop, "ann") == [("order_confirmation", "1001"), ("payment_reminder", "1001")]
        assert len(heard(shop, "mallory")) == silent_since
        assert letters_about(post, "6666") == [["ann@example.com"]] * len(letters_about(post, "6666"))
        assert len(letters_about(post, "6666")) == 2  # to the order's own contact, which stopped nothing


async def test_two_guests_who_share_a_phone_get_their_own_mail(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        phone = {"phone": ANN["phone"], "locale": "en"}
        await shop.place("7001", {"name": "Mother", "email": "mother@example.com", **phone})
        await shop.place("7002", {"name": "Son", "email": "son@example.com", **phone})
        await shop.forward(30 * MINUTE)
        assert letters_about(post, "7001") == [["mother@example.com"]] * 2
        assert letters_about(post, "7002") == [["son@example.com"]] * 2
        assert [
            letter for letter in post.letters if "7001" in words_of(letter) and "Son" in words_of(letter)
        ] == []


async def test_a_corrected_address_of_an_order_counts_for_its_next_message(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        guest = {"name": "Ann", "email": "anne@exmaple.com", "locale": "en"}
        placed_at = shop.clock.now
        await shop.place("7001", guest)
        await shop.settle()
        shop.clock.now += 5 * MINUTE
        await shop.place("7001", {**guest, "email": "ann@example.com"}, placed_at=placed_at)
        await shop.forward(30 * MINUTE)
        assert letters_about(post, "7001") == [["anne@exmaple.com"], ["ann@example.com"]]


async def test_a_forwarded_link_does_not_open_in_a_second_chat(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        await shop.place("7001", {"name": "Ann", "locale": "en", **AS_ANN})
        await shop.place("7002", {"name": "Ann", "locale": "en", **AS_ANN})
        await shop.settle()
        link = re.search(r"t\.me/mug_house_bot\?start=([\w-]+)", words_of(post.letters[0]))
        assert link
        first = await ask(shop, "ann", f"/start {link[1]}")
        assert [template for template, _ in first] == ["where_is_order"]
        second = await ask(shop, "mallory", f"/start {link[1]}")
        assert {order for _, order in second} == {None}
        assert "where_is_order" not in {template for template, _ in second}
        assert await ask(shop, "mallory", "where is order 7001?") == [("which_order", None)]
        both = {order for _, order in await ask(shop, "ann", "where is order 7002?")}
        assert both == {"7002"}  # the link proved the mailbox, to which both were sent


async def test_a_link_to_a_mailbox_spelled_almost_like_a_buyers_opens_nothing_of_theirs(
    database_url: str,
) -> None:
    async with mailing(database_url) as (shop, post):
        await shop.place("7001", {"name": "Ann", "locale": "en", "email": "ann@strasse.de"})
        await shop.settle()
        post.letters.clear()
        await shop.place("7002", {"name": "Mallory", "locale": "en", "email": "ann@straße.de"})
        await shop.settle()
        link = re.search(r"t\.me/mug_house_bot\?start=([\w-]+)", words_of(post.letters[0]))
        assert link
        assert await ask(shop, "mallory", f"/start {link[1]}") == [("where_is_order", "7002")]
        assert await ask(shop, "mallory", "where is order 7001?") == [("which_order", None)]


async def test_a_chat_that_proved_by_an_earlier_phone_sees_nothing_of_the_next_buyer(
    database_url: str,
) -> None:
    bob = {"id": "bob", "name": "Bob", "email": "bob@example.com", "phone": "+8613800001111", "locale": "en"}
    async with mailing(database_url) as (shop, _):
        placed_at = shop.clock.now
        await shop.place("7001", ANN)
        await shop.settle()
        assert await ask(shop, "tablet", "order 7001, phone 8642") == [("where_is_order", "7001")]
        shop.clock.now += MINUTE
        await shop.place("7001", bob, placed_at=placed_at)
        await shop.fact("paid", "7001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        assert ("payment_received", "7001") in heard(shop, "bob")
        assert await ask(shop, "tablet", "where is order 7001?") == [("which_order", None)]
        assert [template for template, _ in heard(shop, "tablet")] == ["where_is_order", "which_order"]


async def test_a_mistyped_mailboxs_link_opens_nothing_once_the_address_is_corrected(
    database_url: str,
) -> None:
    async with mailing(database_url) as (shop, post):
        guest = {"name": "Ann", "locale": "en", "phone": ANN["phone"]}
        placed_at = shop.clock.now
        await shop.place("7001", {**guest, "email": "anne@exmaple.com"})
        await shop.settle()
        link = re.search(r"t\.me/mug_house_bot\?start=([\w-]+)", words_of(post.letters[0]))
        assert link
        assert await ask(shop, "anne", f"/start {link[1]}") == [("where_is_order", "7001")]
        shop.clock.now += 5 * MINUTE
        await shop.place("7001", {**guest, "email": ANN["email"]}, placed_at=placed_at)
        await shop.fact("paid", "7001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(HOUR)
        assert letters_about(post, "7001") == [["anne@exmaple.com"], [ANN["email"]]]
        assert await ask(shop, "anne", "where is order 7001?") == [("which_order", None)]
        assert len(heard(shop, "anne")) == 2


async def test_ten_wrong_digits_end_with_a_person_and_the_orders_contact_is_told(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        await shop.place("7001", {"name": "Ann", "locale": "en", **AS_ANN})
        await shop.settle()
        for chat in ("m1", "m2"):
            for digits in range(5):
                answered = await ask(shop, chat, f"order 7001, phone 100{digits}")
                assert answered == [("not_matched", None)]
        assert await ask(shop, "m3", "order 7001, phone 8642") == [("human_coming", None)]
        assert await ask(shop, "m3", "where is order 7001?") in ([], [("which_order", None)])
        await shop.forward(MINUTE)
        assert await ask(shop, "m3", "order 7001, phone 8642") == []  # the person was called already
        warned = [letter.recipients for letter in post.letters if "wrong phone digits" in words_of(letter)]
        assert warned == [["ann@example.com"]]
        await shop.forward(DAY + HOUR)
        assert await ask(shop, "m4", "order 7001, phone 8642") == [("where_is_order", "7001")]


@pytest.mark.parametrize(
    "number",
    [
        *("1001-DE", "INV-2026/0042", "#EU-A1001/2", "2026-000417", "R123456789"),
        *("1001A", "#1001-F1", "A1B2C3", "EU/2026/11", "INV/2026/A-17", "B2B-1001"),
    ],
)
@pytest.mark.parametrize("words", ["{} 8642", "order {}, phone 8642", "订单号 {} 手机尾号 8642"])
async def test_numbers_of_any_shop_can_be_proved_in_the_chat(
    database_url: str, number: str, words: str
) -> None:
    async with world(database_url) as shop:
        await shop.place("id-9", {"name": "Ann", **AS_ANN}, number=number)
        await shop.settle()
        assert await ask(shop, "new", words.format(number).replace("8642", "8643")) == [("not_matched", None)]
        assert await ask(shop, "new", words.format(number)) == [("where_is_order", "id-9")]
        assert await ask(shop, "new", words.format(number.lower())) == [("where_is_order", "id-9")]


async def test_contacts_that_the_shops_system_has_verified_open_their_orders(database_url: str) -> None:
    async with world(database_url) as shop:
        await shop.place("7001", {"name": "Ann", **AS_ANN})
        await shop.settle()
        where = "where is my order?"
        assert await ask(shop, "said", where, email=ANN["email"]) == [("which_order", None)]
        assert await ask(shop, "said", where, email=ANN["email"], verified="true") == [("which_order", None)]
        proved = await ask(shop, "proved", where, email="Ann@Example.com", verified=True)
        assert proved == [("where_is_order", "7001")]
        again = f"{where} order 7001"  # by its number, as the same question alone is not answered twice
        assert await ask(shop, "proved", again) == [("where_is_order", "7001")]  # once opened, it stays so


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_word_about_offers_in_a_chat_is_not_that_of_a_typed_mailbox(
    database_url: str, agrees: bool
) -> None:
    tiers = {"tiers": [{"name": "all"}]}
    start = {"cron": "0 9 * * *", "start": "2026-11-01", "end": "2027-01-01"}
    sale = {"sale": {**start, "tier": "all", "offer": "10% off"}}
    async with mailing(database_url, vip=tiers, promotions=sale) as (shop, post):
        await shop.post(
            "buyer.updated", {"buyer": {"id": "ann", "email": ANN["email"], "agrees": not agrees}}
        )
        await shop.settle()
        await shop.say("hello", "mallory", email=ANN["email"], agrees=agrees)
        await shop.forward(2 * DAY)
        offered = {message["buyer"]["id"] for message in shop.receiver.messages if "10%" in message["text"]}
        assert offered == ({"mallory"} if agrees else {"ann"})
        assert [letter for letter in post.letters if "10%" in words_of(letter)] == []


async def test_an_offer_calls_nobody_by_the_name_of_a_stranger_who_typed_their_mailbox(
    database_url: str,
) -> None:
    dates = {"cron": "0 9 * * *", "start": "2026-11-01", "end": "2027-01-01"}
    sale = {"sale": {**dates, "tier": "all", "offer": "10% off"}}
    async with mailing(database_url, vip={"tiers": [{"name": "all"}]}, promotions=sale) as (shop, post):
        await shop.post("buyer.updated", {"buyer": {**ANN, "agrees": True}})
        await shop.settle()
        shop.clock.now += MINUTE
        for number in range(6):
            stranger = {"name": "Mallory", "agrees": True, "locale": "en", "email": ANN["email"]}
            await shop.place(f"66{number}", {"id": f"m{number}", **stranger})
            await shop.place(f"67{number}", {**stranger, "phone": f"+861380000111{number}"})
        await shop.forward(2 * DAY)
        offers = [message for message in shop.receiver.messages if "10%" in message["text"]]
        assert ["Ann" in message["text"] for message in offers if message["buyer"]["id"] == "ann"] == [True]
        mailed = [words_of(letter) for letter in post.letters if "10%" in words_of(letter)]
        assert [text for text in mailed if "Mallory" in text] == []


async def test_strangers_who_type_a_buyers_mailbox_keep_nothing_from_that_buyer(database_url: str) -> None:
    async with mailing(database_url, limits={"per_day": 3}) as (shop, post):
        guest = {"locale": "en", "email": ANN["email"]}
        for number in range(8):
            await shop.place(f"66{number}0", {"name": "Mallory", **guest})
        await shop.settle()
        shop.clock.now += MINUTE
        await shop.place("7001", {"name": "Ann", **guest})
        await shop.forward(30 * MINUTE)
        assert len(letters_about(post, "7001")) == 2  # confirmed, and reminded of the payment
        await shop.fact("paid", "7001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(30 * MINUTE)
        assert len(letters_about(post, "7001")) == 3


def unreachable(shop: World) -> None:
    """As with a platform that takes no messages, so that mail is the only way to its buyers."""
    shop.receiver.answers = lambda message: 410


async def test_an_outcome_goes_to_the_contacts_of_its_own_order(database_url: str) -> None:
    """Not to the mailbox that the same buyer typed last, at another order: a friend's."""
    seller = {"email": "lin@example.com", "locale": "en"}
    async with mailing(database_url, seller=seller) as (shop, post):
        unreachable(shop)
        await shop.place("1001", ANN)
        await shop.fact("paid", "1001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(5 * DAY)
        await shop.place("1002", {**ANN, "name": "Flo", "email": "flo@example.com"})
        await shop.settle()
        database = shop.program.parts.database
        open_ones = partial(read_models.list_cases, shop="shop", open_only=True)
        case = next(each for each in await database.read(open_ones) if each.order == "1001")
        words = {"confirmed": False, "by": "command:test", "outcome": "Your blue underwear leaves tomorrow."}
        settled = partial(settle_case, shop="shop", number=case.number, now=shop.clock.now, **words)
        await database.write(settled)
        await shop.forward(DAY)
        told = [each.recipients for each in post.letters if "blue underwear" in words_of(each)]
        assert told == [["ann@example.com"]]


async def test_offers_go_to_no_mailbox_that_was_only_typed(database_url: str) -> None:
    async with mailing(database_url, limits={"promotions_per_week": 5}) as (shop, post):
        unreachable(shop)
        await shop.post("buyer.updated", {"buyer": {**ANN, "agrees": True}})
        await shop.forward(HOUR)
        for number in range(3):
            typed = {"id": f"mallory{number}", "name": "Mal", "email": ANN["email"], "locale": "en"}
            await shop.post("checkout.abandoned", {"checkout": {"id": f"c{number}", "buyer": typed}})
        await shop.forward(3 * DAY)
        assert [each.recipients for each in post.letters] == []

        await shop.post("checkout.abandoned", {"checkout": {"id": "own", "buyer": {"id": "ann"}}})
        await shop.forward(3 * DAY)
        assert [each.recipients for each in post.letters] == [["ann@example.com"]] * 2


async def test_a_promotion_that_a_stranger_earned_does_not_go_to_the_buyers_mailbox(
    database_url: str,
) -> None:
    vip = {"tiers": [{"name": "gold", "orders": 1}]}
    spring = {"tier": "gold", "cron": "0 10 * * *", "offer": "10% off"}
    spring |= {"start": "2026-11-21", "end": "2026-12-01"}
    async with mailing(database_url, vip=vip, promotions={"spring": spring}) as (shop, post):
        unreachable(shop)
        await shop.post("buyer.updated", {"buyer": {**ANN, "agrees": True}})
        await shop.forward(HOUR)
        typed = {"id": "mallory", "name": "Mal", "email": ANN["email"], "agrees": True, "locale": "en"}
        await shop.place("9001", typed)
        await shop.fact("paid", "9001", paid_at=shop.clock.now, amount="128.00", currency="CNY")
        await shop.forward(3 * DAY)
        assert [each for each in post.letters if "10% off" in words_of(each)] == []


async def test_offers_to_one_mailbox_have_one_cap_whosever_files_it_is_in(database_url: str) -> None:
    async with mailing(database_url) as (shop, post):
        unreachable(shop)
        for number in range(4):
            own = {**ANN, "id": f"ann{number}", "agrees": True}
            await shop.post("buyer.updated", {"buyer": own})
        await shop.forward(HOUR)
        for number in range(4):
            left = {"id": f"c{number}", "buyer": {"id": f"ann{number}"}}
            await shop.post("checkout.abandoned", {"checkout": left})
        await shop.forward(3 * DAY)
        assert [each.recipients for each in post.letters] == [["ann@example.com"]]
