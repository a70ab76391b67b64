"""A buyer's file: figures of like with like, what sellers wrote with who and when, and one time line."""

import pytest
from sqlalchemy import Connection

from bot.domain.contacts import Contacts, Told
from bot.domain.erasing import ERASED
from bot.domain.events import Line, PaymentReceived
from bot.domain.money import Money
from bot.domain.orders import merge
from storage import buyer_file, buyer_records
from storage.asking import ask
from storage.buyer_file import BuyerFile, cursor_of, next_of
from storage.buyer_scope import join, joined_with, scope_of, together
from storage.tables import details
from tests.one_shop import DAY, HOUR, SHOP_ID, amend, ann, bob, chat, order, queue, rows, save
from tests.world import NOON

LI = "command:li"
MAIL = "ann@example.com"
PHONE = "+442079460321"


def contacts(**said: str) -> Contacts:
    return Contacts(**{name: Told(value, NOON) for name, value in said.items()})


@pytest.fixture
def shop(connection: Connection) -> Connection:
    """Ann with two paid orders in two currencies, and Bob, in whose order Ann's mail was typed."""
    save(connection, ann(name="Ann Smith", email=MAIL), bob(name="Bob_"), chat(last_in_at=NOON + DAY))
    for number, currency in (("1001", "CNY"), ("1002", "USD")):
        money = Money(12800, currency)
        mugs = Line(title="Mug", quantity=2, price=Money(6400, currency))
        placed = order(
            number, placed_at=NOON, total=money, lines=(mugs,), contacts=contacts(email=MAIL, id="77")
        )
        paid = PaymentReceived(channel="web", external_id=number, at=NOON + HOUR, order=number, amount=money)
        save(connection, merge(placed, paid))
    save(
        connection, order("2002", "bob", placed_at=NOON, contacts=contacts(email=MAIL, id="88", phone=PHONE))
    )
    ask(connection, SHOP_ID, buyer_records.add_identities({("web", "77"): "ann", ("web", "88"): "bob"}))
    return connection


def file_of(connection: Connection, id: str = "ann") -> BuyerFile:
    return buyer_file.read(connection, SHOP_ID, scope_of(connection, SHOP_ID, id))


def found(connection: Connection, words: str) -> list[str]:
    return [each.id for each in buyer_file.find(connection, SHOP_ID, words, "", 10)]


def test_figures_are_of_one_currency_each(shop: Connection) -> None:
    file = file_of(shop)

    assert [(each.currency, each.orders, each.minor, each.average) for each in file.spent] == [
        ("CNY", 1, 12800, 12800),
        ("USD", 1, 12800, 12800),
    ]
    assert file.bought == (("Mug", 4),)
    assert (file.orders, file.last_contact) == (2, NOON + DAY)
    assert file.perhaps == ("bob",)


def test_what_a_seller_writes_has_author_and_time(shop: Connection) -> None:
    buyer_file.add_note(shop, SHOP_ID, "ann", "likes blue", LI, NOON)
    buyer_file.add_tag(shop, SHOP_ID, "ann", "regular", LI, NOON)
    buyer_file.add_tag(shop, SHOP_ID, "ann", "regular", LI, NOON + DAY)
    buyer_file.set_detail(shop, SHOP_ID, "ann", "city", "Taipei", LI, NOON)
    buyer_file.set_detail(shop, SHOP_ID, "ann", "city", "Tainan", LI, NOON + DAY)
    file = file_of(shop)

    assert [(each.text, each.who, each.at) for each in file.notes] == [("likes blue", LI, NOON)]
    assert [each.text for each in file.tags] == ["regular"]
    assert [(each.name, each.text) for each in file.details] == [("city", "Tainan")]
    assert buyer_file.remove_tag(shop, SHOP_ID, "ann", "regular")
    assert not buyer_file.remove_tag(shop, SHOP_ID, "ann", "regular")
    buyer_file.set_detail(shop, SHOP_ID, "ann", "city", None, LI, NOON + 2 * DAY)
    assert (file_of(shop).tags, file_of(shop).details) == ((), ())


