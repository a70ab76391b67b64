"""The page behind an unsubscribe link: looking changes nothing, pressing the button unsubscribes."""

import hashlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
from aiohttp import web

from bot.domain.errors import LogAway
from bot.domain.events import OWN_LINK, BuyerOptedOut, BuyerRef, OffersConfirmed, load_event
from bot.domain.shop import Shop
from bot.domain.signed_tokens import SignedTokens
from bot.receive.unsubscribe_page import UnsubscribePage
from storage.inbox import InboxEvent, UnreadableDelivery
from tests.world import NOON, served

TOKENS = SignedTokens("a secret that is only for tests")


class MemoryStore:
    """Stores deliveries in memory, unless it is away."""

    def __init__(self) -> None:
        self.events: list[InboxEvent] = []
        self.away = False

    async def keep(self, events: Sequence[InboxEvent], unreadable: UnreadableDelivery | None = None) -> None:
        if self.away:
            raise LogAway("not connected")
        self.events += events


class Page:
    def __init__(self, http: aiohttp.ClientSession, url: str, store: MemoryStore) -> None:
        self.http = http
        self.url = url
        self.store = store

    async def open(self, token: str | None, of: str = "stop") -> tuple[int, str]:
        return await self._ask("GET", of, token)

    async def press(self, token: str | None, of: str = "stop") -> tuple[int, str]:
        return await self._ask("POST", of, token)

    async def _ask(self, method: str, of: str, token: str | None) -> tuple[int, str]:
        async with self.http.request(method, f"{self.url}/{of}/{token}") as response:
            return response.status, await response.text()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    store = MemoryStore()
    shops = {"mugs": Shop(name="Mugs & <b>more</b>", locale="en"), "tea": Shop(name="茶馆")}
    answers = UnsubscribePage(TOKENS, store, shops, lambda: NOON)
    site = web.Application()
    site.add_routes([web.get("/stop/{token}", answers.ask), web.post("/stop/{token}", answers.stop)])
    site.add_routes([web.get("/offers/{token}", answers.ask_offers)])
    site.add_routes([web.post("/offers/{token}", answers.confirm_offers)])
    async with served(site) as url, aiohttp.ClientSession() as http:
        yield Page(http, url, store)


async def test_looking_at_the_page_changes_nothing_and_shows_a_button(page: Page) -> None:
    status, text = await page.open(TOKENS.token("stop", "mugs", "b1"))

    assert status == 200
    assert '<form method="post"><button>' in text
    assert page.store.events == []


async def test_the_button_stops_the_one_address_that_the_link_was_sent_to(page: Page) -> None:
    status, _ = await page.press(TOKENS.token("stop", "mugs", "email", "ann@example.com"))

    (kept,) = page.store.events
    event = load_event(kept.body)
    assert status == 200
    assert isinstance(event, BuyerOptedOut)
    assert (event.channel, event.address, event.at) == (OWN_LINK, ("email", "ann@example.com"), NOON)
    assert (event.buyer, event.offers) == (BuyerRef(), False)


async def test_the_button_of_an_older_link_unsubscribes_the_buyer_that_it_names(page: Page) -> None:
    status, text = await page.press(TOKENS.token("stop", "mugs", "b1"))

    (kept,) = page.store.events
    event = load_event(kept.body)
    assert status == 200
    assert "<button>" not in text
    assert kept.shop == "mugs"
    assert isinstance(event, BuyerOptedOut)
    assert (event.channel, event.buyer.id, event.at) == (OWN_LINK, "b1", NOON)
    assert event.address is None


async def test_offers_alone_are_stopped_by_a_button_of_their_own(page: Page) -> None:
    link = TOKENS.token("stop", "mugs", "email", "ann@example.com")
    _, text = await page.open(link)
    assert '<form method="post" action="?offers"><button>Only stop offers' in text
    status, text = await page.press(f"{link}?offers")

    event = load_event(page.store.events[0].body)
    assert status == 200
    assert "won&#x27;t send offers" in text
    assert isinstance(event, BuyerOptedOut)
    assert (event.address, event.offers, event.taken_back) == (("email", "ann@example.com"), True, False)


async def test_a_stop_is_taken_back_by_the_same_link(page: Page) -> None:
    link = TOKENS.token("stop", "mugs", "email", "ann@example.com")
    for text in ((await page.open(link))[1], (await page.press(link))[1]):
        assert '<form method="post" action="?again"><button>Write to me again' in text
    status, text = await page.press(f"{link}?again")

    stopped, again = (load_event(kept.body) for kept in page.store.events)
    assert status == 200
    assert "about your orders again" in text
    assert isinstance(stopped, BuyerOptedOut)
    assert isinstance(again, BuyerOptedOut)
    assert (stopped.taken_back, again.taken_back) == (False, True)
    assert again.address == ("email", "ann@example.com")
    assert again.external_id != stopped.external_id


