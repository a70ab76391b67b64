"""A message about an order as the audit's rules see it: with what had been told, and said, before it."""

from datetime import datetime

import msgspec

from bot.domain.events import OrderEvent, OrderPlaced
from bot.domain.shop import Shop
from bot.operations.audit.conversations import began
from storage.audit_queries import Sending


class Said(msgspec.Struct, frozen=True):
    """A message with all that had been told, and said, before it."""

    sending: Sending
    before: tuple[Sending, ...]
    told: tuple[OrderEvent, ...]
    shop: Shop
    held: bool = False  # a case waited for the seller before anything was to be paid

    @property
    def at(self) -> datetime:
        return began(self.sending)

    @property
    def shown(self) -> list[OrderPlaced]:
        return [event for event in self.told if isinstance(event, OrderPlaced)]

    def has(self, *kinds: type[OrderEvent]) -> bool:
        return any(isinstance(event, kinds) for event in self.told)

    def earlier(self, *templates: str) -> list[Sending]:
        """What was said before with one of these templates."""
        return [other for other in self.before if other.template in templates]
