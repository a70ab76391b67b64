"""What is due, claimed: one message to a buyer, the weightiest first, with the text that will leave."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs

from bot.deliver.addresses import AddressBook
from bot.deliver.claim import Claim, Claimer
from bot.deliver.links import Links
from bot.domain.arbiter import FIRST, PRIORITY
from bot.domain.messages import Facts, Reason
from bot.domain.rules import PROMOTION
from bot.domain.shop import Limits, Shop
from bot.domain.signed_tokens import SignedTokens, address_mark
from bot.domain.wishes import Wish
from bot.operations.metrics import Metrics
from bot.operations.time_limit import TimeLimit
from bot.seller.cases import SELLER
from bot.texts.catalogue import Version
from storage import buyer_records, due_messages, instance, outbox, tables, wish_records
from storage.asking import ask
from storage.outbox import dump, message_name
from storage.wish_records import WishRecord
from tests.one_shop import (
    CATALOGUE,
    DAY,
    HOUR,
    MINUTE,
    NEIGHBOUR,
    NOON,
    SHOP,
    SHOP_ID,
    ann,
    chat,
    completed,
    order,
    policy,
    queue,
    rows,
    rules,
    save,
    take,
)

LEASE = timedelta(minutes=2)
KINDS = {"web": "webhook", "telegram": "telegram", "mail": "email"}
TOKENS = SignedTokens("a secret for tests")
SLOTS = {"web": 10, "telegram": 10, "mail": 10}
THANKS = "You're welcome. We're here if you need anything."


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


def wants_offers(name: str) -> WishRecord:
    wish = Wish(what="offers", yes=True, at=NOON - DAY)
    return WishRecord(address=("web", f"{name}@web"), wish=wish, channel="web", event="e", buyer=name)


class Place:
    """Two shops, in which Ann, Bob and Cy are known on the web and want offers; one program's claimer."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        for shop in (SHOP_ID, NEIGHBOUR):
            for name in ("ann", "bob", "cy"):
                save(connection, ann(id=name, name=name.title()), shop=shop)
                ask(connection, shop, buyer_records.add_identities({("web", f"{name}@web"): name}))
            ask(
                connection,
                shop,
                wish_records.add([wants_offers(name) for name in ("ann", "bob", "cy")], NOON),
            )
        self.policies = {name: policy("service") for name in ("thanks", "hello", *FIRST, "gone", PROMOTION)}
        self.metrics = Metrics()
        self.build()

    def build(self, shop: Shop = SHOP, first: str = "", kinds: dict[str, str] = KINDS, **links: Any) -> None:
        self.claimer = Claimer(
            {name: AddressBook(shop, kinds) for name in (SHOP_ID, NEIGHBOUR)},
            Links(TOKENS, links.get("public_url"), links.get("bots", {})),
            rules(policies=self.policies),
            CATALOGUE,
            TimeLimit(),
            self.metrics,
            LEASE,
            first,
        )

    def say(self, template: str, **fields: Any) -> None:
        """This policy holds for the template from now on."""
        self.policies[template] = policy("service", **fields)
        self.build()

    def examine(
        self, room: int = 10, now: datetime = NOON, slots: dict[str, int] = SLOTS, **more: Any
    ) -> tuple[int, list[Claim]]:
        return self.claimer.claim(self.connection, now, room, lambda shop: slots, **more)

    def claim(self, **more: Any) -> list[str]:
        """The keys of what is claimed."""
        return [claim.message.key for claim in self.examine(**more)[1]]

    def one(self, **more: Any) -> Claim:
        (claim,) = self.examine(**more)[1]
        return claim

    def outbox(self, *columns: str) -> list[tuple[Any, ...]]:
        return rows(self.connection, tables.outbox, "key", *columns)

    def counted(self, outcome: str) -> float:
        labels = {"shop": SHOP_ID, "outcome": outcome}
        return self.metrics.registry.get_sample_value("xiaoer_messages_total", labels) or 0.0