@pytest.mark.parametrize(
    ("mail", "browser", "language"),
    [
        *((("zh-TW",), "en", "zh-TW"), (("zh-CN",), "en", "zh-CN"), (("de",), "", "en")),
        *(((), "zh-HK,zh;q=0.9", "zh-TW"), ((), "fr,zh;q=0.8", "zh-CN"), ((), "fr", "en"), ((), "", "en")),
    ],
)
async def test_the_page_speaks_the_language_of_the_mail_or_of_the_browser(
    page: Page, mail: tuple[str, ...], browser: str, language: str
) -> None:
    for purpose, query in (("stop", ""), ("stop", "?again"), ("offers", "")):
        token = TOKENS.token(purpose, "mugs", "email", "ann@example.com", *mail)
        for method in ("GET", "POST"):
            link = f"{page.url}/{purpose}/{token}{query}"
            async with page.http.request(method, link, headers={"Accept-Language": browser}) as response:
                assert f'<html lang="{language}">' in await response.text()


async def test_each_press_counts_however_soon_it_follows_another(page: Page) -> None:
    link = TOKENS.token("stop", "mugs", "email", "ann@example.com")
    for press in (link, f"{link}?again", link):
        await page.press(press)

    assert len({kept.external_id for kept in page.store.events}) == 3


async def test_a_wish_that_could_not_be_stored_is_to_be_sent_again(page: Page) -> None:
    page.store.away = True

    assert (await page.press(TOKENS.token("stop", "mugs", "b1")))[0] == 503


@pytest.mark.parametrize(
    "token",
    [
        "made-up",
        SignedTokens("another secret").token("stop", "mugs", "b1"),
        TOKENS.token("chat", "mugs", "b1"),
        TOKENS.token("stop", "closed shop", "b1"),
        TOKENS.token("stop", "mugs"),
        TOKENS.token("stop", "mugs", "email", "ann@example.com", "en", "more"),
        TOKENS.token("stop", "closed shop", "email", "ann@example.com"),
        TOKENS.token("offers", "mugs", "email", "ann@example.com"),
    ],
)
async def test_only_a_link_that_we_signed_for_unsubscribing_is_answered(
    page: Page, token: str | None
) -> None:
    status, text = await page.open(token)
    assert status == 404
    assert '<p lang="en">This link' in text
    assert '<p lang="zh-CN">这个链接' in text
    assert (await page.press(token))[0] == 404
    assert page.store.events == []


async def test_the_page_speaks_the_shops_language_and_its_name_is_no_html(page: Page) -> None:
    _, english = await page.open(TOKENS.token("stop", "mugs", "b1"))
    _, chinese = await page.open(TOKENS.token("stop", "tea", "b1"))

    assert "<title>Mugs &amp; &lt;b&gt;more&lt;/b&gt;</title>" in english
    assert "<b>more" not in english
    assert '<html lang="zh-CN">' in chinese
    assert "不再接收" in chinese


async def test_looking_at_the_page_of_offers_confirms_nothing(page: Page) -> None:
    status, text = await page.open(TOKENS.token("offers", "mugs", "email", "ann@example.com"), "offers")

    assert status == 200
    assert '<form method="post"><button>' in text
    assert page.store.events == []


async def test_the_button_confirms_offers_at_the_address_of_the_link(page: Page) -> None:
    status, text = await page.press(TOKENS.token("offers", "mugs", "email", "ann@example.com"), "offers")

    assert (status, "<button>" in text) == (200, False)
    (stored,) = page.store.events
    assert stored.shop == "mugs"
    event = load_event(stored.body)
    assert isinstance(event, OffersConfirmed)
    assert (event.channel, event.address) == (OWN_LINK, ("email", "ann@example.com"))


@pytest.mark.parametrize("parts", [("mugs", "b1"), ("nobody", "email", "ann@example.com")])
async def test_a_link_to_offers_names_an_address_in_a_shop_that_is_there(
    page: Page, parts: tuple[str, ...]
) -> None:
    assert (await page.press(TOKENS.token("offers", *parts), "offers"))[0] == 404
    assert page.store.events == []


async def test_a_link_to_stop_confirms_no_offers(page: Page) -> None:
    token = TOKENS.token("stop", "mugs", "email", "ann@example.com")

    assert (await page.press(token, "offers"))[0] == 404
    assert (await page.press(TOKENS.token("offers", "mugs", "email", "ann@example.com")))[0] == 404


async def test_browsers_take_the_pages_style_and_form_and_nothing_else(page: Page) -> None:
    address = f"{page.url}/stop/{TOKENS.token('stop', 'mugs', 'b1')}"
    async with page.http.get(address) as response:
        policy, text = response.headers["Content-Security-Policy"], await response.text()
    (style,) = re.findall(r"<style>(.*)</style>", text, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()

    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
