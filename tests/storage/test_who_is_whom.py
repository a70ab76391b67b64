"""The migration to contacts of orders and wishes of addresses, from the first schema with real data."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, Engine, text

from bot.domain.buyers import id_of
from bot.domain.wishes import Standing
from storage import order_records, proof_records, schema, wish_records
from storage.asking import ask
from storage.database import make_engine
from storage.tables import metadata
from tests.world import NOON

HOUR = timedelta(hours=1)
SHOP = "mugs"
AT = NOON.isoformat()


@pytest.fixture
def old(bare_database_url: str) -> Iterator[Engine]:
    """A database of the first schema, with what a shop had by then."""
    engine = make_engine(bare_database_url)
    migrate(engine, "0001")
    with engine.begin() as link:
        fill(link)
    yield engine
    engine.dispose()


def migrate(engine: Engine, version: str) -> None:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as link:
        settings.attributes["connection"] = link
        command.upgrade(settings, version)


def put(link: Connection, table: str, **columns: Any) -> None:
    link.execute(metadata.tables[table].insert().values(shop=SHOP, **columns))


def buyer(link: Connection, id: str, **columns: Any) -> None:
    put(link, "buyers", **{"id": id, "created_at": NOON, **columns})


def identity(link: Connection, kind: str, value: str, buyer: str) -> None:
    put(link, "identities", kind=kind, value=value, buyer=buyer)


def order(link: Connection, id: str, buyer: str | None, channel: str = "web", **record: Any) -> None:
    put(
        link,
        "orders",
        id=id,
        channel=channel,
        number=id,
        buyer=buyer,
        state="unpaid",
        placed_at=NOON,
        paid_minor=0,
        refunded_minor=0,
        record=json.dumps({"id": id, "channel": channel, "buyer": buyer, "placed_at": AT, **record}),
    )


def placed(
    link: Connection, number: int, order: str, at: Any = NOON, state: str = "done", **ref: Any
) -> None:
    event = {
        "type": "order.placed",
        "channel": ref.pop("channel", "web"),
        "external_id": f"e{number}",
        "at": at.isoformat(),
        "order": order,
        "placed_at": AT,
        "buyer": ref,
    }
    put(
        link,
        "inbox",
        id=number,
        channel=event["channel"],
        external_id=f"e{number}",
        type="order.placed",
        thread=f"order:{order}",
        body=json.dumps(event),
        received_at=NOON,
        state=state,
        handled_at=NOON if state == "done" else None,
    )


def said(link: Connection, number: int, chat: str, **ref: Any) -> None:
    event = {"type": "message.received", "channel": "telegram", "external_id": f"e{number}", "at": AT}
    event |= {"conversation": chat, "message_id": "m", "text": "hi", "buyer": ref}
    names = {"channel": "telegram", "external_id": f"e{number}", "type": "message.received"}
    done = {"received_at": NOON, "state": "done", "handled_at": NOON}
    put(link, "inbox", id=number, thread=f"chat:telegram:{chat}", body=json.dumps(event), **names, **done)


def fill(link: Connection) -> None:
    # Ann, whom one platform knows; Ann's orders are shown with contacts of their own, and Ann stopped
    buyer(link, "ann", name="Ann", email="ann@example.com", phone="+1", shown_at=NOON, stopped_at=NOON)
    for kind, value in (("web", "7"), ("email", "ann@example.com"), ("phone", "+1")):
        identity(link, kind, value, "ann")
    order(link, "1", "ann")
    placed(link, 1, "1", id="7", name="Ann", email="Old@example.com")
    placed(link, 2, "1", NOON + HOUR, id="7", email="New@Example.com")
    placed(link, 3, "1", NOON + 2 * HOUR, channel="courier", email="courier@example.com")
    placed(link, 4, "1", NOON + 2 * HOUR, "open", email="open@example.com")
    order(link, "2", "ann")  # its events are gone
    # a guest, who agreed to offers
    agreed = {"agrees": True, "agrees_at": NOON}
    buyer(link, "guest", email="Guest@example.com", shown_at=NOON, **agreed)
    identity(link, "email", "guest@example.com", "guest")
    order(link, "3", "guest", "shopify")
    # a chat that proved its order by digits, joined to the order's buyer
    buyer(link, "chatting", phone="+3", stopped_at=NOON, resumed_at=NOON, agrees=False, agrees_at=NOON)
    buyer(link, id_of(SHOP, ("telegram", "42")), joined_to="chatting")
    identity(link, "telegram", "42", "chatting")
    identity(link, "web", "8", "chatting")
    put(link, "conversations", channel="telegram", address="42", buyer="chatting", last_in_at=NOON, tries=0)
    order(link, "4", "chatting")
    # the same the other way round: the chat was there before the order
    elder = id_of(SHOP, ("telegram", "43"))
    buyer(link, elder)
    buyer(link, "younger", joined_to=elder)
    identity(link, "telegram", "43", elder)
    identity(link, "web", "10", elder)
    put(link, "conversations", channel="telegram", address="43", buyer=elder, last_in_at=NOON, tries=0)
    order(link, "7", elder)
    # a chat that was put to an order's buyer because it said their phone at once
    buyer(link, "attached", phone="+4", shown_at=NOON)
    for kind, value in (("phone", "+4"), ("web", "11"), ("telegram", "44")):
        identity(link, kind, value, "attached")
    put(link, "conversations", channel="telegram", address="44", buyer="attached", last_in_at=NOON, tries=0)
    order(link, "8", "attached")
    # one that said it later, and one in whose record are orders of two people
    for number, chat in ((9, "45"), (11, "46")):
        known = f"of {chat}"
        buyer(link, known, phone=f"+{chat}", shown_at=NOON)
        buyer(link, id_of(SHOP, ("telegram", chat)), joined_to=known)
        identity(link, "telegram", chat, known)
        put(link, "conversations", channel="telegram", address=chat, buyer=known, last_in_at=NOON, tries=0)
        order(link, f"{number}", known)
    said(link, 5, "45", phone="+45")
    said(link, 6, "46")
    order(link, "12", "of 46")
    placed(link, 7, "11", id="21")
    placed(link, 8, "12", id="22")
    # two people whom a shared phone made one
    buyer(link, "mixed", phone="+9", shown_at=NOON)
    buyer(link, "lost", joined_to="mixed")
    identity(link, "phone", "+9", "mixed")
    identity(link, "telegram", "66", "mixed")
    identity(link, "web", "9", "mixed")
    put(link, "conversations", channel="telegram", address="66", buyer="mixed", last_in_at=NOON, tries=0)
    order(link, "5", "mixed")
    # two mail addresses at one record
    buyer(link, "two", email="a@example.com", shown_at=NOON)
    identity(link, "email", "a@example.com", "two")
    identity(link, "email", "b@example.com", "two")
    order(link, "6", "two")


def upgraded(engine: Engine) -> Connection:
    migrate(engine, "head")
    return engine.connect()


def contacts(link: Connection, id: str) -> dict[str, str | None]:
    found = ask(link, SHOP, order_records.by_id({id}))[id].contacts
    assert found is not None
    names = ("id", "name", "email", "phone")
    return {name: found.known(name) for name in names if found.known(name)}


def column(link: Connection, statement: str) -> set[Any]:
    return set(link.execute(text(statement)).scalars())


def test_an_order_keeps_the_contacts_that_its_own_platform_told_last(old: Engine) -> None:
    with upgraded(old) as link:
        assert contacts(link, "1") == {"id": "7", "name": "Ann", "email": "New@Example.com"}
        found = order_records.of_contact(link, SHOP, "new@example.com", None)
        assert [each.id for each in found] == ["1"]


def test_where_the_events_are_gone_an_order_keeps_the_contacts_of_its_buyer(old: Engine) -> None:
    with upgraded(old) as link:
        assert contacts(link, "2") == {"id": "7", "name": "Ann", "email": "ann@example.com", "phone": "+1"}
        assert contacts(link, "3") == {"email": "Guest@example.com"}
        assert {each.id for each in order_records.of_contact(link, SHOP, None, "+1")} == {"2"}


def test_a_stop_or_a_consent_is_one_of_each_address_that_the_buyer_had(old: Engine) -> None:
    with upgraded(old) as link:
        addresses = [
            ("web", "7"),
            ("email", "ann@example.com"),
            ("phone", "+1"),
            ("email", "guest@example.com"),
        ]
        addresses += [("telegram", "42"), ("web", "8"), ("phone", "+9")]
        holds = ask(link, SHOP, wish_records.standings(addresses))
        assert [holds[key].stopped_at for key in addresses[:3]] == [NOON] * 3
        assert holds["email", "guest@example.com"] == Standing(agrees=True, agrees_at=NOON)
        for key in (("telegram", "42"), ("web", "8")):  # a stop and a resume of one time: the stop
            assert (holds[key].stopped_at, holds[key].agrees) == (NOON, False)
        assert ("phone", "+9") not in ask(link, SHOP, wish_records.of_addresses(addresses))
        wanting = wish_records.wanting_offers(link, SHOP, ("", ""), 10)
        assert wanting == [(("email", "guest@example.com"), ("guest",))]


def test_a_chat_goes_on_to_see_what_it_had_proved_and_opens_anew_what_others_said(old: Engine) -> None:
    with upgraded(old) as link:
        chats = {("telegram", address) for address in ("42", "43", "44", "45", "46", "66")}
        assert ask(link, SHOP, proof_records.opened_by(chats)) == {
            ("telegram", "42"): [("4", "")],
            ("telegram", "43"): [("7", "")],
        }
        assert column(link, "SELECT how FROM openings") == {"before"}


def test_what_may_have_been_said_before_the_archive_proves_nothing(old: Engine) -> None:
    migrate(old, "0005")
    with old.begin() as link:
        put(link, "archives", until=NOON + HOUR)
    with upgraded(old) as link:
        assert ask(link, SHOP, proof_records.opened_by({("telegram", "42"), ("telegram", "43")})) == {}


def test_records_in_which_several_came_together_are_marked(old: Engine) -> None:
    joined = {"chatting", id_of(SHOP, ("telegram", "43")), "of 45", "of 46"}
    with upgraded(old) as link:
        assert column(link, "SELECT id FROM buyers WHERE mixed") == {"mixed", "two", *joined}


def test_mail_addresses_and_phones_identify_nobody_and_guests_are_counted_by_them(old: Engine) -> None:
    with upgraded(old) as link:
        found = link.execute(text("SELECT kind, value, buyer FROM identities")).all()
        assert {row.kind for row in found} == {"web", "telegram", "guest of shopify"}
        assert {tuple(row) for row in found} >= {
            ("web", "7", "ann"),
            ("telegram", "42", "chatting"),
            ("web", "8", "chatting"),
            ("telegram", "66", "mixed"),
            ("web", "9", "mixed"),
            ("guest of shopify", "guest@example.com", "guest"),
        }


def test_an_order_from_before_is_found_by_its_number_as_people_type_it(old: Engine) -> None:
    with old.begin() as link:
        order(link, "INV-2026/0042", None)
    with upgraded(old) as link:
        for typed in ("inv 2026-0042", "INV-2026/0042"):
            assert [each.id for each in ask(link, SHOP, order_records.by_number([typed]))] == [
                "INV-2026/0042"
            ]