@pytest.fixture
def place(connection: Connection) -> Place:
    return Place(connection)


# Which message of a buyer


@pytest.mark.parametrize(("weightier", "lighter"), list(pairwise(sorted(PRIORITY, key=PRIORITY.__getitem__))))
def test_of_a_buyers_due_messages_the_one_of_the_smaller_priority_goes_first(
    place: Place, weightier: str, lighter: str
) -> None:
    queue(place.connection, "lighter", category=lighter, due_at=NOON - MINUTE)
    queue(place.connection, "weightier", category=weightier)
    assert place.claim() == ["weightier"]


def test_of_one_priority_the_longest_due_goes_first_and_then_the_first_decided_on(place: Place) -> None:
    queue(place.connection, "late")
    queue(place.connection, "early", due_at=NOON - MINUTE)
    assert place.claim() == ["early"]
    queue(place.connection, "first", "second", buyer="bob")
    assert place.claim() == ["first"]


def test_first_things_go_first_however_long_the_others_are_due(place: Place) -> None:
    save(place.connection, order("1"))
    for buyer, *names in (("ann", *FIRST), ("bob", FIRST[1])):
        queue(place.connection, f"paid {buyer}", buyer=buyer, order="1", due_at=NOON - MINUTE)
        for name in names:
            queue(place.connection, f"{name} {buyer}", buyer=buyer, order="1", template=name)
    assert place.claim() == ["order_confirmation ann", "restored bob"]


def test_a_buyer_gets_one_message_at_a_time(place: Place) -> None:
    queue(place.connection, "a", "b")
    queue(place.connection, "c", buyer="bob")
    assert place.claim() == ["a", "c"]
    assert place.claim() == []
    assert place.outbox("state") == [("a", "sending"), ("b", "queued"), ("c", "sending")]


def test_what_is_not_due_yet_is_left_alone(place: Place) -> None:
    queue(place.connection, "k", due_at=NOON + timedelta(seconds=1))
    assert place.claim() == []
    assert place.claim(now=NOON + timedelta(seconds=1)) == ["k"]


def test_a_message_waits_while_an_event_about_its_order_is_not_handled(place: Place) -> None:
    queue(place.connection, "k", order="1")
    queue(place.connection, "l", buyer="bob", order="2")
    take(place.connection, completed("1"))
    examined, claims = place.examine()
    assert (examined, [claim.message.key for claim in claims]) == (1, ["l"])
    assert place.outbox("state", "try_at")[0] == ("k", "queued", NOON)


def test_what_nothing_came_of_holds_no_message_behind_it_up(place: Place) -> None:
    place.say("hello", why_outdated=lambda *_: Reason("order_paid"))
    old = [f"old {number}" for number in range(10)]
    queue(place.connection, *old, template="hello", due_at=NOON - MINUTE)
    queue(place.connection, "holds", "next")
    examined, claims = place.examine(room=20)
    assert (examined, [claim.message.key for claim in claims]) == (11, ["holds"])
    assert [state for _, state in place.outbox("state")] == ["sending", "queued", *["skipped"] * 10]


def test_nothing_of_a_buyer_overtakes_what_waits_for_an_event(place: Place) -> None:
    place.say("hello", why_outdated=lambda *_: Reason("order_paid"))
    queue(place.connection, "old", template="hello", due_at=NOON - MINUTE)
    queue(place.connection, "waits", order="1")
    queue(place.connection, "behind", order="2")
    take(place.connection, completed("1"))
    assert place.claim() == []
    assert [state for _, state in place.outbox("state")] == ["queued", "skipped", "queued"]


# Whose turn


def test_shops_take_turns(place: Place) -> None:
    for shop in (SHOP_ID, NEIGHBOUR):
        queue(place.connection, "a", shop=shop)
        queue(place.connection, "b", shop=shop, buyer="bob")
    served = [place.one(room=1).shop for _ in range(4)]
    assert served == [SHOP_ID, NEIGHBOUR, SHOP_ID, NEIGHBOUR]


