"""The tables are whole: every event has a route, every message a moment and words, every reason a name."""

import typing
from pathlib import Path

import pytest

import handlers
from bot.domain.events import AnyEvent, TimeCame
from bot.domain.reasons import REASONS
from bot.texts.catalogue import Catalogue
from handlers.routes import POLICIES, ROUTES

SOURCES = [path.read_text("utf-8") for path in Path(handlers.__file__).parent.glob("*.py")]


def test_every_event_has_a_route() -> None:
    assert {route.event for route in ROUTES} == set(typing.get_args(AnyEvent))


def test_every_deadline_of_ours_has_a_route() -> None:
    what = {word.split('"')[0] for source in SOURCES for word in source.split('what="')[1:]}

    assert what
    assert len([route for route in ROUTES if route.event is TimeCame]) == len(what)


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en"])
def test_every_message_has_words_in_every_language(locale: str) -> None:
    texts = Catalogue()

    assert {texts.resolve(name, locale).locale for name in POLICIES} == {locale}


def test_every_reason_given_is_one_the_seller_has_words_for() -> None:
    given = {word.split('"')[0] for source in SOURCES for word in source.split('Reason("')[1:]}
    given |= {word.split('"')[0] for source in SOURCES for word in source.split('reason="')[1:]}

    assert given
    assert given <= set(REASONS)
