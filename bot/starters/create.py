"""Create a first shop: settings with every choice explained, fresh secrets, a folder for own templates."""

import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from string import Template

from bot.domain.errors import ConfigError
from bot.settings.faults import Fault, say

Random = Callable[[int], bytes]

SECRET_BYTES = 32
OWNER_ONLY = 0o600  # of secrets: read and written by their owner
IGNORED = ".env\n*.db\n*.db-*\nlearned/\n"


def create_shop(directory: Path, random: Random, locale: str = "en") -> list[Path]:
    """Write the files of a new shop; returns them. random(n): n unpredictable bytes.

    locale: en, zh-CN or zh-TW, the language of the explanations and of the sample shop.
    Raises ConfigError, naming them, if some of the files exist already; then none is written.
    """
    texts = {directory / name: text for name, text in _texts(random, locale).items()}
    there = [path for path in texts if path.exists() or path.is_symlink()]
    if there:
        names = ", ".join(str(path) for path in there)
        raise ConfigError(say(Fault((), "already_there", {"names": names}), locale))
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = OWNER_ONLY if path.name == ".env" else 0o666
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    return list(texts)


def _texts(random: Random, locale: str) -> dict[str, str]:
    folder = files("bot.starters") / locale
    secrets = {
        "secret": urlsafe_b64encode(random(SECRET_BYTES)).decode(),
        "webhook_secret": "whsec_" + b64encode(random(SECRET_BYTES)).decode(),
        "api_token": urlsafe_b64encode(random(SECRET_BYTES)).decode().rstrip("="),
    }
    return {
        "config.yaml": (folder / "config.yaml").read_text("utf-8"),
        ".env": Template((folder / "env").read_text("utf-8")).substitute(secrets),
        ".gitignore": IGNORED,
        "knowledge.yaml": (folder / "knowledge.yaml").read_text("utf-8"),
        "templates/README.md": (folder / "templates.md").read_text("utf-8"),
    }
