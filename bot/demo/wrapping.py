"""Text laid into columns: Chinese may break between any two signs, but not before a comma."""

import re

from rich.cells import cell_len

_WIDE = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_NEVER_FIRST = "，。、；：！？）」』”’》…·,.;:!?)"
_NEVER_LAST = "（「『“‘《("
_PIECE = re.compile(
    rf"\s+|[{_NEVER_LAST}]*(?:\d+[{_WIDE}]|[{_WIDE}]|[^\s{_WIDE}]+)[{re.escape(_NEVER_FIRST)}]*"
)


def wrap(text: str, width: int) -> list[str]:
    """Lines no wider than `width` cells; the text's own breaks stay."""
    return [line for paragraph in text.split("\n") for line in _wrap(paragraph, width)]


def _wrap(paragraph: str, width: int) -> list[str]:
    lines, line = list[str](), ""
    for piece in _PIECE.findall(paragraph):
        while cell_len(piece) > width:  # an address, most likely
            cut = _cut(piece, width - cell_len(line))
            lines.append(line + piece[:cut])
            line, piece = "", piece[cut:]
        if cell_len(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line, piece = "", piece.lstrip()
        line += piece
    return [*lines, line.rstrip()]


def _cut(piece: str, width: int) -> int:
    """How many signs of it fit; at least one, so that there is an end."""
    cut = len(piece)
    while cut > 1 and cell_len(piece[:cut]) > max(width, 1):
        cut -= 1
    return cut
