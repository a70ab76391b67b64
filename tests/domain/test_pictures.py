"""A picture is what a person can open; nothing is fetched to find out."""

import pytest

from bot.domain.events import Media
from bot.domain.pictures import LARGEST, pictures_in


@pytest.mark.parametrize(
    ("type", "size", "is_one"),
    [
        *(("image/jpeg", 120_000, True), ("image/PNG; q=1", None, True), (None, None, True), (None, 5, True)),
        *(("image/heic", LARGEST, True), ("image/heic", LARGEST + 1, False), ("image/jpeg", 0, False)),
        *(("image/svg+xml", 10, False), ("audio/ogg", 10, False), ("application/pdf", 10, False)),
        *(("video/mp4", 10, False), ("", 10, False), ("image/jpeg", -1, False)),
    ],
)
def test_type_and_size_decide(type: str | None, size: int | None, is_one: bool) -> None:
    media = Media(ref="f1", type=type, size=size)

    assert pictures_in([media]) == ((media,) if is_one else ())
