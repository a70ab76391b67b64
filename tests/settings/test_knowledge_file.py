"""A knowledge file is read entry by entry: what is wrong is told by line and mend, and the rest is used."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.shop import LOCALES
from bot.settings.knowledge_file import BIGGEST, read, read_file

GOOD = """
gift_wrap:
  questions:
    - Do you gift wrap?
    - 可以包装成礼物吗？
  answer:
    en: Yes, {{ seller.name }} does.
    zh-CN: 可以的。
  product: [MUG-1, 42]
  from: 2026-12-01
  until: 2026-12-24
  short: wrap
opening:
  questions:
    - Are you open?
  answer: |
    Yes.
    Every day.
"""


def test_a_file_says_what_is_asked_and_what_is_answered_where_and_when() -> None:
    found = read(GOOD, "en-GB")

    assert found.faults == ()
    wrap, opening = (each.entry for each in found.entries)
    assert wrap.questions == ("Do you gift wrap?", "可以包装成礼物吗？")
    assert wrap.answers == {"en": "Yes, {{ seller.name }} does.", "zh-CN": "可以的。"}
    assert (wrap.products, wrap.short) == (("MUG-1", "42"), "wrap")
    assert (wrap.since, wrap.until) == (date(2026, 12, 1), date(2026, 12, 24))
    assert opening.answers == {"en-GB": "Yes.\nEvery day."}
    assert found.entries[0].lines == {"en": 7, "zh-CN": 8}


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("a:\n  questions: [b]\n  answer：c\n", 3, "wide_colon"),
        ("a:\n\tquestions: [b]\n", 2, "tab"),
        ("- a\n", 1, "not_entries"),
        ("a: b\n", 1, "entry_form"),
        ("A B:\n  questions: [b]\n  answer: c\n", 1, "entry_name"),
        ("a:\n  questions: [b]\n  answr: c\n  answer: d\n", 3, "unknown_key_near"),
        ("a:\n  questions: [b]\n  xyz: c\n  answer: d\n", 3, "unknown_key"),
        ("a:\n  answer: c\n", 1, "no_questions"),
        ("a:\n  questions: b\n  answer: c\n", 2, "no_list"),
        ("a:\n  questions:\n    - b\n    -\n  answer: c\n", 4, "no_question"),
        ("a:\n  questions: [b]\n", 1, "no_answer"),
        ("a:\n  questions: [b]\n  answer:\n    en:\n", 4, "no_answer"),
        ("a:\n  questions: [b]\n  answer:\n    english: c\n", 4, "answer_language"),
        ("a:\n  questions: [b]\n  answer: c\nd:\n  questions: [B]\n  answer: e\n", 5, "asked_twice"),
        ("a:\n  questions: [b]\n  answer: c\n  from: soon\n", 4, "day"),
        ("a:\n  questions: [b]\n  answer: c\n  from: 2026-02-01\n  until: 2026-01-01\n", 5, "ends_before"),
        ("a:\n  answer: c\n  short: two words\n", 3, "short_form"),
        ("a:\n  answer: c\n  short: x\nb:\n  answer: d\n  short: X\n", 6, "short_twice"),
        ("a:\n  questions: [b]\n  answer: c\n  product: {x: y}\n", 4, "product_name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_how_to_mend_it(text: str, line: int, code: str) -> None:
    found = read(text, "en")

    assert [(fault.line, fault.code) for fault in found.faults] == [(line, code)]
    assert all(fault.said(locale) for fault in found.faults for locale in LOCALES)


def test_what_is_whole_is_used_beside_what_is_not() -> None:
    found = read("a:\n  questions: [b]\nc:\n  questions: [d]\n  answer: e\n", "en")

    assert [each.entry.id for each in found.entries] == ["c"]
    assert [fault.code for fault in found.faults] == ["no_answer"]


def test_a_file_that_is_not_there_says_nothing_and_one_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "knowledge.yaml"
    assert read_file(file, "en") == read("# only comments\n", "en") == read("", "en")
    for content, code in ((b"\xff\xfe\x00", "not_text"), (b"#" * (BIGGEST + 1), "large")):
        file.write_bytes(content)
        assert [fault.code for fault in read_file(file, "en").faults] == [code]


@given(st.text(max_size=300))
def test_any_text_is_entries_or_faults(text: str) -> None:
    found = read(text, "en")
    assert all(fault.line >= 1 and fault.said("en") for fault in found.faults)
