"""The language of segments: what it reads, and its mistakes by line and column with what was meant."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.segment_reading import MOST, named, read_segment, read_segments
from bot.domain.segments import (
    FIELDS,
    Ago,
    Amount,
    Either,
    Every,
    Flag,
    Known,
    Not,
    OnDay,
    OneOf,
    Segment,
    SegmentFault,
    Tree,
    leaves,
)
from bot.domain.shop import Shop
from bot.texts import operator_words


def read(text: Any, currency: str = "CNY") -> Tree:
    return read_segment(text, currency)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("orders >= 3", Amount(field="orders", text="orders >= 3", operator=">=", value=3)),
        ("spent ≥ 99.5", Amount(field="spent", text="spent ≥ 99.5", operator=">=", value=9950)),
        ("Agrees", Flag(field="agrees", text="Agrees")),
        ("unpaid = no", Flag(field="unpaid", text="unpaid = no", value=False)),
        ("unpaid != no", Flag(field="unpaid", text="unpaid != no", value=True)),
        ("city is unknown", Known(field="city", text="city is unknown", known=False)),
        ("tags has “大客户”", OneOf(field="tags", text="tags has “大客户”", values=("大客户",))),
        ("tier != gold", OneOf(field="tier", text="tier != gold", values=("gold",), negated=True)),
        ("bought MUG-1", OneOf(field="bought", text="bought MUG-1", values=(" mug 1 ",))),
        (
            "locale in [en, zh_CN，'zh-TW']",
            OneOf(field="locale", text="locale in [en, zh_CN，'zh-TW']", values=("en", "zh-cn", "zh-tw")),
        ),
        (
            "last_order in the\n  last 1 week",
            Ago(field="last_order", text="last_order in the last 1 week", count=1, unit="weeks", lately=True),
        ),
        (
            "last_contact more than 2 years ago",
            Ago(
                field="last_contact",
                text="last_contact more than 2 years ago",
                count=2,
                unit="years",
                lately=False,
            ),
        ),
        (
            "first_order < 2026-01-31",
            OnDay(field="first_order", text="first_order < 2026-01-31", operator="<", day=date(2026, 1, 31)),
        ),
        ('segment "regulars"', Segment(name="regulars")),
    ],
)
def test_a_condition_is_read(text: str, tree: Tree) -> None:
    assert read(text) == tree


def test_and_binds_stronger_than_or_and_not_strongest() -> None:
    a, u, o = (Flag(field=name, text=name) for name in ("agrees", "unpaid", "open_case"))

    assert read("agrees or not unpaid and open_case") == Either((a, Every((Not(u), o))))
    assert read("（agrees or unpaid） and open_case") == Every((Either((a, u)), o))
    assert read(("agrees or unpaid", "open_case")) == Every((Either((a, u)), o))
    assert read("not not agrees") == Not(Not(a))
    assert isinstance(read("tags not in [a]"), Not)


WRONG = [
    ("", "segment_empty", {}),
    ("ordrs > 3", "segment_field_near", {"line": 1, "column": 1, "nearest": "orders"}),
    ("agrees and\n xyzzy > 3", "segment_field", {"line": 2, "column": 2}),
    ("agrees an unpaid", "segment_rest", {"column": 8}),
    ("agrees and", "segment_end", {"column": 11}),
    ("(agrees", "segment_bracket", {"column": 1}),
    ("agrees)", "segment_no_open", {"column": 7}),
    ("orders", "segment_operator", {"field": "orders"}),
    ("orders > many", "segment_number", {"column": 10, "given": "'many'"}),
    ("orders > 1.5", "segment_whole", {}),
    ("spent > 1.555", "segment_decimals", {"currency": "CNY", "places": 2}),
    ("spent > 9999999999999999", "segment_large", {}),
    ("last_order > 2026-02-30", "segment_date", {}),
    ("last_order in last 3 days", "segment_lately", {"column": 15}),
    ("last_order in the last 3 moons", "segment_lately", {"column": 26}),
    ("last_order in the last 99999999 days", "segment_large", {}),
    ("agrees = maybe", "segment_flag", {}),
    ("city is lovely", "segment_known", {}),
    ("city in Berlin", "segment_list", {}),
    ("city in [Berlin, Rome", "segment_list", {}),
    ("city = !", "segment_sign", {"column": 8}),
    ('city = "Berlin', "segment_quote", {"column": 8}),
    ('bought "?!"', "segment_word", {}),
    ("city > Berlin", "segment_operator", {}),
    ("segment (agrees)", "segment_name", {}),
    ("orders > 3; DROP TABLE buyers", "segment_sign", {"column": 11}),
    ("not " * 30 + "agrees", "segment_deep", {}),
    (" or ".join(["agrees"] * (MOST + 1)), "segment_many", {}),
    ("agrees " * 1000, "segment_long", {}),
    ("city = \x00", "segment_sign", {}),
    ("city = \ud800", "segment_sign", {}),
    (("agrees", "orders >"), "segment_end", {"line": 2, "column": 9}),
    ((), "segment_empty", {}),
]


@pytest.mark.parametrize(("text", "code", "values"), WRONG)
def test_a_mistake_is_named_where_it_is(text: Any, code: str, values: dict[str, Any]) -> None:
    with pytest.raises(SegmentFault) as raised:
        read(text)

    assert raised.value.code == code
    assert {name: raised.value.values[name] for name in values} == values
    for locale in ("en", "zh-CN", "zh-TW"):
        assert "{" not in operator_words.say("settings", code, locale, raised.value.values)


def test_amounts_have_the_decimals_of_the_shops_currency() -> None:
    assert read("spent > 500", "JPY") == Amount(field="spent", text="spent > 500", operator=">", value=500)
    with pytest.raises(SegmentFault, match="segment_decimals"):
        read("spent > 500.5", "JPY")


pieces = st.sampled_from(
    [*FIELDS, "and", "or", "not", "in", "the", "last", "more", "than", "ago", "days", "has", "is", "known",
     "segment", "(", ")", "[", "]", ",", "=", ">=", "≠", "3", "2.50", "2026-01-01", '"x"', "'", "“", "-"]
)  # fmt: skip


@given(st.one_of(st.lists(pieces, max_size=25).map(" ".join), st.text(max_size=80)))
def test_whatever_is_written_is_read_or_refused_with_words_for_it(text: str) -> None:
    tree, said = _read_or_refused(text)

    assert tree is not None or said
    for leaf in leaves(tree) if tree else ():
        assert leaf.text in " ".join(text.split())
        assert leaf.field in FIELDS


def _read_or_refused(text: str) -> tuple[Tree | None, str]:
    try:
        return read(text), ""
    except SegmentFault as fault:
        return None, operator_words.say("settings", fault.code, "en", fault.values)


def test_the_page_about_segments_says_what_can_be_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "segments.md").read_text("utf-8")
    settings = yaml.safe_load(page.partition("```yaml")[2].partition("```")[0])
    shop = Shop(name="Mug House", **settings)
    quoted = set(re.findall("`([^`]+)`", re.sub("```.*?```", "", page, flags=re.DOTALL)))
    begins = (*FIELDS, "not", "segment")
    conditions = {text for text in quoted if " " in text and text.split()[0] in begins} - {
        "orders >= 3: yes (5)"
    }

    assert set(shop.segment_trees) == {"regulars", "asleep", "tea-lovers"}
    assert len(conditions) > 15
    for condition in conditions:
        named(read(condition), shop.segment_trees, shop.tier_names)
    assert set(FIELDS) <= quoted


# Segments that name others


def faults(**written: str) -> list[tuple[str, str]]:
    return [(name, fault.code) for name, fault in read_segments(written, "CNY", ("gold",))[1]]


def test_a_segment_may_name_others_but_not_itself_in_a_circle() -> None:
    assert faults(a="segment b and agrees", b="not segment c", c="orders > 1") == []
    assert faults(a="segment a") == [("a", "segment_circle")]
    assert faults(a="segment b", b="agrees or segment a") == [
        ("a", "segment_circle"),
        ("b", "segment_circle"),
    ]


def test_names_that_there_are_not_are_told_with_the_nearest() -> None:
    assert faults(regulars="agrees", a="segment regular") == [("a", "segment_unknown_near")]
    assert faults(a="segment xyzzy") == [("a", "segment_unknown")]
    assert faults(a="tier = golden", b="tier in [gold, tin]") == [
        ("a", "segment_tier_near"),
        ("b", "segment_tier"),
    ]
    assert faults(a="orders", b="segment a") == [("a", "segment_operator")]  # said once


def test_segments_that_name_each_other_twice_do_not_grow_without_end() -> None:
    doubling = {f"s{n}": f"segment s{n + 1} and segment s{n + 1}" for n in range(15)} | {"s15": "agrees"}
    assert ("s0", "segment_many") in faults(**doubling)

    chain = {f"s{n}": f"segment s{n + 1}" for n in range(40)} | {"s40": "agrees"}
    assert ("s0", "segment_many") in faults(**chain)


def test_a_tree_is_whole_once_it_is_looked_up() -> None:
    trees, found = read_segments({"a": "segment b or agrees", "b": "not unpaid"}, "CNY")
    tried = named(read("segment a and orders > 1"), trees, ())

    assert found == []
    assert [leaf.field for leaf in leaves(tried)] == ["unpaid", "agrees", "orders"]
