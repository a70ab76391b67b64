"""A size that is asked for, and whether an item comes in it."""

import pytest

from handlers.item_sizes import has, named_in


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("do you have it in XL?", "XL"),
        ("有S码吗", "S"),
        ("L號", "L"),
        ("那蓝色2XL呢", "2XL"),
        ("size 43?", "43"),
        ("有38码的吗", "38"),
        ("what's the price", None),
        ("S or M?", None),
        ("3 pairs", None),
    ],
)
def test_a_size_is_read(text: str, size: str | None) -> None:
    assert named_in(text) == size


@pytest.mark.parametrize(
    ("sizes", "wanted", "there"),
    [
        ("S, M", "XL", False),
        ("S、M、L、XL", "XL", True),
        ("M, XXL", "2XL", True),
        ("36-40, 41-45", "43", True),
        ("36-40", "43", False),
        ("42 cm high", "XL", None),
        ("S (160-165 cm), M", "S", True),
        ("one size", "43", None),
    ],
)
def test_an_item_has_it_or_not_or_nobody_knows(sizes: str, wanted: str, there: bool | None) -> None:
    assert has(sizes, wanted) is there