def test_the_first_round_begins_behind_the_named_shop(place: Place) -> None:
    for shop in (SHOP_ID, NEIGHBOUR):
        queue(place.connection, "a", shop=shop)
    place.build(first=SHOP_ID)
    examined, claims = place.examine()
    assert (examined, [claim.shop for claim in claims]) == (2, [NEIGHBOUR, SHOP_ID])


def test_a_shop_without_settings_or_slots_is_passed_over(place: Place) -> None:
    for shop in (SHOP_ID, NEIGHBOUR, "gone"):
        queue(place.connection, "a", shop=shop)
    found = place.claimer.claim(place.connection, NOON, 10, lambda shop: {} if shop == SHOP_ID else SLOTS)
    assert [claim.shop for claim in found[1]] == [NEIGHBOUR]


def test_a_backlog_of_a_shop_without_settings_slows_nobody_down(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_messages, "BACKLOG", 5)
    queue(place.connection, *(f"old{number}" for number in range(9)), shop="gone", due_at=NOON - MINUTE)
    for number in range(9):
        queue(place.connection, f"k{number}", buyer=f"buyer{number}")
    assert place.examine()[0] == 9


def test_no_more_is_claimed_than_there_is_room_for(place: Place) -> None:
    for name in ("ann", "bob", "cy"):
        queue(place.connection, name, buyer=name)
    queue(place.connection, "a", shop=NEIGHBOUR)
    assert place.claim(room=2) == ["ann", "bob"]
    assert place.claim(room=0) == []
    assert place.claim(room=2) == ["a", "cy"]


def test_while_the_outbox_is_held_nothing_is_claimed(place: Place) -> None:
    queue(place.connection, "k")
    instance.hold(place.connection, "restored", NOON)
    assert place.examine() == (0, [])


def test_where_a_log_lies_in_front_what_it_knows_counts_as_now(place: Place) -> None:
    queue(place.connection, "a", due_at=NOON - HOUR)
    queue(place.connection, "b", buyer="bob", due_at=NOON)
    queue(place.connection, "c", shop=NEIGHBOUR)
    known = {SHOP_ID: NOON - MINUTE, NEIGHBOUR: None}
    claim = place.one(known=known.get)
    assert (claim.message.key, claim.message.at) == ("a", NOON - MINUTE)


# Free slots


def test_the_free_slots_of_a_channel_are_counted_down(place: Place) -> None:
    for name in ("ann", "bob", "cy"):
        queue(place.connection, name, buyer=name)
    examined, claims = place.examine(slots={"web": 1, "mail": 2})
    assert (examined, [claim.message.key for claim in claims]) == (3, ["ann"])
    assert place.outbox("state", "try_at", "facts")[2] == ("cy", "queued", NOON, None)
    assert place.counted("send") == 1


def test_a_channel_without_a_free_slot_stops_no_other(place: Place) -> None:
    save(place.connection, chat("bob", last_in_at=NOON))
    queue(place.connection, "a")
    queue(place.connection, "b", buyer="bob")
    assert place.claim(slots={"web": 0, "telegram": 5}) == ["b"]
    assert place.claim(slots={"telegram": 5}) == []
    assert place.claim(slots={"web": 1}) == ["a"]


def test_what_waits_for_a_full_channel_keeps_nothing_from_another(place: Place) -> None:
    for number in range(12):
        buyer = f"buyer {number}"
        save(place.connection, ann(id=buyer), chat(buyer, address=f"{number}", last_in_at=NOON))
        queue(place.connection, f"full {number:02}", buyer=buyer, due_at=NOON - MINUTE)
    ask(place.connection, SHOP_ID, buyer_records.add_identities({("web", "dan@web"): "dan"}))
    save(place.connection, ann(id="dan"))
    queue(place.connection, "free", buyer="dan")
    full = {"web": 4, "telegram": 0, "mail": 0}

    rounds = [place.examine(slots=full) for _ in range(4)]

    assert [examined for examined, _ in rounds] == [4, 4, 4, 1]
    assert [claim.message.key for claim in rounds[-1][1]] == ["free"]
    assert place.claim(slots=full) == []
    assert len(place.claim(room=20, slots={"web": 0, "telegram": 20})) == 12


