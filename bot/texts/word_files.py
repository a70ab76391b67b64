"""Load the YAML files of words beside the templates: seller.yaml and operator.yaml of a locale."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

# The one in C where there is one: it takes a tenth of the time, at each start.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def load_words(locale: str, name: str) -> dict[str, Any]:
    """Read one file, once. `locale` is one of LOCALES, `name` is "seller.yaml" or "operator.yaml"."""
    text = files("templates").joinpath(locale, name).read_text(encoding="utf-8")
    words: dict[str, Any] = yaml.load(text, Loader=LOADER)  # noqa: S506  # both are safe
    return words
