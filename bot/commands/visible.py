"""Show control characters in outsiders' words instead of letting a terminal obey them.

Left in, C0 and C1 controls (ESC, CSI U+009B) move the cursor, set the window's title or clear the screen, and
bidirectional ones (U+202E) show a text in another order than it is kept.
"""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# FSI and PDI are ours: `quote` isolates right-to-left names with them. A terminal has no use for them.
_ISOLATES = re.compile("[\u2068\u2069]")
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """The text with each of them as an escape; line ends and tabs stay."""
    return _OBEYED.sub(_escape, _ISOLATES.sub("", text))


def visible_json(document: str) -> str:
    """JSON that means the same, with each of them as an escape of JSON's."""
    return _OBEYED.sub(_escape, document)


def _escape(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


class VisibleConsole(Console):
    """A console whose own colours stay, and whatever else is printed is made visible."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))
