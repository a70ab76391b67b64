"""What complaints are about, and which of them go to the owner, in the words of buyers."""

import pytest

from handlers.causes import CAUSES, CONCERNS, cause_of, concern_of
from handlers.normalise import normalise


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        *(("杯子碎了一地", "damaged"), ("收到就破損了", "damaged")),
        ("the mug arrived broken", "damaged"),
        *(
            ("你们发错货了", "wrong_item"),
            ("寄錯了啦", "wrong_item"),
            ("this is the wrong size", "wrong_item"),
        ),
        *(("少发了一件", "missing"), ("有一個少寄", "missing"), ("the lid is missing", "missing")),
        *(
            ("等了十天还没收到", "late"),
            ("好久了", "late"),
            ("包裹五天沒動", "late"),
            ("I'm still waiting", "late"),
        ),
        *(("你们多收钱", "price"), ("I was charged twice", "price")),
        *(("质量太差了", "quality"), ("是假貨吧", "quality"), ("it's a fake", "quality")),
        *(("客服态度差", "service"), ("沒人回我", "service"), ("your staff were rude", "service")),
        *(("我要投诉", "other"), ("this is unacceptable", "other"), ("", "other")),
    ],
)
def test_the_cause_is_read_from_the_words(text: str, cause: str) -> None:
    assert cause_of(normalise(text)) == cause
    assert cause in CAUSES


@pytest.mark.parametrize(
    ("text", "concern"),
    [
        *(
            ("喝了以后拉肚子", "health"),
            ("用了會過敏", "health"),
            ("my son had an allergic reaction", "health"),
        ),
        *(("充电时冒烟了", "safety"), ("漏電了", "safety"), ("the lamp caught fire", "safety")),
        *(
            ("我要打12315", "law"),
            ("我會找消保會", "law"),
            ("I'll sue you", "law"),
            ("my lawyer will call", "law"),
        ),
        *(("我要曝光你们", "press"), ("我要找記者", "press"), ("I'm a journalist", "press")),
        *(("杯子碎了", None), ("issue with the price", None), ("I pressed the button", None), ("", None)),
    ],
)
def test_what_is_more_than_a_complaint_goes_to_the_owner(text: str, concern: str | None) -> None:
    assert concern_of(normalise(text)) == concern
    assert concern is None or concern in CONCERNS
