"""The signed links that a message carries."""

from bot.deliver.links import START_LIMIT, Links
from bot.domain.signed_tokens import SignedTokens

TOKENS = SignedTokens("a secret for tests")


def test_a_link_to_stop_wants_a_public_address_and_a_secret() -> None:
    url = Links(TOKENS, "https://shop.example", {}).stop_url("mugs", "ann")
    assert url == f"https://shop.example/stop/{TOKENS.token('stop', 'mugs', 'ann')}"
    assert Links(TOKENS, None, {}).stop_url("mugs", "ann") is None
    assert Links(SignedTokens(None), "https://shop.example", {}).stop_url("mugs", "ann") is None


def test_a_link_to_a_chat_wants_the_shops_own_bot() -> None:
    links = Links(TOKENS, None, {"mugs": "mug_bot"})
    assert links.chat_url("mugs", "1") == f"https://t.me/mug_bot?start={TOKENS.token('chat', 'mugs', '1')}"
    assert links.chat_url("teas", "1") is None
    assert Links(SignedTokens(None), None, {"mugs": "mug_bot"}).chat_url("mugs", "1") is None


def test_an_order_whose_link_would_be_too_long_has_none() -> None:
    links = Links(TOKENS, None, {"mugs": "mug_bot"})
    lengths = {n: len(TOKENS.token("chat", "mugs", "1" * n) or "") for n in range(20, 50)}
    longest = max(n for n, length in lengths.items() if length <= START_LIMIT)
    assert links.chat_url("mugs", "1" * longest) is not None
    assert links.chat_url("mugs", "1" * (longest + 1)) is None
