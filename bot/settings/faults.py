"""What is wrong with the settings, brought to lines, keys and words."""

from collections.abc import Iterable, Mapping
from pathlib import Path as File
from typing import Any

from pydantic_core import ErrorDetails

from bot.domain.errors import ConfigError, Mistake
from bot.settings.mistakes import Fault, say
from bot.settings.reader import SettingsReader
from bot.settings.yaml_with_lines import Path


def from_pydantic(detail: ErrorDetails, data: Any, reader: SettingsReader, kinds: Iterable[str]) -> Fault:
    """The fault without anything that came from the environment."""
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
    values = {name: reader.mask(path, str(value)) for name, value in values.items()}
    return Fault(path, code, values, text=reader.mask(path, detail["msg"]))


def _path(detail: ErrorDetails, data: Any) -> Path:
    """Where in the file: pydantic's place without the names of the branches it tried."""
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
    return ConfigError("\n".join(_told(file, mistake) for mistake in mistakes), tuple(mistakes))


def _told(file: File, mistake: Mistake) -> str:
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
