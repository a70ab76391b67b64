"""By which channel and address a message reaches its buyer."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bot.deliver.addresses import AddressBook, Contact
from bot.domain.context import Buyer, Conversation
from bot.domain.messages import Address
from bot.domain.orders import Order
from bot.domain.shop import Seller, Shop
from bot.domain.wishes import EMAIL, NOTHING_SAID, Standing
from storage.outbox import SELLER

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BOOK = AddressBook(
    Shop(name="Mug House"),
    {"telegram": "telegram", "line": "line", "web": "webhook", "shop2": "webhook", "mail": "email"},
)


def chat(channel: str, heard: datetime | None, blocked: datetime | None = None) -> Conversation:
    return Conversation(channel=channel, address="42", buyer="b1", last_in_at=heard, blocked_at=blocked)


def contact_of(*chats: Conversation, ids: tuple[tuple[str, str], ...] = (), **more: Any) -> Contact:
    """A buyer with a mail address, whose own chats these are."""
    blocked = frozenset((each.channel, each.address) for each in chats if each.blocked)
    buyer = Buyer(id="b1", email="ann@example.com")
    return Contact(**{"buyer": buyer, "own": chats, "ids": ids, "blocked": blocked, **more})


def message(to: str | None = None, buyer: str = "b1", category: str = "service") -> Any:
    """What of a row of the outbox decides where it goes."""
    return SimpleNamespace(to=to, buyer=buyer, category=category)


def channels_to(
    *chats: Conversation, ids: tuple[tuple[str, str], ...] = (), order: Order | None = None
) -> list[str]:
    contact = contact_of(*chats, ids=ids)
    return [address.channel for address in BOOK.addresses(message(), contact, order, None, NOW)]


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
    contact = contact_of(*chats, ids=(("web", "w1"), ("telegram", "42")))
    return book.addresses(message, contact, Order(id="1", channel="web"), tried, NOW)


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
    found = [
        (each.channel, each.address, each.buyer_id)
        for each in BOOK.addresses(message(), contact, None, None, NOW)
    ]
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
    assert addresses_of(asked, chat("telegram", NOW - HOUR, blocked=NOW)) == ()
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
    without = AddressBook(BOOK.shop, {"web": "webhook"})
    assert without.addresses(message(), contact_of(), None, None, NOW) == ()
    nameless = contact_of(buyer=Buyer(id="b"))
    assert BOOK.addresses(message(), nameless, None, None, NOW) == ()


# A chat that opened the order


OPENED = Conversation(channel="telegram", address="7", buyer="b2", last_in_at=NOW)


def test_a_chat_that_opened_the_order_hears_of_it_like_one_of_their_own() -> None:
    found = BOOK.addresses(message(), contact_of(opened=(OPENED,)), None, None, NOW)
    assert [each.address for each in found] == ["7", "ann@example.com"]


def test_a_chat_that_only_typed_what_opens_the_order_takes_no_message_from_the_orders_own_contacts() -> None:
    stranger = chat("telegram", NOW)
    contact = contact_of(opened=(stranger,), typed=frozenset({("telegram", "42")}))

    found = BOOK.addresses(message(), contact, None, None, NOW)

    assert [address.channel for address in found] == ["mail", "telegram"]


def test_of_those_that_only_typed_it_the_first_keeps_the_messages() -> None:
    first, later = chat("telegram", NOW - HOUR), chat("web", NOW)
    typed = frozenset({(each.channel, each.address) for each in (first, later)})
    contact = contact_of(buyer=Buyer(id="b"), opened=(first, later), typed=typed)

    found = BOOK.addresses(message(), contact, None, None, NOW)

    assert [address.channel for address in found] == ["telegram", "web"]


def test_of_several_chats_the_one_they_last_wrote_in_comes_first_each_once() -> None:
    mine = Conversation(channel="telegram", address="8", buyer="b1", last_in_at=NOW - HOUR)
    contact = contact_of(mine, opened=(OPENED, mine))
    assert contact.chats == (OPENED, mine)


def test_an_answer_never_goes_to_a_chat_that_only_opened_the_order() -> None:
    found = BOOK.addresses(message(to="telegram:7"), contact_of(opened=(OPENED,)), None, None, NOW)
    assert found == ()


def test_a_mailbox_that_is_blocked_is_no_address() -> None:
    contact = contact_of(blocked=frozenset({("mail", "ann@example.com")}))
    assert BOOK.addresses(message(), contact, None, None, NOW) == ()


# What the addresses want


NO = Standing(stopped_at=NOW, agrees=False, agrees_at=NOW)
YES = Standing(agrees=True, agrees_at=NOW)
BOX = (EMAIL, "ann@example.com")


def wanted(message: Any, contact: Contact, said: dict[tuple[str, str], Standing]) -> Any:
    found = BOOK.addresses(message, contact, None, None, NOW)
    left = BOOK.wanted(message, found, contact, defaultdict(lambda: NOTHING_SAID, said))
    return left[0], [each.channel for each in left[1]]


def test_wishes_about_a_mailbox_know_no_capitals_and_no_channel() -> None:
    assert BOOK.key(Address(channel="mail", address="Ann@Example.com", buyer_id="x")) == BOX
    assert BOOK.key(CHAT) == ("telegram", "42")


def test_a_stopped_address_is_left_out_and_the_others_stay() -> None:
    contact = contact_of(opened=(OPENED,))
    assert wanted(message(), contact, {("telegram", "7"): NO}) == (NOTHING_SAID, ["mail"])
    assert wanted(message(), contact, {BOX: NO}) == (NOTHING_SAID, ["telegram"])
    assert wanted(message(), contact, {BOX: NO, ("telegram", "7"): NO}) == (NO, [])


def test_a_stop_in_a_chat_or_at_an_id_of_their_own_silences_all_of_theirs() -> None:
    contact = contact_of(chat("telegram", NOW), ids=(("web", "w1"),))
    for own in (("telegram", "42"), ("web", "w1")):
        assert wanted(message(), contact, {own: NO}) == (NO, [])


def test_an_answer_goes_where_it_was_asked_for_after_a_stop_too() -> None:
    contact = contact_of(chat("telegram", NOW))
    asked = message(to="telegram:42", category="answer")
    assert wanted(asked, contact, {("telegram", "42"): NO}) == (NOTHING_SAID, ["telegram"])


def test_an_offer_goes_only_to_an_address_that_said_yes_itself() -> None:
    contact = contact_of(opened=(OPENED,), ids=(("web", "w1"),))
    offer = message(category="promotion")
    assert wanted(offer, contact, {}) == (NOTHING_SAID, [])
    assert wanted(offer, contact, {BOX: YES}) == (YES, ["mail"])
    no_offers = Standing(agrees=False, agrees_at=NOW)
    assert wanted(offer, contact, {BOX: no_offers, ("web", "w1"): YES}) == (YES, ["web"])


def test_where_there_is_no_address_nothing_was_said() -> None:
    assert wanted(message(), contact_of(buyer=Buyer(id="b")), {}) == (NOTHING_SAID, [])
