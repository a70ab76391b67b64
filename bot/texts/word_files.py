"""Load the YAML files of words beside the templates: seller.yaml and operator.yaml of a locale."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def load_words(locale: str, name: str) -> dict[str, Any]:
    """Read one file, once. `locale` is one of LOCALES, `name` is "seller.yaml" or "operator.yaml"."""
    text = files("templates").joinpath(locale, name).read_text(encoding="utf-8")
    words: dict[str, Any] = yaml.safe_load(text)
    return words