def test_the_slots_that_were_handed_in_stay_as_they_are(place: Place) -> None:
    queue(place.connection, "a")
    slots = {"web": 1}
    place.claim(slots=slots)
    assert slots == {"web": 1}


# What becomes of it


def test_what_is_claimed_is_in_hand_with_the_text_that_is_about_to_leave(place: Place) -> None:
    queue(place.connection, "k")
    claim = place.one()
    ((row),) = place.connection.execute(tables.outbox.select()).all()
    assert (row.state, row.lease_until, row.reason) == ("sending", NOON + LEASE, None)
    assert (row.channel, row.address, row.text) == ("web", "ann@web", THANKS)
    assert (row.version, row.facts) == (claim.version, claim.facts)
    assert msgspec.json.decode(row.facts)["ways"] == ["web"]
    version = CATALOGUE.resolve("thanks", "en").id
    assert (claim.shop, claim.id, claim.attempts, claim.category) == (SHOP_ID, row.id, 0, "service")
    assert (claim.channel, claim.buyer, claim.version) == ("web", "ann", version)


def test_a_message_knows_all_that_its_channel_needs(place: Place) -> None:
    save(place.connection, ann(name="Ann", locale="zh-CN"))
    queue(place.connection, "k", order="1", buttons=(("Yes", "yes"),))
    message = place.one().message
    ((id,),) = rows(place.connection, tables.outbox, "id")
    assert (message.id, message.shop, message.shop_name) == (message_name(SHOP_ID, id), SHOP_ID, "Mug House")
    assert (message.key, message.template, message.order, message.at) == ("k", "thanks", "1", NOON)
    assert (message.address, message.buyer_id, message.buyer_name) == ("ann@web", "ann@web", "Ann")
    assert (message.text, message.locale) == (THANKS, "en")  # as it was decided, whatever they read now
    assert (message.buttons, message.stop_url) == ((("Yes", "yes"),), None)
    queue(place.connection, "l", buyer="bob")
    assert (place.one().message.buttons, place.outbox("attempts")[0]) == ((), ("k", 0))


@pytest.mark.parametrize(
    ("category", "sent_as"), [("answer", "service"), ("service", "service"), ("payment", "payment")]
)
def test_an_answer_is_sent_as_service(place: Place, category: str, sent_as: str) -> None:
    queue(place.connection, "k", category=category)
    claim = place.one()
    assert (claim.message.category, claim.category) == (sent_as, category)


def test_what_must_not_be_sent_yet_is_held_with_the_reason(place: Place) -> None:
    save(place.connection, chat(human_until=NOON + MINUTE))
    queue(place.connection, "k")
    assert place.examine() == (1, [])
    why = dump(Reason("human_talks", {"until": NOON + MINUTE}))
    state = place.outbox("state", "try_at", "reason", "settled_at")
    assert state == [("k", "queued", NOON + MINUTE, why, None)]
    ((facts,),) = rows(place.connection, tables.outbox, "facts")
    assert msgspec.json.decode(facts)["human_until"] == "2026-11-21T04:01:00Z"
    assert (place.counted("hold"), place.counted("send")) == (1, 0)


def test_what_must_not_be_sent_at_all_is_skipped_with_the_reason(place: Place) -> None:
    place.say("hello", why_outdated=lambda *_: Reason("order_paid", {"order": "1"}))
    queue(place.connection, "k", template="hello", due_at=NOON - MINUTE)
    assert place.examine() == (1, [])
    why = dump(Reason("order_paid", {"order": "1"}))
    state = place.outbox("state", "try_at", "reason", "settled_at")
    assert state == [("k", "skipped", NOON - MINUTE, why, NOON)]
    ((facts,),) = rows(place.connection, tables.outbox, "facts")
    assert msgspec.json.decode(facts)["stopped"] is False
    assert rows(place.connection, tables.cases, "key") == []
    assert (place.counted("skip"), place.counted("failed")) == (1, 0)


