"""Rate limits: a token bucket for each shop, and another one for deliveries that repeat an earlier body."""

from collections.abc import Mapping
from hashlib import blake2b

REMEMBERED = 20_000  # digests; about two megabytes


class RateLimit:
    """A bucket for each shop, filled with `limits[shop]` deliveries a second, and holding twice as many.

    Repeated bodies spend from a bucket of their own of the same size, so that a captured delivery which
    somebody sends again and again takes nothing from the shop's new ones.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._levels = {
            (shop, repeated): (2.0 * limit, 0.0)
            for shop, limit in limits.items()
            for repeated in (False, True)
        }

    def take(self, shop: str, seconds: float, repeated: bool = False) -> bool:
        """Spend one delivery at the monotonic time `seconds`; False if the bucket is empty."""
        level, since = self._levels[shop, repeated]
        limit = self._limits[shop]
        level = min(2.0 * limit, level + max(0.0, seconds - since) * limit)
        self._levels[shop, repeated] = (max(0.0, level - 1.0), seconds)
        return level >= 1.0


class RecentBodies:
    """Which bodies came lately, by their digests; the oldest is forgotten first."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._digests: dict[bytes, None] = {}

    def seen(self, source: str, body: bytes) -> bool:
        """Remember a body; True if the same source sent it before."""
        digest = blake2b(b"%b\0%b" % (source.encode(), body), digest_size=16).digest()
        if digest in self._digests:
            return True
        self._digests[digest] = None
        if len(self._digests) > self._most:
            del self._digests[next(iter(self._digests))]
        return False
