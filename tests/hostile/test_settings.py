"""Settings that mean it ill: a clear error in a moment, never a traceback and never minutes."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import load_config
from bot.domain.errors import ConfigError
from bot.domain.shop import parse_duration
from bot.settings import yaml_with_lines

LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 40))
HOSTILE = {
    "an alias bomb": LAUGHS,
    "a bomb of groups": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{b: *a{n - 1}, c: *a{n - 1}, d: *a{n - 1}}}\n" for n in range(1, 40)),
    "an alias to itself": "a: &a [*a]\n",
    "a merge of itself": "a: &a {<<: *a}\n",
    "deep lists": "a: " + "[" * 100_000,
    "deep closed lists": "a: " + "[" * 200 + "]" * 200,
    "deep groups": "a: " + "{b: " * 5000,
    "deep indentation": "".join(" " * n + f"k{n}:\n" for n in range(600)),
    "a tag of Python": "a: !!python/object/apply:os.system ['true']\n",
    "a tag of one's own": "!x a: !y [1]\n",
    "a letter that is none": 'a: "\\U00110000"\n',
    "half a letter": 'secret: "\\ud800"\nshops: {"\\ud800": {name: "\\udfff"}}\n',
    "an endless number": "body_limit: " + "9" * 100_000 + "\n",
    "an infinite number": "body_limit: 1e999\n",
    "an endless duration": "shops: {a: {takeover: " + "9" * 100_000 + "d}}\n",
    "a list as a name": "? [a, b]\n: c\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a strange version": "%YAML 9.9\n---\na: 1\n",
    "many names": "".join(f"k{n}: 1\n" for n in range(3000)),
    "control": "a: \x07\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_settings_end_in_mistakes_soon(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    began = time.process_time()

    with pytest.raises(ConfigError) as caught:
        load_config(file, {})

    assert caught.value.mistakes
    assert time.process_time() - began < 3


TOKENS = st.sampled_from(
    [
        *"[]{}:,-?&*!|>'\"%@`#~ \n\t",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "---\n",
        "shops",
        "a: ",
        "\\u",
        "${X}",
        "中",
    ]
)


@given(st.lists(TOKENS | st.text(max_size=4), max_size=60).map("".join))
def test_any_text_is_read_or_told_what_is_wrong_with_it(text: str) -> None:
    document = yaml_with_lines.read(text)

    assert document.faults or document.data is None or document.lines


@given(st.text(max_size=30) | st.from_regex(r"[0-9٠-٩]{1,5000}[smhdw]", fullmatch=True))
def test_any_text_is_a_duration_or_told_to_be_none(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        assert len(str(error)) < 300  # noqa: PT017  # whichever it is
        assert "digits" not in str(error)  # noqa: PT017
