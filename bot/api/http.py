"""HTTP of the JSON API: authenticate a request, read its query or body, make responses and errors."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NoReturn, TypeVar

import msgspec
from aiohttp import web
from multidict import MultiMapping
from pydantic import SecretStr

from bot.api import forms
from bot.receive.http_protocol import ReadBody

FINGERPRINT = 8  # hexadecimal digits of a token's SHA-256, to know it by and not to find it by

ASKING = web.RequestKey("asking", str)  # who asks, for the trail

AskedFor = TypeVar("AskedFor", bound=forms.Form)


class ApiError(Exception):
    """An error response: a status, a code for programs, a message for people."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class Tokens:
    """The API tokens of every shop, as digests."""

    def __init__(self, tokens: Mapping[str, tuple[SecretStr, ...]]) -> None:
        self._digests = {
            shop: [_digest(token.get_secret_value()) for token in theirs] for shop, theirs in tokens.items()
        }

    def authenticate(self, request: web.Request) -> tuple[str, str]:
        """The shop of the path, and who asks (for the trail), if the request has its token; else 401, whether
        or not the shop exists."""
        shop = request.match_info["shop"]
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = _digest(token.strip()) if scheme.lower() == "bearer" else b""
        # All are compared, so that the time taken reveals nothing.
        matches = [hmac.compare_digest(given, known) for known in self._digests.get(shop, [])]
        if any(matches):
            return shop, f"api:{given.hex()[:FINGERPRINT]}"
        challenge = 'Bearer realm="xiaoer"' + (', error="invalid_token"' if given else "")
        says = "send one of the shop's api_tokens as `Authorization: Bearer ...`"
        raise ApiError(401, "unauthorized", says, {"WWW-Authenticate": challenge})


# Requests


def named(request: web.Request, kind: str) -> str:
    """What the path names. Raises ApiError for a name that is too long."""
    name = request.match_info[kind]
    if len(name) > forms.LONGEST_NAME:
        missing(kind)
    return name


def missing(kind: str) -> NoReturn:
    raise ApiError(404, "not_found", f"there is no such {kind}")


def read_query(given: MultiMapping[str], form: type[AskedFor]) -> AskedFor:
    """Read the query into a form. Raises ApiError, naming the parameter and the remedy."""
    known = form.__struct_fields__
    values: dict[str, Any] = {}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            remedy = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known) or 'none'}"
            raise ApiError(400, "unknown_parameter", f"{name[:40]}: there is no such parameter{remedy}")
        texts = given.getall(name)
        if name == "state" and form is forms.MessagesQuery:
            values[name] = texts
        elif len(texts) > 1:
            raise ApiError(400, "repeated_parameter", f"{name}: give it once")
        else:
            values[name] = _value(name, texts[0])
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        raise ApiError(400, "wrong_parameter", _placed(error)) from None


def _value(name: str, text: str) -> Any:
    match name:
        case "limit" | "after" if text.isascii() and text.isdecimal() and len(text) < 30:
            return int(text)
        case "since":
            return text.replace(" ", "+")  # an offset's + arrives as a space unless it was written as %2B
    return text


async def read_body(request: web.Request, read_body_of: ReadBody, form: type[AskedFor]) -> AskedFor:
    if request.content_type != "application/json":
        raise ApiError(415, "not_json", "send the body as application/json")
    try:
        body = await read_body_of(request)
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "too_long", "the body is too long") from None
    except web.HTTPUnsupportedMediaType:
        raise ApiError(415, "compressed", "send the body as it is, not compressed") from None
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.DecodeError as error:
        raise ApiError(422, "wrong_body", _placed(error)) from None


def _placed(error: msgspec.DecodeError) -> str:
    """msgspec's message, with the place in front."""
    what, found, place = str(error).partition(" - at `$.")
    return f"{place.removesuffix('`')}: {what}" if found else what


def in_utc(at: datetime | None) -> datetime | None:
    try:
        return at and at.astimezone(UTC)
    except OverflowError:
        raise ApiError(400, "wrong_parameter", "since: this time is out of range") from None


# Responses


def json_response(form: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(form),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def error_response(error: ApiError) -> web.Response:
    problem = forms.Problem(code=error.code, message=str(error))
    return json_response(forms.Trouble(error=problem), error.status, error.headers)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
