"""The API's door: who may come in, what was asked, and how an answer or a refusal looks."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from multidict import MultiMapping
from pydantic import SecretStr

from bot.api import forms
from bot.receive.http_protocol import ReadBody

AskedFor = TypeVar("AskedFor", bound=forms.Form)


class Refused(Exception):
    """The API's own no: a status, a code for programs, and words for people."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class Keys:
    """The tokens of every shop."""

    def __init__(self, tokens: Mapping[str, tuple[SecretStr, ...]]) -> None:
        self._digests = {
            shop: [_digest(token.get_secret_value()) for token in theirs] for shop, theirs in tokens.items()
        }

    def admit(self, request: web.Request) -> str:
        """The shop whose token was shown. Who has none does not learn which shops there are."""
        shop = request.match_info["shop"]
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = _digest(token.strip()) if scheme.lower() == "bearer" else b""
        # All are compared, so that the time taken tells nothing.
        matches = [hmac.compare_digest(given, known) for known in self._digests.get(shop, [])]
        if any(matches):
            return shop
        challenge = 'Bearer realm="xiaoer"' + (', error="invalid_token"' if given else "")
        says = "send one of the shop's api_tokens as `Authorization: Bearer ...`"
        raise Refused(401, "unauthorized", says, {"WWW-Authenticate": challenge})


# Reading what was asked


def read_query(given: MultiMapping[str], form: type[AskedFor]) -> AskedFor:
    """The query as a form; refused with the place and the mend."""
    known = form.__struct_fields__
    values: dict[str, Any] = {}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            mend = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known) or 'none'}"
            raise Refused(400, "unknown_parameter", f"{name[:40]}: there is no such parameter{mend}")
        texts = given.getall(name)
        if name == "state" and form is forms.MessagesQuery:
            values[name] = texts
        elif len(texts) > 1:
            raise Refused(400, "repeated_parameter", f"{name}: give it once")
        else:
            values[name] = _value(name, texts[0])
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        raise Refused(400, "wrong_parameter", _placed(error)) from None


def _value(name: str, text: str) -> Any:
    match name:
        case "limit" | "after" if text.isascii() and text.isdecimal() and len(text) < 30:
            return int(text)
        case "since":
            return text.replace(" ", "+")  # an offset's + is a space to whoever did not write it as %2B
    return text


async def read_body(request: web.Request, read_body_of: ReadBody, form: type[AskedFor]) -> AskedFor:
    if request.content_type != "application/json":
        raise Refused(415, "not_json", "send the body as application/json")
    try:
        body = await read_body_of(request)
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, "too_long", "the body is too long") from None
    except web.HTTPUnsupportedMediaType:
        raise Refused(415, "compressed", "send the body as it is, not compressed") from None
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.DecodeError as error:
        raise Refused(422, "wrong_body", _placed(error)) from None


def _placed(error: msgspec.DecodeError) -> str:
    """msgspec's words, with the place in front."""
    what, found, place = str(error).partition(" - at `$.")
    return f"{place.removesuffix('`')}: {what}" if found else what


def in_utc(at: datetime | None) -> datetime | None:
    try:
        return at and at.astimezone(UTC)
    except OverflowError:
        raise Refused(400, "wrong_parameter", "since: this moment is out of reach") from None


# Answering


def answer(form: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(form),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def trouble(refused: Refused) -> web.Response:
    problem = forms.Problem(code=refused.code, message=str(refused))
    return answer(forms.Trouble(error=problem), refused.status, refused.headers)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
