"""Rate limits: a token bucket for each shop, with a second one for repeated bodies."""

from collections.abc import Mapping
from hashlib import blake2b

MOST = 20_000  # digests; some two megabytes


class RecentBodies:
    """Forgets the oldest first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[bytes, None] = {}

    def ask(self, whose: str, said: bytes) -> bool:
        """Whether it was said before; it is remembered from now on."""
        digest = blake2b(b"%b\0%b" % (whose.encode(), said), digest_size=16).digest()
        if digest in self._known:
            return True
        self._known[digest] = None
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return False


class RateLimit:
    """A bucket for each shop: so many deliveries a second, twice as many in a burst. What came before,
    word for word, spends from another one of the same size."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._levels = {
            (shop, again): (2.0 * limit, 0.0) for shop, limit in limits.items() for again in (False, True)
        }

    def take(self, shop: str, seconds: float, again: bool = False) -> bool:
        """False if the shop's bucket is empty at the monotonic time `seconds`."""
        level, since = self._levels[shop, again]
        limit = self._limits[shop]
        level = min(2.0 * limit, level + max(0.0, seconds - since) * limit)
        self._levels[shop, again] = (max(0.0, level - 1.0), seconds)
        return level >= 1.0
