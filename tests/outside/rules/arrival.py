"""Whatever the order of arrival, the same is said."""

from collections import Counter
from collections.abc import Iterator

from tests.outside import reading
from tests.outside.facts import Address
from tests.outside.history import Finding, History
from tests.outside.rules.sayings import shown


def any_order(history: History) -> Iterator[Finding]:
    """The same facts told in another order, before anything was said, leave the same messages (promise 4)."""
    other = history.others.get("another order")
    if other is None:
        return
    one, two = _said(history), _said(other)
    for kept, missing, where in ((one, two, "only as first told"), (two, one, "only in another order")):
        for (address, text), count in (kept - missing).items():
            sample = next(
                heard
                for each in (history, other)
                for heard in each.heard
                if (heard.address, reading.without_cases(heard.text)) == (address, text)
            )
            order = next(iter(history.orders_of(sample)), None)
            what = f"{address} hears this {where} ({count} times more)"
            yield Finding(rule="", when=sample.at, what=what, order=order, evidence=(shown(sample),))


def _said(history: History) -> Counter[tuple[Address, str]]:
    return Counter((heard.address, reading.without_cases(heard.text)) for heard in history.heard)
