"""The pages behind a mail's links: a POST stops messages or confirms offers, a GET only asks (RFC 8058).

Mail programs and scanners open links by themselves, so a GET must change nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from html import escape
from types import MappingProxyType
from uuid import uuid4

from aiohttp import web

from bot.domain.events import OWN_LINK, AnyEvent, BuyerOptedOut, BuyerRef, OffersConfirmed
from bot.domain.shop import LOCALES, Shop
from bot.domain.signed_tokens import SignedTokens
from bot.receive.delivery_store import DeliveryStore
from bot.receive.page_headers import policy_with
from bot.seller.words import SellerWords
from bot.texts.catalogue import locale_chain
from storage.inbox import inbox_event

STYLE = """body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;
  color:#222}
button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#b33;color:#fff}
form+form button{background:#666}"""
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>{style}</style>
<h1>{title}</h1>{body}</html>"""
POLICY = {"Content-Security-Policy": policy_with(STYLE)}
FORM = '<form method="post"{action}><button>{button}</button></form>'
# What the buttons say, by the query of their press: a mail program's own has none (RFC 8058, 3.1).
OFFERS, TAKE_BACK = "offers", "again"
STOPS = {"": "stop_button", OFFERS: "stop_offers_button", TAKE_BACK: "stop_undo_button"}

_SPOKEN = {locale[:2] for locale in LOCALES}


class UnsubscribePage:
    """Answers /stop/{token} and /offers/{token}; the signed token says which address in which shop. 404 for
    any other. What stopped messages lets them come again."""

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
        """Show the buttons that stop messages, or offers alone, and the one that lets them come again."""
        shop_id, named = self._verified("stop", request)
        buttons = STOPS if len(named) > 1 else {"": STOPS[""]}
        return self._page(_languages_of(request, named), shop_id, "stop_ask", buttons)

    async def stop(self, request: web.Request) -> web.Response:
        """Answer 200 once the buyer's wish is stored; 503 if it could not be."""
        shop_id, named = self._verified("stop", request)
        at, of_address, words = self._clock(), len(named) > 1, _languages_of(request, named)
        pressed = next((each for each in (OFFERS, TAKE_BACK) if of_address and each in request.query), "stop")
        event = BuyerOptedOut(
            channel=OWN_LINK,
            external_id=_name(pressed, named),
            at=at,
            buyer=BuyerRef() if of_address else BuyerRef(id=named[0]),
            address=(named[0], named[1]) if of_address else None,
            offers=pressed == OFFERS,
            taken_back=pressed == TAKE_BACK,
        )
        await self._keep(shop_id, event)
        if pressed != "stop":
            return self._page(words, shop_id, "stop_undone" if event.taken_back else "stop_offers_done")
        undo = {TAKE_BACK: STOPS[TAKE_BACK]} if of_address else {}
        return self._page(words, shop_id, "stop_done", undo)

    async def ask_offers(self, request: web.Request) -> web.Response:
        """Show the button that confirms that offers are wanted."""
        shop_id, named = self._verified("offers", request)
        words = _languages_of(request, named)
        return self._page(words, shop_id, "offers_ask", {"": "offers_button"})

    async def confirm_offers(self, request: web.Request) -> web.Response:
        """Answer 200 once the buyer's wish is stored; 503 if it could not be."""
        shop_id, named = self._verified("offers", request)
        at = self._clock()
        event = OffersConfirmed(
            channel=OWN_LINK,
            external_id=_name("offers", named),
            at=at,
            address=(named[0], named[1]),
        )
        await self._keep(shop_id, event)
        return self._page(_languages_of(request, named), shop_id, "offers_done")

    async def _keep(self, shop_id: str, event: AnyEvent) -> None:
        try:
            await self._store.keep([inbox_event(shop_id, event, self._clock())])
        except Exception as error:  # logged by the store; the buyer's mail program tries again
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"}) from error

    def _verified(self, purpose: str, request: web.Request) -> tuple[str, tuple[str, ...]]:
        """The shop, the address that the link was sent to, and the language of the message that carried it;
        older links name no language, or our id of the buyer alone."""
        verified = self._tokens.read(purpose, request.match_info["token"])
        lengths = (2, 3, 4) if purpose == "stop" else (3, 4)
        if verified is None or len(verified) not in lengths or verified[0] not in self._shops:
            raise self._unknown()
        return verified[0], verified[1:]

    def _page(
        self,
        wanted: Iterator[str],
        shop_id: str,
        text: str,
        buttons: Mapping[str, str] = MappingProxyType({}),
    ) -> web.Response:
        """wanted: languages of whoever reads it, the best first; else the shop's own is spoken.

        buttons: their words, by the query of the press.
        """
        shop = self._shops[shop_id]
        spoken = next((each for each in wanted if each[:2].lower() in _SPOKEN), shop.locale)
        locale = next((each for each in locale_chain(spoken) if each in LOCALES), shop.locale)
        words = SellerWords(locale)
        parts = [f"<p>{escape(words.phrase(text, {'shop': shop.name}))}</p>"]
        for query, code in buttons.items():
            action = f' action="?{query}"' if query else ""
            parts.append(FORM.format(action=action, button=escape(words.phrase(code, {}))))
        body = _written(locale, shop.name, "".join(parts))
        return web.Response(text=body, content_type="text/html", headers=POLICY)

    def _unknown(self) -> web.HTTPNotFound:
        """Nobody knows whose link it is, so each language of the shops has its words."""
        locales = list(dict.fromkeys(shop.locale for shop in self._shops.values()))
        words = {locale: escape(SellerWords(locale).phrase("link_unknown", {})) for locale in locales}
        told = "".join(f'<p lang="{escape(locale)}">{text}</p>' for locale, text in words.items())
        body = _written(next(iter(words), "en"), "404", told)
        return web.HTTPNotFound(text=body, content_type="text/html", headers=POLICY)


def _languages_of(request: web.Request, named: tuple[str, ...]) -> Iterator[str]:
    """The language of the message, where its link says it; then those that the browser wants."""
    yield from named[2:]
    for each in request.headers.get("Accept-Language", "").split(","):
        yield each.partition(";")[0].strip()


def _written(locale: str, title: str, body: str) -> str:
    return PAGE.format(lang=escape(locale), style=STYLE, title=escape(title), body=body)


def _name(what: str, named: tuple[str, ...]) -> str:
    """Of one press, which is no other's repeat however soon it follows."""
    return f"{what}:{':'.join(named[:2])}:{uuid4().hex}"