def test_the_switch_against_profiling_goes_by_its_newest_word(shop: Connection) -> None:
    assert buyer_file.unprofiled(shop, SHOP_ID, ["ann", "bob"]) == set()
    buyer_file.set_detail(shop, SHOP_ID, "ann", "profiling", "off", LI, NOON)
    assert buyer_file.unprofiled(shop, SHOP_ID, ["ann", "bob"]) == {"ann"}
    assert file_of(shop).profiled is False
    buyer_file.set_detail(shop, SHOP_ID, "ann", "profiling", None, LI, NOON)
    assert buyer_file.unprofiled(shop, SHOP_ID, ["ann"]) == set()
    assert buyer_file.unprofiled(shop, SHOP_ID, []) == set()


@pytest.mark.parametrize(
    ("words", "whom"),
    [
        ("smith", ["ann"]),
        (MAIL, ["ann", "bob"]),
        ("2002", ["bob"]),
        ("77", ["ann"]),
        ("020 7946-0321", ["bob"]),  # as people write it
        ("020 7946-0322", []),
        ("_", ["bob"]),  # no wildcard
        ("%", []),
        ("blue", ["ann"]),
        ("", ["ann", "bob"]),
    ],
)
def test_buyers_are_found_by_words(shop: Connection, words: str, whom: list[str]) -> None:
    save(shop, ann(id=f"{ERASED}1"))
    buyer_file.add_note(shop, SHOP_ID, "ann", "likes BLUE", LI, NOON)

    assert found(shop, words) == whom


def test_a_list_goes_on_behind_a_buyer(shop: Connection) -> None:
    assert [each.id for each in buyer_file.find(shop, SHOP_ID, "", "ann", 1)] == ["bob"]


def test_a_time_line_is_read_page_by_page_without_gap_or_repeat(shop: Connection) -> None:
    buyer_file.add_note(shop, SHOP_ID, "ann", "likes blue", LI, NOON + 2 * DAY)
    queue(shop, "hello:1")
    amend(shop, "hello:1", state="sent", text="Hello!", settled_at=NOON + HOUR, attempts=1)
    scope = scope_of(shop, SHOP_ID, "ann")
    whole = buyer_file.time_line(shop, SHOP_ID, scope, None, 100)

    assert [each.kind for each in whole][:1] == ["note"]
    assert {each.kind for each in whole} == {"note", "bot", "order"}
    assert [each.at for each in whole] == sorted((each.at for each in whole), reverse=True)
    pages, cursor = [], None
    while True:
        page = buyer_file.time_line(shop, SHOP_ID, scope, cursor_of(cursor), 2)
        pages += page
        cursor = next_of(page, 2)
        if cursor is None:
            break
    assert pages == whole


def test_a_cursor_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        cursor_of("yesterday")
    assert cursor_of(None) is None
    assert next_of([], 5) is None


def test_joined_files_are_read_as_one_until_they_are_parted(shop: Connection) -> None:
    join(shop, SHOP_ID, "ann", "bob", joined=True, who=LI, now=NOON)
    both = buyer_file.read(shop, SHOP_ID, together(shop, SHOP_ID, "bob"))

    assert (both.orders, both.joined, both.perhaps, both.details) == (3, ("ann",), (), ())
    assert joined_with(shop, SHOP_ID, "ann") == ("bob",)
    assert scope_of(shop, SHOP_ID, "bob").orders == ("2002",)  # what is erased or written to stays apart

    join(shop, SHOP_ID, "bob", "ann", joined=False, who=LI, now=NOON + DAY)
    assert buyer_file.read(shop, SHOP_ID, together(shop, SHOP_ID, "bob")).orders == 1
    assert len(rows(shop, details, "buyer", "value")) == 4  # the history is append-only


def test_files_that_were_joined_over_a_third_one_are_read_together(shop: Connection) -> None:
    save(shop, bob(id="cat", name="Cat"))
    join(shop, SHOP_ID, "ann", "bob", joined=True, who=LI, now=NOON)
    join(shop, SHOP_ID, "bob", "cat", joined=True, who=LI, now=NOON)

    assert joined_with(shop, SHOP_ID, "cat") == ("bob", "ann")
