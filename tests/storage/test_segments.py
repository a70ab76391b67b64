"""Segments: SQL and the plain reading agree on random conditions and random buyers, on both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert

from bot.domain.figures import BuyerFigures, as_compared
from bot.domain.segment_reading import read_segment
from bot.domain.segments import At, leaves, matches
from storage import figure_records, segments, tables, tier_records
from storage.database import make_engine
from storage.figure_records import Changes
from storage.tier_records import Decided

SHOP = "mugs"
NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
AT = At(now=NOW, zone=ZoneInfo("Asia/Shanghai"), close=timedelta(days=3))
DAYS = (0, 1, 29, 30, 31, 60, 90, 365, 366)
TITLES = ("Green Tea", "Steam iron", "blue mug, large", "蓝色马克杯", "")
SKUS = ("MUG-1", "tea", "", "蓝")
TAGS = ("wholesale", "批发", "it's 100%_off", "a")
CITIES = ("Berlin", "上海", "São Paulo")
TIERS = ("gold", "silver")
CHANNELS = ("shopify", "telegram", "web_1", "web-1")

moments = st.one_of(
    st.none(),
    st.builds(
        lambda days, more: NOW - timedelta(days=days) + more,
        st.sampled_from(DAYS),
        st.sampled_from((timedelta(0), timedelta(microseconds=1), -timedelta(microseconds=1))),
    ),
    st.integers(0, 400 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds)),
)
amounts = st.sampled_from((0, 1, 2, 3, 99, 100, 101, 15_000, 30_000))


@st.composite
def buyers(draw: st.DrawFn, name: str) -> tuple[BuyerFigures, str | None, tuple[bool, str | None]]:
    """A buyer's figures, the tier that is kept, and whether one was given, and which."""
    kept = draw(st.sampled_from((None, *TIERS)))
    given_, instead = draw(st.booleans()), draw(st.sampled_from((None, *TIERS)))
    orders, city = draw(st.integers(0, 4)), draw(st.sampled_from((None, *CITIES)))
    channels = draw(st.sets(st.sampled_from(CHANNELS)))
    things = draw(st.sets(st.tuples(st.sampled_from(SKUS), st.sampled_from(TITLES)), max_size=3))
    figures = BuyerFigures(
        buyer=name,
        orders=orders,
        spent_minor=draw(amounts) if orders else 0,
        refunds=draw(st.integers(0, 2)),
        refunded_minor=draw(amounts),
        first_order_at=draw(moments),
        last_order_at=draw(moments),
        unpaid_at=draw(moments),
        last_contact_at=draw(moments),
        agrees=draw(st.booleans()),
        locale=draw(st.sampled_from((None, "en", "en-gb", "zh-cn", "eng"))),
        city=as_compared(city).strip() if city else None,
        channels=f"|{'|'.join(sorted(channels))}|" if channels else "",
        tags=frozenset(draw(st.sets(st.sampled_from(TAGS)))),
        bought=tuple(sorted({(as_compared(sku), as_compared(title)) for sku, title in things})),
        open_case=draw(st.booleans()),
        tier=instead if given_ else kept,
    )
    return figures, kept, (given_, instead)


operators = st.sampled_from(("=", "!=", ">", ">=", "<", "<=", "≥", "≠"))
spans = st.builds("{} {}".format, st.sampled_from(DAYS), st.sampled_from(("days", "weeks")))
days = st.dates(date(2026, 10, 25), date(2026, 12, 1))


def words(field: str, values: tuple[str, ...], *, is_set: bool) -> st.SearchStrategy[str]:
    quoted = st.sampled_from(values).map(lambda value: f'"{value}"')
    several = st.lists(quoted, min_size=1, max_size=3).map(lambda those: f"{field} in [{', '.join(those)}]")
    one = st.builds(f"{field} {{}} {{}}".format, st.sampled_from(("=", "!=")), quoted)
    known = st.sampled_from((f"{field} is known", f"{field} is unknown"))
    return st.one_of(several, one, known, quoted.map(f"{field} has {{}}".format) if is_set else one)


