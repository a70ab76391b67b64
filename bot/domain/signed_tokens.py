"""Signed tokens for the links that stop messages to an address and that open an order to a chat."""

import base64
import binascii
import hashlib
import hmac

import msgspec

# Bytes of the signature: 2^96 guesses, and a token still fits a chat's start link (64 characters).
_LENGTH = 12


class SignedTokens:
    """Makes and reads tokens (HMAC-SHA256). Without a secret none is made, and none is accepted."""

    def __init__(self, secret: str | None) -> None:
        self._secret = (secret or "").encode()

    def token(self, purpose: str, *parts: str) -> str | None:
        if not self._secret:
            return None
        payload = "\x1f".join(parts).encode()
        return _text(self._sign(purpose, payload) + payload)

    def read(self, purpose: str, token: str) -> tuple[str, ...] | None:
        """The parts that were signed for `purpose`; None if the signature is wrong."""
        if not self._secret:
            return None
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (ValueError, binascii.Error):
            return None
        signature, payload = raw[:_LENGTH], raw[_LENGTH:]
        if not hmac.compare_digest(self._sign(purpose, payload), signature):
            return None
        try:
            return tuple(payload.decode().split("\x1f"))
        except UnicodeDecodeError:
            return None

    def _sign(self, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\x00" + payload, hashlib.sha256)[:_LENGTH]


class ChatLink(msgspec.Struct, frozen=True):
    """What the link that opens a chat says. mark: of the address it was sent to; None in older links."""

    order: str
    mark: str | None


def address_mark(kind: str, address: str) -> str:
    """A short mark of an address, for links: it tells addresses apart and shows none."""
    return _text(hashlib.blake2b(f"{kind}:{address}".encode(), digest_size=4).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
