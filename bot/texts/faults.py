"""What is wrong with a template: the code and values of its sentence in operator.yaml, and where it is."""

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.errors import TemplateError
from bot.texts import operator_words

# Texts that come without a code: Jinja's own, and those of the catalogue. The first match counts.
_TEXTS = tuple(
    (re.compile(pattern, re.DOTALL), code)
    for pattern, code in (
        (r"Encountered unknown tag '(?P<tag>\w+)'\..*closed is '(?P<open>\w+)'\.", "wrong_tag"),
        (r"Encountered unknown tag '(?P<tag>\w+)'\.", "unknown_tag"),
        (r"Unexpected end of template\..*closed is '(?P<open>\w+)'\.", "end_missing"),
        (r"unexpected end of template, expected '(?P<wanted>.+)'\.", "expected_at_end"),
        (r"expected token '(?P<wanted>.+)', got '(?P<given>.+)'", "expected"),
        (r"unexpected '(?P<given>.+)', expected '(?P<wanted>.+)'", "expected"),
        (r"Expected an expression, got '(?P<given>.+)'", "expression_missing"),
        (r"unexpected char (?P<given>.+) at \d+", "unexpected"),
        (r"unexpected (?P<given>'.+')", "unexpected"),
        (r"No filter named (?P<name>'.*')(?: found)?\.", "no_filter"),
        (r"No test named (?P<name>'.*')(?: found)?\.", "no_test"),
        (r"Missing end of comment tag", "open_comment"),
        (r"Missing end of raw directive", "open_raw"),
        (r"tag name expected", "tag_name"),
        (r"(?P<name>'.*') is undefined", "undefined"),
        (r"there is no (?P<name>'.*') here", "not_here"),
        (r"(?P<name>'.*') was asked of something empty; .*", "asked_of_empty"),
        (r"(?P<given>'.*') is not a language; .*", "not_a_language"),
        (r"it is not written in UTF-8; .*", "not_text"),
        (r"it cannot be read: (?P<why>.*)", "unreadable"),
        (r"it says nothing", "says_nothing"),
        (r"there is no template (?P<name>'.*'); did you mean (?P<nearest>.*)\?", "no_template_near"),
        (r"there is no template (?P<name>'.*')", "no_template"),
    )
)
_SIGNS = {"end of print statement": "}}", "end of statement block": "%}"}  # Jinja's names of them
_PLACE = re.compile(r"(?P<file>[^:\n]+\.txt)(?:, line (?P<line>\d+))?: (?P<text>.*)", re.DOTALL)


class TemplateFault(TemplateError):
    """A template error that can be put in any language. `where` is "zh-CN/shipped.txt", or empty.

    Its own text, for logs and records, is English and begins with the place.
    """

    def __init__(
        self, code: str, values: Mapping[str, Any] | None = None, where: str = "", line: int | None = None
    ) -> None:
        self.code, self.values, self.where, self.line = code, dict(values or {}), where, line
        place = f"{where}, line {line}: " if line else f"{where}: " if where else ""
        super().__init__(place + self.said("en"))

    def placed(self, where: str, line: int | None = None) -> "TemplateFault":
        """The same fault with its place."""
        return TemplateFault(self.code, self.values, where, line)

    def said(self, reader: str) -> str:
        """The fault as a sentence in the reader's language, one of LOCALES, without its place."""
        values = {name: _in_words(value, reader) for name, value in self.values.items()}
        return operator_words.say("templates", self.code, reader, values)


def as_fault(error: TemplateError) -> TemplateFault:
    """The error itself, or what its text means."""
    return error if isinstance(error, TemplateFault) else recognise(str(error))


def recognise(text: str) -> TemplateFault:
    """The fault that a text of Jinja's or of the catalogue's means, with its place if the text has one."""
    place = _PLACE.fullmatch(text)
    where, line = "", None
    if place:
        where, text = place["file"], place["text"]
        line = int(place["line"]) if place["line"] else None
    for pattern, code in _TEXTS:
        if found := pattern.fullmatch(text):
            values = {name: _SIGNS.get(value.strip("'"), value) for name, value in found.groupdict().items()}
            return TemplateFault(code, values, where, line)
    return TemplateFault("other", {"problem": text}, where, line)


def with_place(fault: TemplateFault, reader: str) -> str:
    """The fault's sentence after its place, as "zh-CN/shipped.txt:3: ..."."""
    line = f":{fault.line}" if fault.line else ""
    return f"{fault.where}{line}: {fault.said(reader)}" if fault.where else fault.said(reader)


def _in_words(value: Any, reader: str) -> Any:
    """A kind of value, as "str" or "Money", in the reader's language; anything else as it is."""
    if isinstance(value, str) and operator_words.has("kinds", value):
        return operator_words.say("kinds", value, reader, {})
    return value
