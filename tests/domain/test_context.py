"""What a handler may know of a buyer, a chat and a case."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.context import Buyer, Case, Context, Conversation
from bot.domain.shop import Shop
from bot.domain.wishes import NOTHING_SAID

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def known(buyer: Buyer | None = None, chat: Conversation | None = None) -> Context:
    return Context(
        now=NOW, shop_id="mugs", shop=Shop(name="Mug House", locale="en"), buyer=buyer, conversation=chat
    )


def test_the_buyers_language_comes_before_the_shops() -> None:
    assert known().locale == "en"
    assert known(Buyer(id="b")).locale == "en"
    assert known(Buyer(id="b", locale="zh-CN")).locale == "zh-CN"


@pytest.mark.parametrize(("until", "talks"), [(None, False), (NOW, False), (NOW + HOUR, True)])
def test_a_person_talks_until_the_end_of_the_takeover(until: datetime | None, talks: bool) -> None:
    chat = Conversation(channel="telegram", address="42", buyer="b", human_until=until)
    assert known(chat=chat).human_talks is talks
    assert (known().human_talks, chat.name) == (False, "telegram:42")


def test_a_case_is_open_until_it_is_closed() -> None:
    case = Case(number=1, kind="human", key="k", reason="asked", opened_at=NOW)
    assert case.open
    assert not Case(number=1, kind="human", key="k", reason="asked", opened_at=NOW, closed_at=NOW).open


@pytest.mark.parametrize(
    ("blocked_at", "last_in_at", "unblocked_at", "blocked"),
    [
        (None, None, None, False),
        (None, NOW, NOW, False),
        (NOW, None, None, True),
        (NOW, NOW - HOUR, NOW - HOUR, True),
        (NOW, NOW, None, True),
        (NOW, NOW + HOUR, None, False),
        (NOW, None, NOW + HOUR, False),
    ],
)
def test_a_chat_is_blocked_until_they_write_or_take_the_block_back(
    blocked_at: datetime | None, last_in_at: datetime | None, unblocked_at: datetime | None, blocked: bool
) -> None:
    chat = Conversation(
        channel="telegram",
        address="42",
        buyer="b",
        blocked_at=blocked_at,
        last_in_at=last_in_at,
        unblocked_at=unblocked_at,
    )
    assert chat.blocked is blocked


def test_a_chat_of_which_nothing_is_known_wants_what_everybody_wants() -> None:
    assert known().standing == NOTHING_SAID
    assert (known().standing.stopped, known().standing.agrees) == (False, None)
