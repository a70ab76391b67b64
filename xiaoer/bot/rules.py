"""What a shop decides, handed to the engine whole: it knows none of it."""

from collections.abc import Callable

import msgspec

from xiaoer.bot.router import Moment, Moments, Route
from xiaoer.bot.texts import Texts

PROMOTION = "vip_promotion"  # the moment whose rules hold for every promotion, whatever its template


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`numbers_in` finds what may be order numbers in a chat message; `order_of_link` (shop, text) the
    order that a signed link in it proves."""

    routes: tuple[Route, ...]
    moments: Moments
    texts: Texts
    numbers_in: Callable[[str], tuple[str, ...]]
    order_of_link: Callable[[str, str], str | None]

    @property
    def looking_back(self) -> frozenset[str]:
        return frozenset(name for name, moment in self.moments.items() if moment.looks_back)

    def moment(self, template: str, category: str) -> Moment | None:
        """The rules of a message. A promotion may have words of its own, but no rules of its own."""
        return self.moments.get(PROMOTION if category == "promotion" else template)
