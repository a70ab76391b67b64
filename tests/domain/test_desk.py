"""What the seller writes in their own chat: commands and words, and any text whatever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.desk import HELP, DeskWord, read_word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("It left today", DeskWord("word", text="It left today")),
        ("two\nlines", DeskWord("word", text="two\nlines")),
        ("/case 12", DeskWord("show", 12)),
        ("/case #12", DeskWord("show", 12)),
        ("/case@tea_bot 12 done", DeskWord("done", 12)),
        ("/case 12 DONE we sent a new one", DeskWord("done", 12, "we sent a new one")),
        ("/case 12 refund 15.00", DeskWord("refund", 12, "", "15.00")),
        ("/case 12 refund 15,5 sorry", DeskWord("refund", 12, "sorry", "15,5")),
        ("/case 12 refund soon", HELP),
        ("/case 12 It left\ntoday", DeskWord("word", 12, "It left\ntoday")),
        ("/bot off", DeskWord("silent")),
        ("/bot on 12", DeskWord("speak", 12)),
        ("/say", DeskWord("replies")),
        ("/say wrap", DeskWord("say", text="wrap")),
        ("/say Wrap #12", DeskWord("say", 12, "Wrap")),
        *(
            (text, HELP)
            for text in ("", "  ", "/bot", "/bot maybe", "/case", "/case twelve", "/sing hi", "/say hi you")
        ),
    ],
)
def test_words_and_commands_are_told_apart(text: str, word: DeskWord) -> None:
    assert read_word(text) == word


@given(st.one_of(st.text(), st.text().map("/case ".__add__), st.text().map("/bot ".__add__)))
def test_any_text_is_read(text: str) -> None:
    word = read_word(text)

    assert word.case is None or 0 <= word.case < 10**9