conditions = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from(("orders", "refunds")), operators, st.integers(0, 4)),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(("spent", "refunded", "average")),
        operators,
        st.sampled_from(("0", "1", "0.99", "1.00", "100", "150.5", "75")),
    ),
    *(
        st.one_of(
            st.builds(f"{field} {{}} {{}}".format, operators, days),
            spans.map(f"{field} in the last {{}}".format),
            spans.map(f"{field} more than {{}} ago".format),
            st.sampled_from((f"{field} in the last 3 months", f"{field} is known", f"{field} is unknown")),
        )
        for field in ("first_order", "last_order", "last_contact")
    ),
    words("bought", ("tea", "mug", "green tea", "MUG-1", "马克", "蓝", "iron"), is_set=True),
    words("channel", CHANNELS, is_set=True),
    words("tags", (*TAGS[:2], "it's 100%_off", "b"), is_set=True),
    words("tier", TIERS, is_set=False),
    words("city", (*CITIES, "berlin"), is_set=False),
    words("locale", ("en", "zh", "zh-CN", "en_GB"), is_set=False),
    st.sampled_from(("agrees", "unpaid", "open_case", "agrees = no", "unpaid is no", "open_case = yes")),
    st.just("average is known"),
)
trees = st.recursive(
    conditions,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.lists(inner, min_size=2, max_size=3).map(lambda those: f"({' and '.join(those)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda those: f"({' or '.join(those)})"),
    ),
    max_leaves=8,
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 8).flatmap(lambda count: st.tuples(*(buyers(f"b{number}") for number in range(count)))),
    st.lists(trees, min_size=8, max_size=8),
)
def test_sql_and_the_plain_reading_agree(engine: Engine, drawn: Any, written: list[str]) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        keep(connection, drawn)
        found = segments.figures_of(connection, SHOP, [each.buyer for each, *_ in drawn], NOW)
        assert found == {each.buyer: each for each, *_ in drawn}
        for text in written:
            tree = read_segment(text, "CNY")
            expected = sorted(buyer for buyer, each in found.items() if matches(tree, each, AT)[0])
            assert segments.members(connection, SHOP, tree, AT, limit=100) == expected, text
            assert segments.count(connection, SHOP, tree, AT) == len(expected), text
            for each in found.values():
                because = {told.text for told in matches(tree, each, AT)[1]}
                assert because
                assert because <= {leaf.text for leaf in leaves(tree)}
        transaction.rollback()


def keep(connection: Connection, drawn: Any) -> None:
    ids = {
        pair: f"{number:012x}" for number, pair in enumerate({p for each, *_ in drawn for p in each.bought})
    }
    figure_records.save(
        connection,
        SHOP,
        Changes(
            saved=tuple(each for each, *_ in drawn),
            bought={each.buyer: frozenset(ids[pair] for pair in each.bought) for each, *_ in drawn},
            items={id: pair for pair, id in ids.items()},
        ),
    )
    case = {"shop": SHOP, "kind": "question", "reason": "r", "details": "{}", "opened_at": NOW}
    for number, (each, kept, (was_given, instead)) in enumerate(drawn, start=1):
        for place, tag in enumerate(sorted(each.tags)):
            note = {"shop": SHOP, "buyer": each.buyer, "id": place, "kind": "tag", "text": tag, "at": NOW}
            connection.execute(insert(tables.notes).values(note))
        closed = None if each.open_case else NOW
        row = {**case, "number": number, "key": f"k{number}", "buyer": each.buyer, "closed_at": closed}
        connection.execute(insert(tables.cases).values(row))
        rows = [{"kind": "given", "tier": "gold", "since": NOW - timedelta(days=9), "until": NOW}]
        if kept:
            tier_records.decided(connection, SHOP, [Decided(each.buyer, kept)], NOW)
        if was_given:
            until = NOW + timedelta(days=1) if number % 2 else None
            rows.append({"kind": "given", "tier": instead, "since": NOW, "until": until})
        for tier in rows:
            connection.execute(insert(tables.tiers).values({"shop": SHOP, "buyer": each.buyer, **tier}))
    stranger = msgspec.structs.replace(drawn[0][0], buyer="zoe")
    figure_records.save(connection, "another shop", Changes(saved=(stranger,)))


def test_what_a_seller_writes_is_never_sql(engine: Engine) -> None:
    text = "'; DROP TABLE figures; --"
    trees = [read_segment(f'{field} = "{text}"', "CNY") for field in ("tags", "city", "tier", "bought")]

    for tree in trees:
        compiled = segments.condition_of(tree, SHOP, AT).compile(engine)
        assert "drop" not in str(compiled).lower()
