"""What a platform says it holds and is owed, read showing by showing."""

from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.domain.payments import Balance, Shown
from bot.domain.platform_balance import in_turn
from tests.handlers.world import PLACED, hours


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


class Platform:
    """A shop system that keeps its own balance: what it tells, and what is true of it."""

    def __init__(self) -> None:
        self.total = self.owed = 12800
        self.came = self.back = 0

    def change(self, what: str, minor: int) -> None:
        match what:
            case "pays":
                paid = min(minor, max(0, self.owed))
                self.came, self.owed = self.came + paid, self.owed - paid
            case "edited":
                self.total, self.owed = self.total + minor, self.owed + minor
            case "removed and back":  # the total falls by it, and what is held too
                back = min(minor, self.came - self.back, self.total)
                self.total, self.back = self.total - back, self.back + back
            case "back, and outstanding again":
                back = min(minor, self.came - self.back)
                self.owed, self.back = self.owed + back, self.back + back
            case "back by the way":  # neither the total nor what is outstanding knows of it
                self.back += min(minor, self.came - self.back)

    def shown(self, hour: int) -> Shown:
        at = PLACED + hours(hour)
        if not self.back:
            return Shown(at, gbp(self.total), gbp(self.came))
        net = self.total - self.owed
        sure = max(0, min(net + self.back, 12800))
        return Shown(at, gbp(self.total), gbp(sure), balance=Balance(net, self.back, self.owed))


CHANGES = st.tuples(
    st.sampled_from(
        ["pays", "pays", "edited", "removed and back", "back, and outstanding again", "back by the way"]
    ),
    st.sampled_from([1000, 2200, 2800, 10000, 12800]),
)


@given(changes=st.lists(CHANGES, max_size=8))
@example([("pays", 12800), ("removed and back", 2800), ("edited", 2800), ("pays", 2800)])
@example([("pays", 12800), ("edited", 2200), ("pays", 2200), ("edited", -2200), ("removed and back", 2200)])
@example([("pays", 10000), ("back, and outstanding again", 1000), ("pays", 12800)])
@example([("pays", 10000), ("back by the way", 1000), ("removed and back", 2200), ("pays", 12800)])
def test_what_was_paid_is_known_whether_or_not_refunds_lower_the_total(
    changes: list[tuple[str, int]],
) -> None:
    platform = Platform()
    shown, true = [platform.shown(0)], [0]
    for hour, (what, minor) in enumerate(changes, start=1):
        platform.change(what, minor)
        shown.append(platform.shown(hour))
        true.append(platform.came)

    assert [each.paid for each in in_turn(tuple(shown))] == [gbp(minor) for minor in true]


def asks(*changes: tuple[str, int]) -> bool:
    platform = Platform()
    shown = [platform.shown(0)]
    for hour, (what, minor) in enumerate(changes, start=1):
        platform.change(what, minor)
        shown.append(platform.shown(hour))
    last = in_turn(tuple(shown))[-1].balance
    return last is not None and last.asks


def test_what_a_refund_made_outstanding_is_asked_of_nobody_and_an_edit_after_it_is() -> None:
    assert not asks(("pays", 12800), ("back, and outstanding again", 1000))
    assert not asks(("pays", 10000), ("back, and outstanding again", 1000))
    assert not asks(("pays", 12800), ("removed and back", 2800))
    assert asks(("pays", 12800), ("removed and back", 2800), ("edited", 2800))
    assert asks(("pays", 10000), ("back by the way", 1000))


def test_one_showing_alone_says_what_it_says_itself() -> None:
    alone = Shown(PLACED, gbp(12800), gbp(12800), balance=Balance(10000, 2800, 2800))

    assert in_turn((alone,)) == (alone,)
    assert in_turn(()) == ()
