"""Words for operators: alike in every language, none missing, none unused; `xiaoer check` in one language."""

import ast
import re
import string
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic_core.core_schema import ErrorType

from bot.cli import main
from bot.domain.errors import TemplateError
from bot.domain.meanings import INTENTS
from bot.domain.shop import LOCALES, Shop
from bot.settings.faults import SAME_AS
from bot.texts import operator_words
from bot.texts.faults import as_fault, recognise
from bot.texts.languages import nearest_language, system_language
from bot.texts.samples import samples
from bot.texts.situations import ENDING, JOINT, PAYING, SENDING
from bot.texts.template_engine import Compiled, TemplateEnvironment
from handlers.routes import POLICIES

ROOT = Path(__file__).parents[2]
OF_PYDANTIC = set(get_args(ErrorType))
SECTIONS = ("settings", "commands", "csv_import", "statements", "templates", "examples")

# Who makes faults, by the name that is called, and the place of the code among the arguments.
CALLS = {
    "settings": {"wrong": 0, "Fault": 1},
    "commands": {"say": 0},
    "csv_import": {"BadCell": 0, "BadLine": 2, "Note": 0, "blame": 1},
    "statements": {"BadCell": 0, "BadLine": 2, "NotCamt": 0},
    "templates": {"TemplateFault": 0},
    "examples": {"FaultyExamples": 0},
}


@cache
def words_of(locale: str) -> dict[str, dict[str, str]]:
    text = files("templates").joinpath(locale, "operator.yaml").read_text("utf-8")
    loaded: dict[str, dict[str, str]] = yaml.safe_load(text)
    return loaded


@cache
def sources(section: str) -> tuple[ast.Module, ...]:
    """The modules in which a section's codes stand."""
    folders = {
        "settings": ("",),
        "commands": ("commands",),
        "csv_import": ("csv_import",),
        "statements": ("statements",),
        "templates": ("",),
        "examples": ("understanding",),
    }
    files = (file for folder in folders[section] for file in (ROOT / "bot" / folder).rglob("*.py"))
    return tuple(ast.parse(file.read_text("utf-8")) for file in files)


def called(section: str) -> set[str]:
    """Every code that is written out where a fault or a sentence is made."""
    found = set()
    for tree in sources(section):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            place = CALLS[section].get(ast.unparse(node.func).removeprefix("row.").removeprefix("self."))
            if place is None or len(node.args) <= place:
                continue
            code = node.args[place]
            parts = {
                id(part) for each in ast.walk(code) if isinstance(each, ast.JoinedStr) for part in each.values
            }
            constants = (each for each in ast.walk(code) if isinstance(each, ast.Constant))
            found |= {each.value for each in constants if id(each) not in parts}  # no half of f"held_{why}"
    return found


def mentioned(section: str) -> tuple[set[str], set[str]]:
    """All text constants, and the beginnings of all f-strings: codes stand in tables, too."""
    constants, beginnings = set(), set()
    for tree in sources(section):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                constants.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginnings.add(str(node.values[0].value))
    return constants, beginnings


# The same in every language


def test_every_language_has_the_same_sections_and_codes_in_the_same_order() -> None:
    english = words_of("en")

    for locale in LOCALES:
        words = words_of(locale)
        assert list(words) == list(english)
        for section in english:
            assert list(words[section]) == list(english[section]), (locale, section)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_a_text_with_the_same_values_as_in_english(locale: str) -> None:
    for section, sentences in words_of("en").items():
        for code, sentence in sentences.items():
            ours = words_of(locale)[section][code]
            assert isinstance(ours, str), (section, code)
            assert ours.strip(), (section, code)
            assert values_in(ours) == values_in(sentence), (section, code)


