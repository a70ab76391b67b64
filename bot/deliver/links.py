"""The signed links that a message carries: to stop offers, and to open a chat that knows the order."""

from collections.abc import Mapping

from bot.domain.signed_tokens import SignedTokens, address_mark
from bot.domain.wishes import AddressKey

START_LIMIT = 64  # characters that a Telegram start link carries; a longer id has to be typed instead


class Links:
    """Builds links when a message is sent; they are not stored.

    public_url: where buyers reach this program; without it there is no link to stop offers.
    bots: the Telegram user name of a shop's bot, by shop.
    """

    def __init__(self, tokens: SignedTokens, public_url: str | None, bots: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._public_url = public_url
        self._bots = bots

    def stop_url(self, shop: str, address: AddressKey, locale: str | None = None) -> str | None:
        """One-click unsubscribe of an address (RFC 8058); locale: of the message that carries it, which the
        page speaks too."""
        told = (locale,) if locale else ()
        token = self._tokens.token("stop", shop, *address, *told) if self._public_url else None
        return f"{self._public_url}/stop/{token}" if token else None

    def confirm_url(self, shop: str, address: AddressKey, locale: str | None = None) -> str | None:
        """Confirms that an address wants offers. locale: as in `stop_url`."""
        told = (locale,) if locale else ()
        token = self._tokens.token("offers", shop, *address, *told) if self._public_url else None
        return f"{self._public_url}/offers/{token}" if token else None

    def chat_url(self, shop: str, order: str, address: AddressKey) -> str | None:
        """Opens a chat with the shop's bot that knows the order; proves the address it was sent to."""
        bot = self._bots.get(shop)
        token = self._tokens.token("chat", shop, order, address_mark(*address)) if bot else None
        return f"https://t.me/{bot}?start={token}" if token and len(token) <= START_LIMIT else None
