"""What is wrong with the settings: faults with code, values and place, reported in the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as File
from typing import Any

import msgspec
from pydantic_core import ErrorDetails

from bot.domain.errors import ConfigError, Mistake
from bot.texts import operator_words

Path = tuple[str | int, ...]  # of a setting: ("shops", "teahouse", "name")

# pydantic has more kinds of errors than a seller needs sentences.
SAME_AS = {
    "int_parsing": "int_type",
    "int_from_float": "int_type",
    "int_parsing_size": "int_type",
    "decimal_type": "number",
    "decimal_parsing": "number",
    "float_type": "number",
    "float_parsing": "number",
    "finite_number": "number",
    "bool_parsing": "bool_type",
    "dict_type": "group",
    "model_type": "group",
    "model_attributes_type": "group",
    "tuple_type": "list",
    "list_type": "list",
    "union_tag_invalid": "kind_unknown",
    "union_tag_not_found": "kind_unknown",
}


class Fault(msgspec.Struct, frozen=True):
    """One fault: where in the settings, and the code and values of its sentence in operator.yaml."""

    path: Path
    code: str
    values: Mapping[str, Any] = {}
    line: int | None = None  # where it is not the line of `path`
    text: str = ""  # for codes of pydantic's that have no sentence


def say(fault: Fault, reader: str) -> str:
    """The fault as a sentence in the reader's language, one of LOCALES."""
    code = SAME_AS.get(fault.code, fault.code)
    if not operator_words.has("settings", code):
        return fault.text
    return operator_words.say("settings", code, reader, fault.values)


def from_pydantic(
    detail: ErrorDetails, data: Any, mask: Callable[[Path, str], str], kinds: Iterable[str]
) -> Fault:
    """An error of pydantic's as a fault. `mask` hides values that came from the environment."""
    path = _path(detail, data)
    code, values = detail["type"], dict(detail.get("ctx", {}))
    given = detail["input"]
    if code == "string_type" and isinstance(given, int | float) and not isinstance(given, bool):
        code = "quote_it"
    if code.startswith("union_tag"):
        path, values = (*path, "kind"), {"kinds": ", ".join(kinds)}
    if str(values.get("pattern", "")).startswith("^https?"):
        code = "web_address"
    if "expected" in values:
        values["expected"] = str(values["expected"]).replace(" or ", ", ")
    values = {name: mask(path, str(value)) for name, value in values.items()}
    return Fault(path, code, values, text=mask(path, detail["msg"]))


def _path(detail: ErrorDetails, data: Any) -> Path:
    """Where in the file: pydantic's location without the names of the union branches it tried."""
    path: Path = ()
    place = detail["loc"]
    for number, key in enumerate(place):
        if number == 4 and place[0] == "shops" and place[2] == "channels":
            continue  # the kind, as pydantic writes it after the channel's name
        if _has(data, key):
            path, data = (*path, key), data[key]
        elif detail["type"] == "missing" and number == len(place) - 1:
            path = (*path, key)
    return path


def _has(data: Any, key: str | int) -> bool:
    match data:
        case dict():
            return key in data
        case list():
            return isinstance(key, int) and key < len(data)
        case _:
            return False


def config_error(file: File, faults: Iterable[Fault], lines: Mapping[Path, int], reader: str) -> ConfigError:
    """All faults as one error, in the reader's language and in the order of the file."""
    mistakes = sorted(
        {Mistake(_line(fault, lines), _dotted(fault.path), say(fault, reader)) for fault in faults}
    )
    return ConfigError("\n".join(_with_place(file, mistake) for mistake in mistakes), tuple(mistakes))


def _with_place(file: File, mistake: Mistake) -> str:
    if mistake.path == ".env":
        return f".env:{mistake.line}: {mistake.text}"
    place = f"{mistake.path}: " if mistake.path else ""
    return f"{file.name}:{mistake.line}: {place}{mistake.text}"


def _line(fault: Fault, lines: Mapping[Path, int]) -> int:
    if fault.line is not None:
        return fault.line
    path = fault.path
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: Path) -> str:
    if path == (".env",):
        return ".env"
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
