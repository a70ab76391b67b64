"""The page behind a mail's unsubscribe link: a POST unsubscribes, a GET only asks (RFC 8058).

Mail programs and scanners open links by themselves, so a GET must change nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape

from aiohttp import web

from bot.domain.events import OWN_LINK, BuyerOptedOut, BuyerRef
from bot.domain.shop import Shop
from bot.domain.signed_tokens import SignedTokens
from bot.receive.delivery_store import DeliveryStore
from bot.receive.page_headers import policy_with
from bot.seller.words import SellerWords
from storage.inbox import inbox_event

STYLE = """body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;
  color:#222}
button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#b33;color:#fff}"""
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>{style}</style>
<h1>{title}</h1><p>{text}</p>{form}</html>"""
POLICY = {"Content-Security-Policy": policy_with(STYLE)}
FORM = '<form method="post"><button>{button}</button></form>'


class UnsubscribePage:
    """Answers /stop/{token}; the signed token says which buyer of which shop. 404 for any other."""

    def __init__(
        self,
        tokens: SignedTokens,
        store: DeliveryStore,
        shops: Mapping[str, Shop],
        clock: Callable[[], datetime],
    ) -> None:
        self._tokens = tokens
        self._store = store
        self._shops = shops
        self._clock = clock

    async def ask(self, request: web.Request) -> web.Response:
        """Show the button."""
        shop_id, _ = self._verified(request)
        return self._page(shop_id, "stop_ask", button="stop_button")

    async def stop(self, request: web.Request) -> web.Response:
        """Answer 200 once the buyer's wish is stored; 503 if it could not be."""
        shop_id, buyer = self._verified(request)
        event = BuyerOptedOut(
            channel=OWN_LINK,
            external_id=f"stop:{buyer}:{self._clock():%Y%m%d%H%M%S}",
            at=self._clock(),
            buyer=BuyerRef(id=buyer),
        )
        try:
            await self._store.keep([inbox_event(shop_id, event, self._clock())])
        except Exception as error:  # logged by the store; the buyer's mail program tries again
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"}) from error
        return self._page(shop_id, "stop_done")

    def _verified(self, request: web.Request) -> tuple[str, str]:
        verified = self._tokens.read("stop", request.match_info["token"])
        if verified is None or len(verified) != 2 or verified[0] not in self._shops:
            raise web.HTTPNotFound
        return verified[0], verified[1]

    def _page(self, shop_id: str, text: str, button: str | None = None) -> web.Response:
        shop = self._shops[shop_id]
        words = SellerWords(shop.locale)
        body = PAGE.format(
            lang=escape(shop.locale),
            style=STYLE,
            title=escape(shop.name),
            text=escape(words.phrase(text, {"shop": shop.name})),
            form=FORM.format(button=escape(words.phrase(button, {}))) if button else "",
        )
        return web.Response(text=body, content_type="text/html", headers=POLICY)
