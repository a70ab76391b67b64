"""What a seller wrote down is found by questions in other words, in any language, and not by other ones."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.knowledge import Entry
from bot.understanding.knowledge import LEAST, MOST, Knowledge, finder
from handlers.knowledge import LIKE_IT

DAY = date(2026, 12, 10)


def entry(id: str, *questions: str, until: date | None = None) -> Entry:
    return Entry(id=id, questions=questions, answers={"en": "Yes"}, until=until)


KNOWLEDGE = Knowledge(
    (
        entry("wrap", "Do you gift wrap?", "Can you wrap it as a present?", "可以包装成礼物吗？"),
        entry("xmas", "Are you open over Christmas?", "春节发货吗？", "过年期间还营业吗"),
        entry("micro", "Can it go in the microwave?", "可以放微波炉吗？"),
        entry("shop", "Do you have a physical shop?", "有实体店吗"),
        entry("past", "Is the summer sale on?", until=date(2026, 9, 1)),
    )
)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("could you wrap this as a present please", "wrap"),
        ("禮物包裝可以嗎", "wrap"),
        ("will you be open at christmas", "xmas"),
        ("春节期间发货吗", "xmas"),
        ("can I put this mug in a microwave", "micro"),
        ("能放微波炉里加热吗", "micro"),
        ("你们有实体店可以逛吗", "shop"),
    ],
)
def test_a_question_in_other_words_finds_its_entry(text: str, id: str) -> None:
    nearest = KNOWLEDGE.find(text, DAY)[0]
    assert (nearest.entry.id, nearest.similarity >= LIKE_IT) == (id, True)


@pytest.mark.parametrize(
    "text",
    [
        "where is my order",
        "有货吗",
        "可以便宜点吗",
        "how much is postage",
        "can I return it",
        "可以开发票吗",
        "",
        "?!",
    ],
)
def test_other_questions_find_nothing_that_is_near(text: str) -> None:
    assert all(known.similarity < LIKE_IT for known in KNOWLEDGE.find(text, DAY))


def test_what_does_not_hold_any_more_is_not_found() -> None:
    assert "past" not in [known.entry.id for known in KNOWLEDGE.find("Is the summer sale on?", DAY)]
    assert KNOWLEDGE.find("Is the summer sale on?", date(2026, 8, 1))[0].entry.id == "past"


def test_a_shop_without_a_file_knows_nothing() -> None:
    find = finder({"mugs": KNOWLEDGE, "empty": Knowledge(())})
    assert find("mugs", "Do you gift wrap?", DAY)[0].similarity > 0.99
    assert find("empty", "Do you gift wrap?", DAY) == find("teas", "Do you gift wrap?", DAY) == ()


@given(st.text(max_size=900))
def test_any_text_finds_a_bounded_number_of_entries_the_nearest_first(text: str) -> None:
    found = KNOWLEDGE.find(text, DAY)
    assert len(found) <= MOST
    assert [each.similarity for each in found] == sorted((each.similarity for each in found), reverse=True)
    assert all(LEAST <= each.similarity <= 1 for each in found)
