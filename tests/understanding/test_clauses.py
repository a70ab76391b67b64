"""A message is taken apart where it may say a second thing."""

import pytest

from bot.understanding.clauses import MOST, asks_something, clauses_of, is_follow_up


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Thanks! But it's broken.", ("Thanks", "But it's broken")),
        ("钱收到了吗？今天发吗", ("钱收到了吗", "今天发吗")),
        ("你好，多少钱", ("你好", "多少钱")),
        ("it is 1,299.50 in all", ()),
        ("where is it", ()),
        ("nice cup but it leaks", ("nice cup", "it leaks")),
        ("how much is it and is it in stock", ("how much is it", "is it in stock")),
        ("and the other one", ()),
        ("多少钱 几天能到", ("多少钱", "几天能到")),
    ],
)
def test_clauses(text: str, clauses: tuple[str, ...]) -> None:
    assert clauses_of(text) == clauses


def test_a_long_message_has_no_more_clauses() -> None:
    assert len(clauses_of("ab. " * 100)) == MOST


@pytest.mark.parametrize(
    "text", ["那黑色呢？", "那大号的呢", "and the other one?", "what about blue", "红色呢"]
)
def test_a_follow_up_is_recognised(text: str) -> None:
    assert is_follow_up(text)


@pytest.mark.parametrize(
    "text", ["", "how about 15 for two", "where is it", "我的快递到哪了呢，都五天了，怎么回事"]
)
def test_a_question_of_its_own_is_no_follow_up(text: str) -> None:
    assert not is_follow_up(text)


def test_a_clause_asks_or_tells() -> None:
    asks = (
        "and when will it ship",
        "I want to return it",
        "还有能开发票吗",
        "青花杯多少錢",
        "我要退货",
        "幾天會到",
    )
    tells = ("I found it cheaper elsewhere", "the mug is broken", "东西收到了", "水壶有道裂纹")
    assert all(map(asks_something, asks))
    assert not any(map(asks_something, tells))
