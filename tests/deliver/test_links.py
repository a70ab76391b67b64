"""The signed links that a message carries."""

from bot.deliver.links import START_LIMIT, Links
from bot.domain.signed_tokens import SignedTokens, address_mark

TOKENS = SignedTokens("a secret for tests")


BOX = ("email", "ann@example.com")


def test_a_link_to_stop_wants_a_public_address_and_a_secret() -> None:
    url = Links(TOKENS, "https://shop.example", {}).stop_url("mugs", BOX)
    assert url == f"https://shop.example/stop/{TOKENS.token('stop', 'mugs', *BOX)}"
    assert Links(TOKENS, None, {}).stop_url("mugs", BOX) is None
    assert Links(SignedTokens(None), "https://shop.example", {}).stop_url("mugs", BOX) is None


def test_a_link_that_confirms_is_none_that_stops() -> None:
    links = Links(TOKENS, "https://shop.example", {})
    url = links.confirm_url("mugs", BOX)
    assert url == f"https://shop.example/offers/{TOKENS.token('offers', 'mugs', *BOX)}"
    assert url is not None
    token = url.rsplit("/", 1)[1]
    assert (TOKENS.read("stop", token), TOKENS.read("chat", token)) == (None, None)
    assert Links(TOKENS, None, {}).confirm_url("mugs", BOX) is None


def test_a_link_to_a_chat_wants_the_shops_own_bot_and_marks_the_address_without_naming_it() -> None:
    links = Links(TOKENS, None, {"mugs": "mug_bot"})
    url = links.chat_url("mugs", "1", BOX)
    assert url is not None
    base, _, token = url.partition("?start=")
    assert (base, TOKENS.read("chat", token)) == ("https://t.me/mug_bot", ("mugs", "1", address_mark(*BOX)))
    assert links.chat_url("mugs", "1", ("email", "bob@example.com")) != url
    assert links.chat_url("teas", "1", BOX) is None
    assert Links(SignedTokens(None), None, {"mugs": "mug_bot"}).chat_url("mugs", "1", BOX) is None


def test_an_order_whose_link_would_be_too_long_has_none() -> None:
    links = Links(TOKENS, None, {"mugs": "mug_bot"})
    mark = address_mark(*BOX)
    lengths = {n: len(TOKENS.token("chat", "mugs", "1" * n, mark) or "") for n in range(10, 50)}
    longest = max(n for n, length in lengths.items() if length <= START_LIMIT)
    assert longest >= 16  # numbers of marketplaces
    assert links.chat_url("mugs", "1" * longest, BOX) is not None
    assert links.chat_url("mugs", "1" * (longest + 1), BOX) is None
