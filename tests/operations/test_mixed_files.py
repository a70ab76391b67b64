"""Files that joins by contacts mixed: shown with what is in them, and parted by what each platform told."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from bot.domain.buyers import id_of
from bot.domain.contacts import Contacts, Told
from bot.domain.orders import Order
from bot.operations.mixed_files import mixed, part
from storage import buyer_records, conversation_records, mixed_files, order_records, tables
from storage.asking import ask
from tests.one_shop import SHOP_ID, amend, ann, chat, queue, save
from tests.world import NOON

LATER = NOON + timedelta(days=1)
ANN_WEB, GUEST = ("web", "77"), ("guest of web", "+4915112345678")


def contacts(id: str, name: str) -> Contacts:
    return Contacts(id=Told(id, NOON), name=Told(name, NOON), phone=Told("+4915112345678", NOON))


@pytest.fixture
def joined(connection: Connection) -> Connection:
    """Ann's file, to which a guest's order came because somebody typed the same phone."""
    save(connection, ann(name="Ann"))
    save(
        connection,
        Order(id="1001", channel="web", buyer="ann", placed_at=NOON, contacts=contacts("77", "Ann")),
        Order(id="2002", channel="web", buyer="ann", placed_at=NOON, contacts=contacts("", "Bob")),
        chat(),
    )
    ask(connection, SHOP_ID, buyer_records.add_identities({ANN_WEB: "ann", ("telegram", "42"): "ann"}))
    connection.execute(update(tables.buyers).where(tables.buyers.c.id == "ann").values(mixed=True))
    return connection


def buyers_of_orders(connection: Connection) -> dict[str, str | None]:
    return {
        id: order.buyer
        for id, order in ask(connection, SHOP_ID, order_records.by_id(["1001", "2002"])).items()
    }


def test_a_mixed_file_is_shown_with_its_orders_and_addresses(joined: Connection) -> None:
    (file,) = mixed(joined, SHOP_ID, 10)

    assert (file.number, file.identities) == ("ann", (("telegram", "42"), ANN_WEB))
    assert [order.id for order in file.orders] == ["1001", "2002"]


def test_each_order_and_chat_goes_to_the_file_that_it_would_have_had(joined: Connection) -> None:
    assert part(joined, SHOP_ID, "ann", LATER) == 3

    assert buyers_of_orders(joined) == {"1001": id_of(SHOP_ID, ANN_WEB), "2002": id_of(SHOP_ID, GUEST)}
    (telegram,) = ask(joined, SHOP_ID, conversation_records.by_place([("telegram", "42")])).values()
    assert telegram.buyer == id_of(SHOP_ID, ("telegram", "42"))
    owners = ask(joined, SHOP_ID, buyer_records.owners([ANN_WEB, GUEST]))
    assert owners == {ANN_WEB: id_of(SHOP_ID, ANN_WEB), GUEST: id_of(SHOP_ID, GUEST)}
    known = ask(joined, SHOP_ID, buyer_records.by_id(owners.values()))
    assert [known[owner].name for owner in owners.values()] == ["Ann", "Bob"]


def test_what_waits_goes_with_its_order_and_what_was_said_stays(joined: Connection) -> None:
    queue(joined, "waiting", order="2002")
    queue(joined, "said", order="2002")
    amend(joined, "said", state="skipped", settled_at=NOON)

    part(joined, SHOP_ID, "ann", LATER)

    rows = joined.execute(select(tables.outbox.c.key, tables.outbox.c.buyer)).all()
    assert {row.key: row.buyer for row in rows} == {"waiting": id_of(SHOP_ID, GUEST), "said": "ann"}


def test_a_parted_file_is_mixed_no_more_and_no_other_is_parted(joined: Connection) -> None:
    assert part(joined, SHOP_ID, "bob", LATER) is None
    assert part(joined, SHOP_ID, "ann", LATER) is not None
    before = buyers_of_orders(joined)

    assert mixed_files.marked(joined, SHOP_ID, None) == []
    assert part(joined, SHOP_ID, "ann", LATER) is None
    assert buyers_of_orders(joined) == before
