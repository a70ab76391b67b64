"""Where deliveries are stored before they are answered."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from storage.inbox import InboxEvent, UnreadableDelivery


class DeliveryStore(Protocol):
    """The database, or a replicated log in front of it."""

    def keep(
        self, events: Sequence[InboxEvent], unreadable: UnreadableDelivery | None = None
    ) -> Awaitable[None]:
        """Store the events of one delivery, or the delivery itself if it could not be read.

        Returns once the delivery is durable. Raises LogAway or a database error if it is not.
        """