def test_a_message_that_nobody_can_be_reached_by_opens_a_case(place: Place) -> None:
    place.build(kinds={"mail": "email"})
    queue(place.connection, "k")
    assert place.examine() == (1, [])
    assert place.outbox("state", "reason") == [("k", "skipped", dump(Reason("no_way")))]
    assert rows(place.connection, tables.cases, "key") == [("undeliverable:k",)]


def test_a_message_of_no_known_kind_is_skipped(place: Place) -> None:
    queue(place.connection, "k", template="cancelled")
    assert place.claim() == []
    why = {"template": "cancelled", "why": "no such moment"}
    assert place.outbox("state", "reason") == [("k", "skipped", dump(Reason("template_broken", why)))]


def test_a_promotion_may_have_words_of_its_own_but_no_policy_of_its_own(place: Place) -> None:
    queue(place.connection, "k", template="cancelled", category="promotion")
    place.policies[PROMOTION] = policy("promotion", why_outdated=lambda *_: Reason("offer_over"))
    place.build()
    assert place.claim() == []
    assert place.outbox("state", "reason") == [("k", "skipped", dump(Reason("offer_over")))]


def test_one_message_that_cannot_be_judged_fails_and_stops_no_other(place: Place) -> None:
    def broken(due: Any, facts: Any, now: Any) -> Reason | None:
        raise KeyError("k" * 1000)

    place.say("hello", why_outdated=broken)
    queue(place.connection, "bad", template="hello")
    queue(place.connection, "good", buyer="bob")
    assert place.claim() == ["good"]
    why = {"template": "hello", "why": ("KeyError: '" + "k" * 1000)[:300]}
    assert place.outbox("state", "reason", "settled_at") == [
        ("bad", "failed", dump(Reason("template_broken", why)), NOON),
        ("good", "sending", None, None),
    ]
    assert rows(place.connection, tables.cases, "key", "kind") == [("undeliverable:bad", "undeliverable")]
    assert (place.counted("failed"), place.counted("send")) == (1, 1)


def test_the_check_of_a_message_is_given_the_message_as_it_was_decided(place: Place) -> None:
    seen: list[Any] = []

    def check(due: Any, facts: Facts, now: datetime) -> Reason | None:
        seen.append((due, facts, now))
        return None

    place.say("hello", why_outdated=check)
    save(place.connection, order("1"))
    queue(
        place.connection,
        "k",
        template="hello",
        order="1",
        to="web:ann@web",
        values={"step": 2},
        due_at=NOON - MINUTE,
        lateness=DAY,
        now=NOON - HOUR,
    )
    place.claim()
    ((due, facts, now),) = seen
    assert (due.key, due.template, due.category, due.order, due.to) == (
        "k",
        "hello",
        "service",
        "1",
        "web:ann@web",
    )
    assert (due.due_at, due.created_at, due.lateness, due.values) == (
        NOON - MINUTE,
        NOON - HOUR,
        DAY,
        {"step": 2},
    )
    assert (facts.order, facts.buyer.id, facts.shop, facts.said, now) == (order("1"), "ann", SHOP, (), NOON)


def test_a_message_that_looks_back_knows_what_was_said(place: Place) -> None:
    seen: list[Facts] = []
    place.say("hello", looks_back=True, why_outdated=lambda due, facts, now: seen.append(facts))
    save(place.connection, order("1"))
    queue(place.connection, "k", template="hello", order="1")
    place.claim()
    assert [said.key for said in seen[0].said] == ["k"]


# Words


