"""The tables are whole: every event has a route, every message its texts, every reason a declaration."""

import ast
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers
from bot.domain.events import AnyEvent
from bot.texts.catalogue import Catalogue
from handlers import complaints, waiting
from handlers.routes import POLICIES, REASONS, ROUTES, joined
from tests.handlers import world
from tests.handlers.asking import Chat
from tests.handlers.world import DEADLINES, Desk

OF_CASES = {waiting.WHAT, complaints.SOON, complaints.OVER}  # set when a case is opened


def test_every_event_has_a_route() -> None:
    assert {route.event for route in ROUTES} == set(typing.get_args(AnyEvent))


def test_every_deadline_that_is_set_has_a_route_and_no_other_has() -> None:
    desk = Desk().take(world.placed(), world.paid(), world.shipped(), world.refunded())
    arrived = world.order_of(world.placed(), world.paid(), world.shipped(), world.delivered())
    ann = Chat(arrived, now=world.PLACED + world.days(4), shop=world.shop_with(returns={}))
    promise = {"since": "order.paid", "until": "order.shipped", "within": "2d"}
    promising = Desk(world.shop_with(promises={"ships": promise})).take(world.placed(), world.paid())
    ann.say("it arrived broken", "return_exchange")

    assert desk.deadlines | promising.deadlines | OF_CASES | {wake.what for wake in ann.wakes} == DEADLINES


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en"])
def test_every_message_has_words_in_every_language(locale: str) -> None:
    texts = Catalogue()

    assert {texts.resolve(name, locale).locale for name in POLICIES} == {locale}


def test_a_message_or_reason_declared_by_two_modules_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice: hello"):
        joined({"hello": 1}, {"thanks": 2}, {"hello": 3})


def test_every_reason_given_is_declared() -> None:
    given = {code for path in Path(handlers.__file__).parent.glob("*.py") for code in reasons_in(path)}

    assert given
    assert given <= set(REASONS)


def reasons_in(path: Path) -> Iterator[str]:
    """The codes written out in calls: Reason("code", ...), CallHuman(reason="code"), Unsay(why="code")."""
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            named = [each.value for each in call.keywords if each.arg in ("reason", "why")]
            first = call.args[:1] if call.func.id == "Reason" else []
            yield from (each.value for each in (*named, *first) if isinstance(each, ast.Constant))
