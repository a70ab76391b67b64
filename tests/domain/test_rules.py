"""The rules of a shop as the engine is handed them, and the first route that takes an event."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.actions import Action
from bot.domain.context import Context
from bot.domain.events import Event, OrderCancelled, OrderCompleted
from bot.domain.messages import MessagePolicy
from bot.domain.routes import Route, route
from bot.domain.rules import PROMOTION, Rules
from bot.domain.shop import Shop

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
KNOWN = Context(now=NOW, shop_id="mugs", shop=Shop(name="Mug House"))
COMPLETED = OrderCompleted(channel="web", external_id="c", at=NOW, order="1")


def policy(looks_back: bool = False) -> MessagePolicy:
    return MessagePolicy(
        category="service", lateness=timedelta(hours=1), why_outdated=lambda *_: None, looks_back=looks_back
    )


POLICIES = {"hello": policy(), "again": policy(looks_back=True), PROMOTION: policy()}
RULES = Rules(
    routes=(),
    policies=POLICIES,
    numbers_in=lambda text, talk: (),
    link_in=lambda shop, text: None,
    promotion_firings=lambda *_: (None, None),
    tier_of=lambda *_: None,
)


def first(event: Any, known: Context) -> list[Action]:
    return []


def second(event: Any, known: Context) -> list[Action]:
    return []


def test_a_message_has_the_policy_of_its_template_and_every_promotion_the_same_one() -> None:
    assert RULES.policy("hello", "service") is POLICIES["hello"]
    assert RULES.policy("own_words", "promotion") is POLICIES[PROMOTION]
    assert RULES.policy("own_words", "service") is None


def test_the_templates_that_look_back_are_known() -> None:
    assert RULES.looking_back == {"again"}


def test_the_first_route_that_takes_an_event_answers_it() -> None:
    routes = (Route(OrderCancelled, first), Route(OrderCompleted, first), Route(OrderCompleted, second))
    assert route(routes, COMPLETED, KNOWN) is routes[1]
    assert route(routes[:1], COMPLETED, KNOWN) is None


def test_a_route_may_be_narrowed_by_what_is_known() -> None:
    asked: list[tuple[Event, Context]] = []

    def never(event: Any, known: Context) -> bool:
        asked.append((event, known))
        return False

    routes = (Route(OrderCompleted, first, when=never), Route(OrderCompleted, second, when=lambda *_: True))
    assert route(routes, COMPLETED, KNOWN) is routes[1]
    assert asked == [(COMPLETED, KNOWN)]


def test_a_route_takes_no_kind_that_is_derived_from_its_own() -> None:
    assert route((Route(Event, first),), COMPLETED, KNOWN) is None


def test_a_route_is_called_by_its_handlers_module_and_name() -> None:
    assert Route(OrderCompleted, first).name == "test_rules.first"
