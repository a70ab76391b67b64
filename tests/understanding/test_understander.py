"""The model in use can be swapped, and before there is one a person reads everything."""

from bot.understanding.examples import Example
from bot.understanding.model import Model
from bot.understanding.outcomes import Thresholds
from bot.understanding.training import train
from bot.understanding.understander import Understander


def test_before_a_model_is_ready_everything_is_handed_over() -> None:
    nobody = Understander()

    assert not nobody.ready
    assert nobody.model is None
    assert nobody.understand("where is my order").outcome == "hand_over"


def test_a_swap_counts_from_the_next_message_on(small: Model) -> None:
    one = Understander()
    one.swap(small, Thresholds(answer=0.5))
    assert one.understand("where is my order").meanings[0].intent == "where_is_order"

    other = train([Example("where is my order", "lost"), Example("hello", "found")])
    one.swap(other, Thresholds(answer=0.5))

    assert one.model is other
    assert one.understand("where is my order").meanings[0].intent == "lost"


def test_thresholds_are_swapped_with_their_model(small: Model) -> None:
    one = Understander()
    one.swap(small, Thresholds(answer=0.999999, ask=0.999999))

    assert one.understand("where is my order").outcome == "hand_over"
