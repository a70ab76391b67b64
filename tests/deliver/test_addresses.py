"""By which channel and address a message reaches its buyer."""

from datetime import UTC, datetime, timedelta

from bot.deliver.addresses import AddressBook, Contact
from bot.domain.context import Buyer, Conversation
from bot.domain.orders import Order
from bot.domain.shop import Shop

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
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
