"""By which channel and address a message reaches its buyer."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bot.deliver.addresses import AddressBook, Contact
from bot.domain.context import Buyer, Conversation
from bot.domain.messages import Address
from bot.domain.orders import Order
from bot.domain.shop import Seller, Shop
from bot.seller.cases import SELLER

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BOOK = AddressBook(
    Shop(name="Mug House"),
    {"telegram": "telegram", "line": "line", "web": "webhook", "shop2": "webhook", "mail": "email"},
)


def chat(channel: str, heard: datetime | None, blocked: datetime | None = None) -> Conversation:
    return Conversation(channel=channel, address="42", buyer="b1", last_in_at=heard, blocked_at=blocked)


def channels_to(
    *chats: Conversation, ids: tuple[tuple[str, str], ...] = (), order: Order | None = None
) -> list[str]:
    contact = Contact(buyer=Buyer(id="b1", email="ann@example.com"), chats=chats, ids=ids)
    return [address.channel for address in BOOK.of_buyer(contact, order, NOW)]


def test_a_live_chat_comes_before_the_shops_system_and_mail_and_a_quiet_chat_last() -> None:
    live, quiet = chat("telegram", NOW - DAY), chat("line", NOW - 40 * DAY)
    assert channels_to(live, quiet, ids=(("web", "b1"),)) == ["telegram", "web", "mail", "line"]


def test_without_a_live_chat_it_is_mail() -> None:
    assert channels_to() == ["mail"]


def test_a_blocked_chat_is_no_address() -> None:
    assert channels_to(chat("telegram", NOW - DAY, blocked=NOW - HOUR)) == ["mail"]


def test_a_chat_in_which_only_a_person_of_ours_wrote_is_no_address() -> None:
    assert channels_to(chat("telegram", None)) == ["mail"]


def test_the_system_that_the_order_came_from_is_asked_before_another_one() -> None:
    ids = (("shop2", "b1"), ("web", "b1"))
    assert channels_to(ids=ids, order=Order(id="1", channel="web")) == ["web", "shop2", "mail"]
    assert channels_to(ids=ids, order=Order(id="1", channel="shop2")) == ["shop2", "web", "mail"]


def test_an_id_on_a_channel_that_cannot_write_first_is_no_address() -> None:
    assert channels_to(ids=(("telegram", "42"), ("shopify", "7"))) == ["mail"]


# At the boundary, and of one message


def addresses_of(
    message: Any, *chats: Conversation, book: AddressBook = BOOK, tried: str | None = None
) -> Any:
    contact = Contact(
        buyer=Buyer(id="b1", email="ann@example.com"), chats=chats, ids=(("web", "w1"), ("telegram", "42"))
    )
    return book.addresses(message, contact, Order(id="1", channel="web"), tried, NOW)


def message(to: str | None = None, buyer: str = "b1") -> Any:
    """What of a row of the outbox decides where it goes."""
    return SimpleNamespace(to=to, buyer=buyer)


MAIL = Address(channel="mail", address="ann@example.com", buyer_id="ann@example.com")
WEB = Address(channel="web", address="w1", buyer_id="w1")
CHAT = Address(channel="telegram", address="42", buyer_id="42")


def test_a_chat_is_live_until_exactly_as_long_after_its_last_message_as_the_shop_says() -> None:
    live = BOOK.shop.live_chat
    assert channels_to(chat("telegram", NOW - live)) == ["telegram", "mail"]
    assert channels_to(chat("telegram", NOW - live - SECOND)) == ["mail", "telegram"]


def test_a_chat_on_a_channel_that_cannot_send_is_no_address() -> None:
    assert channels_to(chat("shopify", NOW)) == ["mail"]


def test_an_address_found_twice_is_named_once() -> None:
    heard = Conversation(channel="web", address="b1", buyer="b1", last_in_at=NOW)
    assert channels_to(heard, ids=(("web", "b1"),)) == ["web", "mail"]


def test_a_block_holds_for_that_address_alone() -> None:
    blocked = Conversation(channel="web", address="b1", buyer="b1", blocked_at=NOW)
    assert channels_to(blocked, ids=(("web", "b1"), ("web", "b2"), ("shop2", "b1"))) == [
        "shop2",
        "web",
        "mail",
    ]


def test_without_an_order_the_shops_systems_come_by_name_and_address() -> None:
    ids = (("web", "b2"), ("web", "b1"), ("shop2", "b9"))
    contact = Contact(buyer=Buyer(id="b1"), ids=ids)
    found = [(each.channel, each.address, each.buyer_id) for each in BOOK.of_buyer(contact, None, NOW)]
    assert found == [("shop2", "b9", "b9"), ("web", "b1", "b1"), ("web", "b2", "b2")]


def test_a_message_goes_to_every_address_of_its_buyer_best_first() -> None:
    assert addresses_of(message(), chat("telegram", NOW)) == (CHAT, WEB, MAIL)
    contact = Contact(buyer=Buyer(id="b1"))
    assert BOOK.addresses(message(), contact, None, None, NOW) == ()


def test_the_order_of_a_message_decides_which_system_is_asked_first() -> None:
    contact = Contact(buyer=Buyer(id="b1"), ids=(("shop2", "b1"), ("web", "b1")))
    found = BOOK.addresses(message(), contact, Order(id="1", channel="web"), None, NOW)
    assert [each.channel for each in found] == ["web", "shop2"]


def test_a_second_contact_takes_another_channel() -> None:
    assert addresses_of(message(), chat("telegram", NOW), tried="telegram") == (WEB, MAIL)
    assert addresses_of(message(), chat("telegram", NOW), tried="web") == (CHAT, MAIL)


def test_an_answer_goes_to_the_chat_that_asked_or_nowhere() -> None:
    asked = message(to="telegram:42")
    assert addresses_of(asked, chat("telegram", NOW)) == (CHAT,)
    assert addresses_of(asked, chat("telegram", NOW), tried="telegram") == (CHAT,)
    assert addresses_of(asked, chat("line", NOW)) == ()
    assert addresses_of(asked, chat("telegram", NOW, blocked=NOW)) == ()
    assert addresses_of(message(to="shopify:42"), chat("shopify", NOW)) == ()


def test_an_address_may_have_colons_of_its_own() -> None:
    asked = Conversation(channel="telegram", address="a:b", buyer="b1")
    assert addresses_of(message(to="telegram:a:b"), asked) == (
        Address(channel="telegram", address="a:b", buyer_id="a:b"),
    )


def test_a_mail_to_the_seller_goes_to_their_address_by_the_shops_mail() -> None:
    shop = Shop(name="Mug House", seller=Seller(email="me@example.com"))
    to_seller = message(buyer=SELLER, to="telegram:42")
    book = AddressBook(shop, {"mail": "email", "mail2": "email"})
    assert addresses_of(to_seller, book=book) == (
        Address(channel="mail", address="me@example.com", buyer_id=SELLER),
    )
    assert addresses_of(to_seller) == ()
    assert addresses_of(to_seller, book=AddressBook(shop, {"web": "webhook"})) == ()


def test_without_mail_or_without_a_mail_address_there_is_no_mail() -> None:
    assert (
        AddressBook(BOOK.shop, {"web": "webhook"}).of_buyer(
            Contact(buyer=Buyer(id="b", email="e")), None, NOW
        )
        == ()
    )
    assert BOOK.of_buyer(Contact(buyer=Buyer(id="b")), None, NOW) == ()
