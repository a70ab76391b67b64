"""What silence would not do for, while a person's answer is awaited."""

import pytest

from handlers.awaited import only_waits, wants_answer


@pytest.mark.parametrize(
    "text", ["???", "？", "还在等", "在线等", "等了半天了", "還在等", "still waiting", "any news?"]
)
def test_what_only_waits(text: str) -> None:
    assert only_waits(text)


@pytest.mark.parametrize(
    "text", ["", "!", "wait, I have it", "等我付款", "I was waiting at the door for the parcel"]
)
def test_what_says_more_or_nothing(text: str) -> None:
    assert not only_waits(text)


@pytest.mark.parametrize(
    "text", ["能改成紫色吗", "急用", "明天就要", "can it be purple", "I need it by Friday", "why"]
)
def test_what_wants_an_answer(text: str) -> None:
    assert wants_answer(text)


@pytest.mark.parametrize("text", ["盒子是红色的", "my neighbour saw it", "oh and the lid"])
def test_what_is_only_told(text: str) -> None:
    assert not wants_answer(text)
