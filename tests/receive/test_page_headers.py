"""What browsers are told to keep to, whatever is answered."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.receive.page_headers import HEADERS, NOTHING, guard, policy_with
from tests.world import served

CADDYFILE = Path(__file__).parent.parent.parent / "deploy/Caddyfile"
# OWASP ASVS 5.0: 3.4.3 to 3.4.6 and 3.4.8, and what 14.3.2 says of caches
DEMANDED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def plain(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def refused(_: web.Request) -> web.Response:
    raise web.HTTPServiceUnavailable


async def own(_: web.Request) -> web.Response:
    return web.Response(headers={"Cache-Control": "max-age=60"})


@pytest.fixture
async def url() -> AsyncIterator[str]:
    site = web.Application()
    site.on_response_prepare.append(guard)
    site.add_routes([web.get("/plain", plain), web.get("/refused", refused), web.get("/own", own)])
    async with served(site) as address:
        yield address


@pytest.mark.parametrize(("path", "status"), [("/plain", 200), ("/refused", 503), ("/nothing", 404)])
async def test_every_answer_carries_them_refusals_included(url: str, path: str, status: int) -> None:
    async with aiohttp.ClientSession() as http, http.get(url + path) as answer:
        assert answer.status == status
        assert {name: answer.headers.get(name) for name in DEMANDED} == DEMANDED
        assert answer.headers["Content-Security-Policy"] == NOTHING


async def test_what_a_page_says_itself_counts(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/own") as answer:
        assert answer.headers.getall("Cache-Control") == ["max-age=60"]


@pytest.mark.parametrize("policy", [NOTHING, policy_with("p{color:red}")])
def test_no_policy_lets_in_scripts_frames_or_other_bases(policy: str) -> None:
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    assert (rules["default-src"], rules["base-uri"], rules["frame-ancestors"]) == ("'none'",) * 3
    assert "unsafe" not in policy


def test_the_proxy_says_the_same_of_its_own_answers_and_demands_https() -> None:
    proxy = CADDYFILE.read_text("utf-8")
    said = dict(re.findall(r'^\t\t\?([\w-]+) "(.*)"$', proxy, re.MULTILINE))
    (seconds,) = re.findall(
        r'^\t\tStrict-Transport-Security "max-age=(\d+); includeSubDomains"$', proxy, re.MULTILINE
    )

    assert said == HEADERS
    assert int(seconds) >= 365 * 24 * 3600
