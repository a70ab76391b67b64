"""Read secrets from the environment and from a .env file beside the settings."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.settings.faults import Fault

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"(['\"])(.*)\1")


def read_env(file: Path) -> tuple[dict[str, str], list[Fault]]:
    """Read NAME=value lines; quotes around a value are removed, # begins a comment line."""
    found: dict[str, str] = {}
    faults: list[Fault] = []
    try:
        text = file.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError):
        return {}, [Fault((".env",), "not_text")]
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            faults.append(Fault((".env",), "env_line", line=number))
            continue
        quoted = _QUOTED.fullmatch(parts[2])
        found[parts[1]] = quoted[2] if quoted else parts[2]
    return found, faults


def fill(text: str, environ: Mapping[str, str]) -> str:
    """The text with every ${NAME} replaced; names that are missing stay as written."""
    return REFERENCE.sub(lambda name: environ.get(name[1], name[0]), text)


def faults_of(text: str, environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Codes and values of the faults in a text's ${NAME} references."""
    if "${" in REFERENCE.sub("", text):
        yield "env_form", {}
    for name in REFERENCE.findall(text):
        if name not in environ:
            yield "env_missing", {"name": name}
        elif not environ[name].strip():
            yield "env_empty", {"name": name}
