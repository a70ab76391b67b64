"""What was said lately, word for word: a bounded memory of digests."""

from hashlib import blake2b

MOST = 20_000  # digests; some two megabytes


class Lately:
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
