"""Where deliveries are stored before they are answered."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from storage.inbox import InboxEvent, UnreadableDelivery


class DeliveryStore(Protocol):
    """Where deliveries are kept before they are answered."""

    def keep(
        self, arrivals: Sequence[InboxEvent], puzzle: UnreadableDelivery | None = None
    ) -> Awaitable[None]:
        """Done once it cannot get lost any more; raises if it may."""
