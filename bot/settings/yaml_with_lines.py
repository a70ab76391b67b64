"""Read YAML with the line of every key, and without guessing at what a scalar means.

YAML 1.1 reads 22:00 as 1320, `no` as false and 007 as 7. Here only whole numbers, decimals,
true, false and null are more than text; a key is always text and may not be repeated.
"""

import re
from typing import Any

import msgspec
import yaml

from bot.settings.faults import Fault, Path

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

# A setting's name with the colon that an input method for Chinese writes. Values may have such colons.
_WIDE_COLON = re.compile(r"\s*(?:- *)?[a-z_][a-z0-9_-]*\s*：")

# A quotation mark that opens a value and is not closed in its line.
_OPEN_QUOTE = re.compile(r"""\s*(?:- *)?(?:[^\s#'":][^#'":]*:\s+)?(["'])(?:(?!\1).)*""")

_DEPTH = 30  # groups in groups; the settings need eight
_REPEATS = 10_000  # values that aliases may repeat; ten lines of aliases could make a thousand million
_DEEP = "nested too deeply, or a letter that is none"

# PyYAML's messages, and the code of the seller's mistake behind each.
_COMPLAINTS = (
    ("mapping values are not allowed", "colon"),
    (r"character '\t'", "tab"),
    ("cannot start any token", "sign"),
    ("undefined alias", "sign"),
    ("could not find expected ':'", "no_colon"),
    ("found unexpected end of stream", "open_quote"),
    ("did not find expected", "indentation"),
    ("expected <block end>", "indentation"),
    ("expected ',' or", "indentation"),
)


class Document(msgspec.Struct, frozen=True):
    """`lines` has the line of each path, counted from 1."""

    data: Any
    lines: dict[Path, int]
    faults: tuple[Fault, ...] = ()


class _Loader(yaml.SafeLoader):
    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """PyYAML looks at every open bracket for each sign: thousands of them would take minutes."""
        if self.flow_level > _DEPTH:
            raise RecursionError
        super().fetch_flow_collection_start(token)


def read(text: str) -> Document:
    """Parse the text; `faults` has what is wrong with its form."""
    tab = re.search(r"^ *\t+ *[^\s#]", text, re.MULTILINE)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        complaint = _complaint(error, tab and 1 + text.count("\n", 0, tab.start()))
        sure = _wide_colon(text, complaint) or _open_quote(text, complaint)
        return Document(None, {}, (sure or complaint,))
    except yaml.reader.ReaderError as error:
        line = 1 + text.count("\n", 0, error.position)
        return Document(None, {}, (Fault((), "not_text", line=line),))
    except (RecursionError, ValueError, OverflowError):  # which PyYAML does not turn into errors of its own
        return Document(None, {}, (Fault((), "not_yaml", {"problem": _DEEP}, 1),))
    if node is None:
        return Document(None, {})
    reader = _Reader(text)
    data = reader.read(node, ())
    return Document(data, reader.lines, tuple(reader.faults))


def _complaint(error: yaml.MarkedYAMLError, tab: int | None) -> Fault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    if tab is not None and line is not None and tab <= line:
        return Fault((), "tab", line=tab)
    problem = error.problem or ""
    code = next((code for words, code in _COMPLAINTS if words in problem), "not_yaml")
    if code == "open_quote" and error.context_mark:
        line = error.context_mark.line + 1  # where the quotation began
    return Fault((), code, {"problem": problem}, line)


def _open_quote(text: str, complaint: Fault) -> Fault | None:
    """The last quotation that was opened above and ends in no line of its own, where YAML sees no more than
    that something does not fit."""
    lines = text.splitlines()[: complaint.line] if complaint.code == "indentation" else []
    opened = [number for number, line in enumerate(lines, 1) if _OPEN_QUOTE.fullmatch(line)]
    return Fault((), "open_quote", line=opened[-1]) if opened else None


def _wide_colon(text: str, complaint: Fault) -> Fault | None:
    """The full-width colon that made YAML complain, there or in a later line."""
    lines = text.splitlines()[: complaint.line]
    wide = [number for number, line in enumerate(lines, 1) if _WIDE_COLON.match(line)]
    return Fault((), "wide_colon", line=wide[-1]) if wide else None


class _Reader:
    """Walks the nodes of one document, collecting lines and faults."""

    def __init__(self, text: str) -> None:
        self._text = text.splitlines()
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []
        self._seen: set[int] = set()
        self._repeats = 0

    def read(self, node: yaml.Node, path: Path, above: tuple[yaml.Node, ...] = ()) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node in above:  # an alias to a node that contains it
            self.faults.append(Fault(path, "not_yaml", {"problem": "endless alias"}))
            return None
        if len(path) > _DEPTH:
            self.faults.append(Fault(path[:_DEPTH], "not_yaml", {"problem": "nested too deeply"}))
            return None
        if self._too_many_repeats(node, path):
            return None
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path, (*above, node))
            case yaml.SequenceNode():
                entries = enumerate(node.value)
                return [self.read(entry, (*path, number), (*above, node)) for number, entry in entries]
            case yaml.ScalarNode():
                line = "".join(self._text[node.start_mark.line : node.start_mark.line + 1])
                if node.style is None and _WIDE_COLON.match(line):
                    self.faults.append(Fault(path, "wide_colon", line=node.start_mark.line + 1))
                return _scalar(node)
            case _:
                raise TypeError(f"YAML has no {type(node).__name__}")

    def _too_many_repeats(self, node: yaml.Node, path: Path) -> bool:
        """Whether aliases repeat too many values. Reported once; the rest is skipped."""
        self._repeats += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeats == _REPEATS:
            self.faults.append(Fault(path, "not_yaml", {"problem": "aliases that multiply"}))
            self._repeats += 1
        return self._repeats > _REPEATS

    def _mapping(self, node: yaml.MappingNode, path: Path, above: tuple[yaml.Node, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.faults.append(Fault(path, "not_yaml", {"problem": "a list as a name"}, line))
                continue
            name = str(key.value)
            if name in found:
                first = self.lines[(*path, name)]
                self.faults.append(Fault((*path, name), "duplicate", {"first": first}, line))
                continue
            self.lines[(*path, name)] = line
            found[name] = self.read(value, (*path, name), above)
        return found


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.style is not None:  # in quotes, or a block of text
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text) if len(text) < 40 else text
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