def values_in(sentence: str) -> set[str]:
    """The names in braces. Raises ValueError where they cannot be filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


# Used and there


@pytest.mark.parametrize("section", SECTIONS)
def test_every_code_that_is_used_has_a_sentence(section: str) -> None:
    used = called(section)

    assert len(used) > 10
    assert used - set(words_of("en")[section]) - OF_PYDANTIC == set()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_sentence_is_used(section: str) -> None:
    constants, beginnings = mentioned(section)
    if section == "settings":
        constants |= OF_PYDANTIC
    beginnings = {each for each in beginnings if each.endswith("_")}

    unused = {
        code
        for code in words_of("en")[section]
        if code not in constants and not any(code.startswith(beginning) for beginning in beginnings)
    }

    assert unused == set()


def test_mistakes_that_are_reported_alike_have_a_sentence() -> None:
    assert set(SAME_AS.values()) <= set(words_of("en")["settings"])


def test_every_meaning_has_words() -> None:
    assert list(words_of("en")["intents"]) == [*INTENTS, "resume", "no_offers"]


def test_every_sample_has_a_label_in_words() -> None:
    shop = Shop(name="Tea")
    labels = {label for name in ("hello", "order_confirmation") for label, _ in samples(name, shop, POLICIES)}
    parts = {part for label in labels for part in label.split(JOINT)}

    assert {name for kind in (PAYING, SENDING, ENDING) for name, _ in kind} <= parts
    assert parts <= set(words_of("en")["samples"])


# Errors of Jinja


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{% fi %}", "unknown_tag"),
        ("{% if a %}{% fi %}", "wrong_tag"),
        ("{% if a %}", "end_missing"),
        ("{% for a in b %}", "end_missing"),
        ("{{ a b }}", "expected"),
        ("{{ (a }}", "expected"),
        ("{{ a", "expected_at_end"),
        ("{{ }}", "expression_missing"),
        ("{{ a ? }}", "unexpected"),
        ("{{ a %}", "unexpected"),
        ("{{ a | mony }}", "no_filter"),
        ("{{ 1 if a is odder }}", "no_test"),
        ("{# a", "open_comment"),
        ("{% raw %}a", "open_raw"),
        ("{% %}", "tag_name"),
        ("{{ nobody }}", "undefined"),
        ("{{ a.b }}", "not_here"),
        ("{{ none.b }}", "asked_of_empty"),
        ("{% set 1 = 2 %}", "other"),
    ],
)
def test_an_error_of_jinja_is_recognised_by_its_text(source: str, code: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Compiled(TemplateEnvironment("en"), "en/hello.txt", source).fill({"a": {}})

    fault = as_fault(caught.value)
    assert (fault.code, fault.where, fault.line) == (code, "en/hello.txt", 1)
    assert "{" not in fault.said("zh-CN").replace("{%", "").replace("{#", "")


def test_a_text_that_is_not_known_is_kept_in_brackets() -> None:
    assert "(strange things)" in recognise("strange things").said("en")
    assert "（strange things）" in recognise("strange things").said("zh-CN")


# One language from the first line to the last

FAULTY = {
    "zh-CN/hello.txt": "{{ buyer.nmae }}",
    "zh-CN/shipped.txt": "{% if order.total %}",
    "zh-CN/delivered.txt": "{{ order.total | money }}{{ order.total }}",
    "zh-CN/cancelled.txt": "Subject: 只有标题",
    "zh-CN/reassurance.txt": "{{ buyer.name | money }}",
    "zh-CN/review_request.txt": "{{ order.number + 1 }}",
    "zh-CN/review_thanks.txt": "{{ shop.name() }}",
    "zh-CN/stop_line.txt": "再见",
    "zh-CN/helo.txt": "您好",
    "zh-CN/delayed.txt": "{{ order.number | mony }}",
    "zh-TW/hello.txt": "{% fi %}",
    "zh-TW/refunded.txt": "{% set 1 = 2 %}",
    "no language/hello.txt": "nuqneH",
}
SENTENCE = re.compile(r"[A-Za-z]+(?:[ ,;]+[A-Za-z]+){3,}")  # four English words in a row


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XIAOER_LANG", "zh-CN")
    assert main(["init", str(tmp_path / "shop"), "--locale", "zh-CN"]) == 0
    for name, text in FAULTY.items():
        file = tmp_path / "shop" / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (tmp_path / "shop" / "templates" / "en").mkdir(exist_ok=True)
    (tmp_path / "shop" / "templates" / "en" / "hello.txt").write_bytes(b"\xff\xfe\xff")
    return tmp_path / "shop" / "config.yaml"


def test_check_of_a_chinese_shop_speaks_chinese_only(
    faulty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert main(["check", "--config", str(faulty)]) == 1

    lines = capsys.readouterr().out.splitlines()
    files_named = {name for name in (*FAULTY, "en/hello.txt") if any(name in line for line in lines)}
    assert files_named == {*FAULTY, "en/hello.txt"}
    assert [line for line in lines if not re.search(r"[\u4e00-\u9fff]", line)] == []
    spoken = [line.replace(str(faulty.parent), "") for line in lines]
    foreign = [line for line in spoken if SENTENCE.search(line) and "refunded.txt" not in line]
    assert foreign == []  # in refunded.txt an error of Jinja's that has no translation stands in brackets


def test_preview_of_a_broken_template_speaks_chinese_only(
    faulty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert main(["preview", "shipped", "--config", str(faulty)]) == 1
    assert main(["preview", "shiped", "--config", str(faulty)]) == 2

    err = capsys.readouterr().err
    assert "zh-CN/shipped.txt:1: " in err
    assert "shipped？" in err
    assert not SENTENCE.search(err)


# Whose language


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "zh_TW.UTF-8"}, "zh-TW"),
        ({"LANG": "zh_HK"}, "zh-TW"),
        ({"LANG": "de_DE@euro"}, "en"),
        ({"XIAOER_LANG": "zh-TW", "LANG": "en_GB.UTF-8"}, "zh-TW"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_of_the_system_is_the_nearest_we_have(environ: dict[str, str], language: str) -> None:
    assert system_language(environ) == language


def test_a_reader_of_another_language_reads_english() -> None:
    assert nearest_language("pt-BR") == "en"
    assert operator_words.say("settings", "missing", nearest_language("pt-BR"), {}) == "must be set"
