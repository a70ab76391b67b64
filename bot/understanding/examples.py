"""Reads example sentences from YAML: a starter set of ours, and a seller's file laid over it."""

import json
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import msgspec
import yaml

from bot.understanding.folding import comparable

LOCALES = ("en", "zh-CN", "zh-TW")
MOST = 5000  # sentences in a seller's file
BIGGEST = 1_000_000  # bytes of a seller's file
LONGEST = 300  # characters of a sentence

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Example(msgspec.Struct, frozen=True):
    text: str
    intent: str


class FaultyExamples(ValueError):
    """A file of examples cannot be used. The code and its values are of a sentence in operator.yaml.

    `line`: counted from 1, None if it is the file as a whole.
    """

    def __init__(self, code: str, line: int | None = None, **values: object) -> None:
        super().__init__(code if line is None else f"line {line}: {code}")
        self.code, self.line, self.values = code, line, values


def starters() -> tuple[Example, ...]:
    """The sentences that come with the program, of all languages: buyers mix them."""
    folder = resources.files("bot.understanding").joinpath("examples")
    texts = (folder.joinpath(f"{locale}.yaml").read_text("utf-8") for locale in LOCALES)
    return tuple(example for text in texts for example in read(text))


def sellers(path: Path) -> tuple[Example, ...]:
    """The sentences of a seller's file. Raises FaultyExamples."""
    try:
        if path.stat().st_size > BIGGEST:
            raise FaultyExamples("large", kilobytes=BIGGEST // 1000)
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FaultyExamples("not_text") from error
    except OSError as error:
        raise FaultyExamples("unreadable", why=error.strerror) from error
    found = read(text)
    if len(found) > MOST:
        raise FaultyExamples("too_many", most=MOST)
    return found


def laid_over(starter: Sequence[Example], own: Sequence[Example]) -> tuple[Example, ...]:
    """Both together. What the seller files under an intent, the starter set no longer says of another."""
    taken = {comparable(each.text) for each in own}
    return (*(each for each in starter if comparable(each.text) not in taken), *own)


def read(text: str) -> tuple[Example, ...]:
    """Read intents with their sentences. Raises FaultyExamples for the first thing that is wrong."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        raise FaultyExamples("not_yaml", line, problem=error.problem or "") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FaultyExamples("not_yaml", problem=type(error).__name__) from error
    if root is None:
        return ()
    if not isinstance(root, yaml.MappingNode):
        raise FaultyExamples("not_intents", root.start_mark.line + 1)
    known: dict[str, str] = {}
    return tuple(example for name, sentences in root.value for example in _intent(name, sentences, known))


def _intent(name: yaml.Node, sentences: yaml.Node, known: dict[str, str]) -> Iterator[Example]:
    line = name.start_mark.line + 1
    if not isinstance(name, yaml.ScalarNode) or not _NAME.fullmatch(name.value):
        raise FaultyExamples("intent_name", line)
    if not isinstance(sentences, yaml.SequenceNode):
        raise FaultyExamples("no_list", line, intent=name.value)
    for sentence in sentences.value:
        yield _example(name.value, sentence, known)


def _example(intent: str, node: yaml.Node, known: dict[str, str]) -> Example:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise FaultyExamples("no_sentence", line)
    if len(node.value) > LONGEST:
        raise FaultyExamples("sentence_long", line, most=LONGEST)
    plain = comparable(node.value)
    if known.setdefault(plain, intent) != intent:
        raise FaultyExamples("under_two", line, sentence=node.value, intent=known[plain])
    return Example(" ".join(node.value.split()), intent)


def with_sentence(text: str, intent: str, sentence: str) -> str:
    """A file's text with one more sentence of an intent. Raises FaultyExamples if that cannot be read.

    What the seller wrote stays as it is.
    """
    line = f"  - {json.dumps(sentence, ensure_ascii=False)}\n"
    found = re.search(rf"(?m)^{re.escape(intent)}:[ \t]*(?:#[^\n]*)?\n(?=([ \t]*)- )", text)
    if found:
        line = found[1] + line.lstrip()
        text = text[: found.end()] + line + text[found.end() :]
    else:
        begin = text if not text or text.endswith("\n") else f"{text}\n"
        text = f"{begin}{intent}:\n{line}"
    read(text)
    return text
