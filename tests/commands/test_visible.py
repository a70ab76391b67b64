"""Outsiders' words on a terminal: shown, never obeyed."""

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from bot.commands import screen
from bot.commands.visible import VisibleConsole, visible, visible_json

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u2066\u200f\u2028\x85\x7f\rz"


def obeyed(text: str) -> set[str]:
    """Controls and format characters that a terminal acts upon; joiners and tags of emoji it does not."""
    harmless = {"\n", "\t", "\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\ufeff"}
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return {
        each
        for each in text
        if each not in harmless
        and (unicodedata.category(each) == "Cc" or unicodedata.bidirectional(each) in bidi)
    }


@given(st.text(max_size=200))
def test_nothing_that_a_terminal_obeys_is_left_and_json_means_the_same(text: str) -> None:
    written = visible_json(json.dumps(text, ensure_ascii=False))

    assert not obeyed(visible(text))
    assert not obeyed(written)
    assert json.loads(written) == text


@pytest.mark.parametrize("coloured", [True, False])
@pytest.mark.parametrize("kind", ["sentence", "text", "cells", "folded"])
def test_tables_and_sentences_show_it_and_keep_their_colours(kind: str, coloured: bool) -> None:
    file = io.StringIO()
    console = VisibleConsole(
        file=file,
        markup=False,
        force_terminal=coloured,
        width=30,
        color_system="standard" if coloured else None,
    )
    table = Table(box=None)
    table.add_column("x", overflow="fold")
    table.add_row(EVIL if kind == "cells" else Text(EVIL, style="bold"))
    console.print({"sentence": EVIL, "text": Text(EVIL, style="bold")}.get(kind, table), style="dim")
    shown = file.getvalue()

    left = obeyed(shown) - ({"\x1b"} if coloured else set())
    assert not left
    assert "owned" in shown
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert ("\x1b[" in shown) is coloured


def test_results_and_json_go_through_it(capsys: pytest.CaptureFixture[str]) -> None:
    screen.tell(EVIL)
    screen.show(Text(EVIL))
    screen.remark(EVIL)
    screen.show_json({"words": EVIL})
    shown = capsys.readouterr()

    assert not obeyed(shown.out + shown.err)
    assert "\\u202e" in shown.out


def test_a_name_written_from_right_to_left_stays_as_it_is() -> None:
    assert visible("\u2068מרים\u2069") == "מרים"