def words(place: Place, source: str, name: str = "thanks", own: bool = True) -> None:
    """One message whose pinned words are these."""
    version = Version(id="v", locale="en", name=name, source=source, own=own)
    ask(place.connection, SHOP_ID, outbox.keep_versions([version]))
    queue(place.connection, "k")
    place.connection.execute(update(tables.outbox).values(version="v", template=name))


def test_the_words_are_those_that_were_pinned_when_it_was_decided(place: Place) -> None:
    words(place, "Cheers, {{ buyer.name }}.")
    assert place.one().message.text == "Cheers, Ann."


def test_where_the_sellers_words_are_broken_ours_are_used(place: Place) -> None:
    words(place, "{{ no.such.name }}")
    claim = place.one()
    assert (claim.message.text, claim.version) == (THANKS, CATALOGUE.resolve("thanks", "en").id)


def test_where_there_are_no_words_the_message_fails(place: Place) -> None:
    words(place, "{{ no.such.name }}", name="gone")
    assert place.examine() == (1, [])
    ((key, state, reason),) = place.outbox("state", "reason")
    why = msgspec.json.decode(reason)
    assert (key, state, why["code"], why["values"]["template"]) == ("k", "failed", "template_broken", "gone")
    assert why["values"]["why"].startswith("en/gone.txt")


def test_a_subject_goes_with_mail_only(place: Place) -> None:
    words(place, "Subject: Thanks\nYou are welcome.")
    assert place.one().message.text == "You are welcome."
    save(place.connection, ann(id="dan", email="dan@example.com", mailbox="dan@example.com"))
    queue(place.connection, "l", buyer="dan")
    place.connection.execute(update(tables.outbox).where(tables.outbox.c.key == "l").values(version="v"))
    assert place.one().message.text == "Subject: Thanks\nYou are welcome."


def test_every_buyer_gets_a_link_to_stop_and_the_seller_none(place: Place) -> None:
    shop = Shop(**{**dict(SHOP), "seller": {"email": "me@example.com"}})
    place.build(shop=shop, public_url="https://shop.example")
    queue(place.connection, "k")
    queue(place.connection, "l", buyer=SELLER)
    urls = {claim.buyer: claim.message.stop_url for claim in place.examine()[1]}
    token = TOKENS.token("stop", SHOP_ID, "web", "ann@web", "en")  # of the address that the message goes to
    assert urls == {"ann": f"https://shop.example/stop/{token}", SELLER: None}


def test_an_offer_says_under_its_text_how_to_stop(place: Place) -> None:
    place.build(public_url="https://shop.example")
    queue(place.connection, "k", category="promotion")
    message = place.one().message
    assert message.stop_url is not None
    assert message.stop_url in message.text


@pytest.mark.parametrize(
    ("opens", "about", "linked"), [(True, "1", True), (False, "1", False), (True, None, False)]
)
def test_a_message_that_opens_a_chat_carries_the_link_to_its_order(
    place: Place, opens: bool, about: str | None, linked: bool
) -> None:
    place.policies["thanks"] = policy("service", opens_chat=opens)
    place.build(bots={SHOP_ID: "mug_bot"})
    words(place, "Open {{ link or 'nothing' }}")
    place.connection.execute(update(tables.outbox).values(order_id=about))
    token = TOKENS.token("chat", SHOP_ID, "1", address_mark("web", "ann@web"))
    wanted = f"Open https://t.me/mug_bot?start={token}" if linked else "Open nothing"
    assert place.one().message.text == wanted


def test_at_the_cap_of_a_day_the_next_message_is_held(place: Place) -> None:
    place.build(shop=Shop(**{**dict(SHOP), "limits": Limits(per_day=1)}))
    sent = NOON + MINUTE - DAY
    queue(place.connection, "a")
    place.connection.execute(update(tables.outbox).values(state="sent", settled_at=sent, text="x"))
    queue(place.connection, "b")
    assert place.claim() == []
    assert place.outbox("state", "try_at")[1] == ("b", "queued", NOON + MINUTE)
