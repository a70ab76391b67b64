"""How buyers are called."""

import pytest

from bot.channels import contacts


@pytest.mark.parametrize(
    ("first", "last", "whole"),
    [
        ("可欣", "陈", "陈可欣"),
        ("怡君", "陳", "陳怡君"),
        ("太郎", "山田", "山田太郎"),
        ("민지", "김", "김민지"),
        ("Clara", "Hughes", "Clara Hughes"),
        ("Amy", "陳", "Amy 陳"),
        (" Ann ", None, "Ann"),
        (None, "陈", "陈"),
        ("", " ", None),
    ],
)
def test_a_name_is_written_as_its_owner_writes_it(
    first: str | None, last: str | None, whole: str | None
) -> None:
    assert contacts.full_name(first, last) == whole
