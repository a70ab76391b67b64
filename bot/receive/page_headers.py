"""Headers by which browsers guard our pages (OWASP ASVS 5.0, 3.4); HSTS is the proxy's, which speaks HTTPS.

Nothing that we serve loads anything, stands in a frame, is kept or tells where it was read: the address of a
page may be the proof of who reads it.
"""

import hashlib
from base64 import b64encode

from aiohttp import web

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

HEADERS = {
    "Content-Security-Policy": NOTHING,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers older than frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def guard(_: web.Request, response: web.StreamResponse) -> None:
    """Add them to every answer, also to refusals; what a page says itself counts. A signal of aiohttp's."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def policy_with(style: str) -> str:
    """The Content-Security-Policy of a page that has this one style sheet in it, and a form to itself."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return NOTHING.replace("form-action 'none'", f"style-src 'sha256-{digest}'; form-action 'self'")
