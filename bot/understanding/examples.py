"""Reads example sentences from YAML: a starter set of ours, and a seller's file laid over it."""

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import yaml

from bot.understanding.folding import comparable
from bot.understanding.model import Example

LOCALES = ("en", "zh-CN", "zh-TW")
MOST = 5000  # sentences in a seller's file
BIGGEST = 1_000_000  # bytes of a seller's file
LONGEST = 300  # characters of a sentence

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class FaultyExamples(ValueError):
    """A file of examples cannot be used. `line`: counted from 1, None if it is the file as a whole."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.problem, self.line = problem, line


def starters() -> tuple[Example, ...]:
    """The sentences that come with the program, of all languages: buyers mix them."""
    folder = resources.files("bot.understanding").joinpath("examples")
    texts = (folder.joinpath(f"{locale}.yaml").read_text("utf-8") for locale in LOCALES)
    return tuple(example for text in texts for example in read(text))


def sellers(path: Path) -> tuple[Example, ...]:
    """The sentences of a seller's file. Raises FaultyExamples."""
    try:
        if path.stat().st_size > BIGGEST:
            raise FaultyExamples(f"larger than {BIGGEST // 1000} kB")
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise FaultyExamples("not written in UTF-8") from error
    except OSError as error:
        raise FaultyExamples(f"cannot be read: {error.strerror}") from error
    found = read(text)
    if len(found) > MOST:
        raise FaultyExamples(f"more than {MOST} sentences")
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
        raise FaultyExamples(error.problem or "not YAML", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FaultyExamples("not YAML") from error
    if root is None:
        return ()
    if not isinstance(root, yaml.MappingNode):
        raise FaultyExamples("intents with lists of sentences are expected", root.start_mark.line + 1)
    known: dict[str, str] = {}
    return tuple(example for name, sentences in root.value for example in _intent(name, sentences, known))


def _intent(name: yaml.Node, sentences: yaml.Node, known: dict[str, str]) -> Iterator[Example]:
    line = name.start_mark.line + 1
    if not isinstance(name, yaml.ScalarNode) or not _NAME.fullmatch(name.value):
        raise FaultyExamples("an intent is named by small letters, digits and _", line)
    if not isinstance(sentences, yaml.SequenceNode):
        raise FaultyExamples(f"{name.value} wants a list of sentences", line)
    for sentence in sentences.value:
        yield _example(name.value, sentence, known)


def _example(intent: str, node: yaml.Node, known: dict[str, str]) -> Example:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise FaultyExamples("a sentence is expected", line)
    if len(node.value) > LONGEST:
        raise FaultyExamples(f"a sentence of more than {LONGEST} characters", line)
    plain = comparable(node.value)
    if known.setdefault(plain, intent) != intent:
        raise FaultyExamples(f"“{node.value}” stands under {known[plain]} as well", line)
    return Example(" ".join(node.value.split()), intent)
