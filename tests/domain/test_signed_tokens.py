"""Signed tokens prove what they say, for one purpose and under one secret."""

import hmac
from base64 import urlsafe_b64encode

import pytest

from bot.domain.signed_tokens import SignedTokens

TOKENS = SignedTokens("a secret for tests")


def signed(payload: bytes) -> str:
    """A token for a chat, as it is in links that were sent long ago."""
    signature = hmac.digest(b"a secret for tests", b"chat\x00" + payload, "sha256")[:12]
    return urlsafe_b64encode(signature + payload).decode()


def test_a_token_proves_its_parts_for_its_purpose_only() -> None:
    token = TOKENS.token("chat", "mugs", "订单 1")
    assert token is not None
    assert TOKENS.read("chat", token) == ("mugs", "订单 1")
    assert TOKENS.read("stop", token) is None
    assert SignedTokens("another secret").read("chat", token) is None


def test_a_purpose_and_its_parts_cannot_be_shifted_into_each_other() -> None:
    assert TOKENS.token("a", "bc") != TOKENS.token("ab", "c")


def test_a_token_that_was_changed_anywhere_proves_nothing() -> None:
    token = TOKENS.token("chat", "mugs", "1")
    assert token is not None
    for place in range(len(token) - 1):  # the last character may carry bits that mean nothing
        other = "A" if token[place] != "A" else "B"
        assert TOKENS.read("chat", token[:place] + other + token[place + 1 :]) is None


@pytest.mark.parametrize("token", ["", "A", "====", "no token", "é", "A" * 16, "A" * 17])
def test_what_is_no_token_proves_nothing(token: str) -> None:
    assert TOKENS.read("chat", token) is None


def test_a_signed_payload_that_is_no_text_proves_nothing() -> None:
    assert TOKENS.read("chat", signed(b"text")) == ("text",)
    assert TOKENS.read("chat", signed(b"\xff")) is None


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_there_are_no_tokens_and_none_is_believed(secret: str | None) -> None:
    none = SignedTokens(secret)
    token = TOKENS.token("chat", "mugs")
    assert token is not None
    assert (none.token("chat", "mugs"), none.read("chat", token)) == (None, None)


def test_a_token_fits_into_a_start_link_and_an_address() -> None:
    token = TOKENS.token("chat", "mugs", "1001")
    assert token is not None
    assert len(token) <= 64
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
