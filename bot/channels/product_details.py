"""What platforms have in common where they tell of products."""

from collections.abc import Iterable

LONGEST_TEXT = 500  # characters of a detail, or of a title

SIZES = frozenset(("size", "sizes", "尺码", "尺寸", "尺碼", "规格", "規格", "大小"))
MATERIALS = frozenset(("material", "materials", "fabric", "材质", "材料", "面料", "材質", "質料"))


MOST_PIECES = 1_000_000  # more than anybody counts


def left_of(quantity: int | float) -> int:
    """A number of pieces as platforms tell it: below zero where more was sold than there was."""
    return int(max(0, min(quantity, MOST_PIECES)))


def detail(named: Iterable[tuple[str | None, Iterable[str]]], names: frozenset[str]) -> str | None:
    """The values of the first option that has one of these names, as one text."""
    for name, values in named:
        if name and name.strip().casefold() in names:
            return ", ".join(value.strip() for value in values if value.strip())[:LONGEST_TEXT] or None
    return None
