"""Files of orders that are imported: what they show, and when."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tests.outside import imports
from tests.outside.drafts import HOUR, STARTS, Draft
from tests.outside.facts import Contact, Delivered, Paid, Placed, Shipped

ORDER = Draft(
    channel=imports.CHANNEL,
    id="2301",
    number="2301",
    contact=Contact(name="Annabel", email="ann@example.com", phone="+447700905678"),
    locale="en",
    placed_at=STARTS + HOUR,
    currency="GBP",
    price=Decimal("20.00"),
)


def test_a_file_shows_no_more_than_what_has_happened_by_its_time() -> None:
    for seed in range(60):
        for sent in imports.imported(random.Random(seed), ORDER):
            assert sent.at >= STARTS
            assert all(fact.at <= sent.at for fact in sent.delivery.facts)


def test_files_of_all_states_are_drawn() -> None:
    drawn = [sent for seed in range(60) for sent in imports.imported(random.Random(seed), ORDER)]
    kinds = {type(fact) for sent in drawn for fact in sent.delivery.facts}
    assert {Placed, Paid, Shipped, Delivered} <= kinds
    assert any(sent.delivery.facts[0].at - ORDER.placed_at > timedelta(days=5) for sent in drawn)


def test_a_file_names_the_buyer_whom_its_facts_name() -> None:
    known = replace(ORDER, contact=replace(ORDER.contact, buyer="7000"))
    for draft, named in ((ORDER, False), (known, True)):
        for sent in imports.imported(random.Random(0), draft):
            assert ("7000" in sent.delivery.body["file"]) is named
