"""Prepare the data of a settings file for its types: refuse unknown names, fill in ${NAME}."""

from collections.abc import Mapping
from typing import Any

from rapidfuzz import process

from bot.settings.environment import REFERENCE, faults_of, fill
from bot.settings.faults import Fault, Path
from bot.settings.schema import Schema, below, choices, keys

ALIKE = 60  # of 100; below it a guess would be misleading


class SettingsReader:
    """Walks the data of one file, collecting `faults` and `written` (texts with ${NAME}, by path)."""

    def __init__(self, schema: Schema, environ: Mapping[str, str]) -> None:
        self._schema = schema
        self._environ = environ
        self.faults: list[Fault] = []
        self.written: dict[Path, str] = {}

    def read(self, data: dict[str, Any]) -> Any:
        return self._value(data, (), list(choices(self._schema, self._schema)))

    def _value(self, given: Any, path: Path, options: list[Schema]) -> Any:
        match given:
            case dict():
                return self._group(given, path, options)
            case list():
                return [
                    self._value(entry, (*path, place), below(options, place, self._schema, entry))
                    for place, entry in enumerate(given)
                ]
            case _ if any(option.get("writeOnly") for option in options):
                return self._secret(given, path)
            case str():
                return self._text(given, path)
            case _:
                return given

    def _group(self, given: dict[str, Any], path: Path, options: list[Schema]) -> dict[str, Any]:
        group: dict[str, Any] = {}
        takes_keys = any(option.get("type") == "object" for option in options)
        for key, value in given.items():
            inner = below(options, key, self._schema, value)
            if takes_keys and not inner:
                self.faults.append(_unknown((*path, key), keys(options)))
            elif value is not None:
                group[key] = self._value(value, (*path, key), inner)
            elif any(option.get("type") == "object" for option in inner):
                group[key] = {}  # `channels:` with everything below it commented out
        return group

    def _secret(self, given: Any, path: Path) -> Any:
        if isinstance(given, str) and REFERENCE.fullmatch(given):
            return self._text(given, path)
        self.faults.append(Fault(path, "secret_written"))
        return ""

    def _text(self, given: str, path: Path) -> str:
        self.faults += [Fault(path, code, values) for code, values in faults_of(given, self._environ)]
        if "${" in given:
            self.written[path] = given
        return fill(given, self._environ)

    def mask(self, path: Path, text: str) -> str:
        """Replace values from the environment by their ${NAME}, so that no error shows a secret."""
        for name in REFERENCE.findall(self.written.get(path, "")):
            value = self._environ.get(name, "")
            for shape in filter(None, (value, repr(value)[1:-1])):
                text = text.replace(shape, f"${{{name}}}")
        return text


def _unknown(path: Path, known: list[str]) -> Fault:
    near = process.extractOne(str(path[-1]), known, score_cutoff=ALIKE)
    if near is None:
        return Fault(path, "unknown_key")
    return Fault(path, "unknown_key_near", {"nearest": near[0]})
