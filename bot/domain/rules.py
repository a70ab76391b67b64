"""The rules of a shop as one value, which the engine is given and does not import."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.events import MessageReceived
from bot.domain.knowledge import Entry, Known
from bot.domain.meanings import Before, Understanding
from bot.domain.messages import MessagePolicies, MessagePolicy
from bot.domain.routes import Route
from bot.domain.shop import Campaign, Tier
from bot.domain.signed_tokens import ChatLink
from bot.domain.talks import Talk
from bot.domain.tiers import KeptTier

PROMOTION = "vip_promotion"  # its policy holds for every promotion of the seller's, whatever the template


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The tables and pure functions of a shop.

    numbers_in: what may be order numbers in a chat message, with what is asked in its chat.
    link_in: (shop, text) -> the signed link that a chat message consists of, or None.
    understand: (chat message, locale, what came before, the shop's date) -> what it means.
    knows: (shop, text, the shop's date) -> what its seller wrote down and may answer it, the nearest first.
    replies: (shop, the shop's date) -> the replies that people send by hand, by their names in small letters.
    asks_nothing: True for a chat message that ends a talk, such as thanks.
    reads_alone: True for one that is obeyed at once and not read together with others: a wish or a command.
    unfinished: True for half a sentence, which waits for its other half.
    haggles: (text, talk) -> True for a chat message that may be about a price, so that quotes are read for
    it with the batch.
    promotion_firings: (promotion, now, zone) -> the last time of its calendar up to now, and the first after.
    tier_of: (orders, spent in minor units, currency, tiers, what is kept) -> the buyer's tier, or None.
    """

    routes: tuple[Route, ...]
    policies: MessagePolicies
    numbers_in: Callable[[str, Talk], tuple[str, ...]]
    link_in: Callable[[str, str], ChatLink | None]
    promotion_firings: Callable[[Campaign, datetime, ZoneInfo], tuple[datetime | None, datetime | None]]
    tier_of: Callable[[int, int, str, tuple[Tier, ...], KeptTier], Tier | None]
    understand: Callable[[MessageReceived, str, Before, date], Understanding | None] = lambda *asked: None
    knows: Callable[[str, str, date], tuple[Known, ...]] = lambda *asked: ()
    replies: Callable[[str, date], Mapping[str, Entry]] = lambda *asked: {}
    asks_nothing: Callable[[str], bool] = lambda text: False
    reads_alone: Callable[[str], bool] = lambda text: False
    unfinished: Callable[[str], bool] = lambda text: False
    haggles: Callable[[str, Talk], bool] = lambda text, talk: False

    @property
    def looking_back(self) -> frozenset[str]:
        """The templates whose policies read what was said before."""
        return frozenset(name for name, policy in self.policies.items() if policy.looks_back)

    def policy(self, template: str, category: str) -> MessagePolicy | None:
        """Find a message's policy. A seller's promotion may have a template of its own, but no policy."""
        own = self.policies.get(template)
        if category != "promotion" or (own is not None and own.category == "promotion"):
            return own
        return self.policies.get(PROMOTION)
