"""What the arbiter lets out, over any facts, limits and moments."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.arbiter import PRIORITY, Hold, Send, Skip, judge
from bot.domain.context import Buyer, Category, Conversation
from bot.domain.messages import Address, DueMessage, Facts, MessagePolicy, Reason
from bot.domain.shop import Limits, QuietHours, Shop
from bot.domain.wishes import Standing
from handlers.routes import REASONS

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # noon in Shanghai
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
DOOR = Address(channel="web", address="ann", buyer_id="ann")
ANN = Buyer(id="b1")
AGREES = Standing(agrees=True)
UNTRUE = Reason("order_paid", {"order": "1001"})

CATEGORIES = st.sampled_from(get_args(Category))
ZONES = st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]
)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2000)).map(
    lambda since: datetime(2024, 1, 1, tzinfo=UTC) + since
)
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@st.composite
def facts(draw: st.DrawFn, now: datetime) -> Facts:
    """Facts as they could really be read at `now`."""
    limits = Limits(per_day=draw(st.integers(1, 8)), promotions_per_week=draw(st.integers(0, 3)))
    shop = Shop(
        name="Mug House",
        timezone=draw(ZONES),
        quiet_hours=QuietHours(start=draw(CLOCKS), end=draw(CLOCKS)),
        limits=limits,
    )
    moments = st.none() | st.timedeltas(-2 * DAY, 2 * DAY).map(lambda shift: now + shift)
    standing = Standing(stopped_at=draw(moments), agrees=draw(st.none() | st.booleans()))
    chats = tuple(
        Conversation(channel="web", address=address, buyer="b1", human_until=draw(moments))
        for address in draw(st.sampled_from([(), ("ann",), ("ann", "ann-phone")]))
    )
    in_day, in_week = draw(st.integers(0, 9)), draw(st.integers(0, 4))
    ago = st.timedeltas(timedelta(seconds=1), timedelta(hours=23))
    return Facts(
        shop=shop,
        buyer=Buyer(id="b1", timezone=draw(st.none() | ZONES)),
        standing=standing,
        conversations=chats,
        sent_in_day=in_day,
        sent_in_day_until=now - draw(ago) + DAY if in_day else None,
        promotions_in_week=in_week,
        promotions_in_week_until=now - draw(ago) + WEEK if in_week else None,
        addresses=draw(
            st.sampled_from(
                [(), (DOOR,), (DOOR, Address(channel="mail", address="a@b.example", buyer_id="a@b"))]
            )
        ),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[DueMessage, MessagePolicy, Facts, datetime]:
    now = draw(MOMENTS)
    lateness = draw(st.timedeltas(timedelta(0), timedelta(days=3)))
    due_at = now - draw(st.timedeltas(timedelta(0), timedelta(days=4)))
    category = draw(CATEGORIES)
    truth = draw(st.sampled_from([None, UNTRUE]))
    due = DueMessage(
        key="k",
        template="t",
        category=category,
        due_at=due_at,
        created_at=due_at,
        lateness=lateness,
        order="1001",
    )
    return (
        due,
        MessagePolicy(category=category, lateness=lateness, why_outdated=lambda *_: truth),
        draw(facts(now)),
        now,
    )


@given(cases())
def test_the_verdict_does_not_depend_on_the_order_of_the_buyers_chats(case: Any) -> None:
    due, policy, known, now = case
    turned = msgspec.structs.replace(known, conversations=known.conversations[::-1])
    assert judge(due, policy, turned, now) == judge(due, policy, known, now)


@given(cases())
def test_nothing_but_an_answer_leaves_in_the_quiet_hours_of_the_buyers_own_clock(case: Any) -> None:
    due, _, known, now = case
    quiet, local = known.shop.quiet_hours, now.astimezone(known.shop.zone(known.buyer.timezone)).time()
    if quiet.start < quiet.end:
        asleep = quiet.start <= local < quiet.end
    else:
        asleep = quiet.start != quiet.end and (local >= quiet.start or local < quiet.end)
    if asleep and due.category != "answer":
        assert not isinstance(judge(*case), Send)


@given(cases())
def test_nothing_but_an_answer_leaves_over_a_cap(case: Any) -> None:
    due, _, known, _ = case
    limits = known.shop.limits
    offers_full = due.category == "promotion" and known.promotions_in_week >= limits.promotions_per_week
    if due.category != "answer" and (known.sent_in_day >= limits.per_day or offers_full):
        assert not isinstance(judge(*case), Send)


@given(st.integers(1, 4), st.integers(0, 5), st.integers(0, 3), st.integers(0, 4), CATEGORIES)
def test_up_to_the_caps_a_message_leaves_and_not_one_more(
    per_day: int, in_day: int, per_week: int, offers: int, category: Category
) -> None:
    limits = Limits(per_day=per_day, promotions_per_week=per_week)
    shop = Shop(name="Mug House", limits=limits, quiet_hours=QuietHours(start=time(0), end=time(0)))
    known = Facts(
        shop=shop,
        buyer=ANN,
        standing=AGREES,
        sent_in_day=in_day,
        sent_in_day_until=NOW + HOUR if in_day else None,
        promotions_in_week=offers,
        promotions_in_week_until=NOW + DAY if offers else None,
        addresses=(DOOR,),
    )
    due = DueMessage(key="k", template="t", category=category, due_at=NOW, created_at=NOW, lateness=WEEK)
    verdict = judge(
        due, MessagePolicy(category=category, lateness=WEEK, why_outdated=lambda *_: None), known, NOW
    )
    room = in_day < per_day and (category != "promotion" or offers < per_week)
    assert isinstance(verdict, Send) == (room or category == "answer")


@given(cases())
def test_who_said_stop_gets_only_answers(case: Any) -> None:
    due, _, known, _ = case
    if known.standing.stopped and due.category != "answer":
        assert isinstance(judge(*case), Skip)


@given(cases())
def test_while_a_person_talks_the_bot_is_silent(case: Any) -> None:
    _, _, known, now = case
    if any(chat.human_until and chat.human_until > now for chat in known.conversations):
        assert not isinstance(judge(*case), Send)


@given(cases())
def test_what_is_untrue_or_too_late_or_unwanted_is_skipped(case: Any) -> None:
    due, moment, known, now = case
    unwanted = due.category == "promotion" and known.standing.agrees is not True
    if now > due.due_at + due.lateness or moment.why_outdated(due, known, now) or unwanted:
        assert isinstance(judge(*case), Skip)


@given(cases())
def test_a_message_is_held_to_a_moment_ahead_in_which_it_may_still_be_said(case: Any) -> None:
    due, _, _, now = case
    verdict = judge(*case)
    if isinstance(verdict, Hold):
        assert now < verdict.until <= due.due_at + due.lateness


@given(CATEGORIES, MOMENTS, st.timedeltas(timedelta(0), HOUR))
def test_what_nothing_forbids_is_said_by_the_best_way(
    category: Category, now: datetime, late: timedelta
) -> None:
    shop = Shop(name="Mug House", quiet_hours=QuietHours(start=time(0), end=time(0)))
    mail = Address(channel="mail", address="a@b.example", buyer_id="a@b.example")
    known = Facts(shop=shop, buyer=ANN, standing=AGREES, addresses=(DOOR, mail))
    due = DueMessage(
        key="k", template="t", category=category, due_at=now - late, created_at=now, lateness=HOUR
    )
    assert judge(
        due, MessagePolicy(category=category, lateness=HOUR, why_outdated=lambda *_: None), known, now
    ) == Send(DOOR)


@given(cases())
def test_every_verdict_names_a_reason_that_the_sellers_words_know(case: Any) -> None:
    verdict = judge(*case)
    if not isinstance(verdict, Send):
        assert set(verdict.why.values) <= set(REASONS[verdict.why.code])


def test_an_answer_comes_before_service_and_an_offer_before_a_greeting_only() -> None:
    assert sorted(PRIORITY, key=PRIORITY.__getitem__) == list(get_args(Category))


def test_the_limit_of_none_lets_no_offer_out() -> None:
    shop = Shop(name="Mug House", limits=Limits(promotions_per_week=0))
    known = Facts(shop=shop, buyer=ANN, standing=AGREES, addresses=(DOOR,))
    due = DueMessage(
        key="k", template="t", category="promotion", due_at=NOW, created_at=NOW, lateness=10 * HOUR
    )
    verdict = judge(
        due, MessagePolicy(category="promotion", lateness=10 * HOUR, why_outdated=lambda *_: None), known, NOW
    )
    assert isinstance(verdict, Skip)
    assert verdict.why.code == "promotions_full"


def test_a_word_that_nothing_else_forbids_waits_until_the_person_is_done() -> None:
    now = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    until = now + timedelta(hours=1)
    due = DueMessage(
        key="k", template="t", category="service", due_at=now, created_at=now, lateness=DAY, order="1001"
    )
    chat = Conversation(channel="web", address="ann", buyer="b1", human_until=until)
    known = Facts(shop=Shop(name="Mug House"), buyer=Buyer(id="b1"), conversations=(chat,), addresses=(DOOR,))
    moment = MessagePolicy(category="service", lateness=DAY, why_outdated=lambda *_: None)

    assert judge(due, moment, known, now) == Hold(until, Reason("human_talks", {"until": until}))
    assert judge(due, moment, known, until) == Send(DOOR)


# Single rules, at their boundaries

AWAKE = Shop(name="Mug House", quiet_hours=QuietHours(start=time(0), end=time(0)))
TRUE = MessagePolicy(category="service", lateness=HOUR, why_outdated=lambda *_: None)
SECOND = timedelta(seconds=1)


def judged(
    now: datetime = NOW,
    category: Category = "service",
    policy: MessagePolicy = TRUE,
    lateness: timedelta = HOUR,
    **known: Any,
) -> Send | Hold | Skip:
    """The verdict on a message that is due at NOW and may be an hour late."""
    due = DueMessage(key="k", template="t", category=category, due_at=NOW, created_at=NOW, lateness=lateness)
    facts = {"shop": AWAKE, "buyer": Buyer(id="b1"), "addresses": (DOOR,), **known}
    return judge(due, policy, Facts(**facts), now)


def chat(until: datetime | None) -> Conversation:
    return Conversation(channel="web", address="ann", buyer="b1", human_until=until)


@pytest.mark.parametrize(
    ("category", "until", "why"),
    [
        ("answer", NOW, "too_late"),
        ("answer", NOW + SECOND, "human_talks"),
        ("answer", NOW + DAY, "human_talks"),
        ("service", NOW + DAY, "too_late"),
    ],
)
def test_an_answer_that_is_late_was_given_by_the_person_who_talked(
    category: Category, until: datetime, why: str
) -> None:
    verdict = judged(now=NOW + 2 * HOUR, category=category, conversations=(chat(until),))
    assert isinstance(verdict, Skip)
    assert verdict.why.code == why


def test_a_message_that_is_exactly_as_late_as_it_may_be_is_sent() -> None:
    assert judged(now=NOW + HOUR) == Send(DOOR)
    late = Skip(Reason("too_late", {"due_at": NOW, "lateness": 3600}))
    assert judged(now=NOW + HOUR + SECOND) == late


def test_a_message_is_held_until_exactly_as_late_as_it_may_be() -> None:
    talks = Reason("human_talks", {"until": NOW + HOUR})
    assert judged(conversations=(chat(NOW + HOUR),)) == Hold(NOW + HOUR, talks)
    assert judged(conversations=(chat(NOW + HOUR),), lateness=HOUR - SECOND) == Skip(talks)


def test_a_takeover_is_over_at_its_end() -> None:
    assert judged(conversations=(chat(NOW),)) == Send(DOOR)
    assert isinstance(judged(conversations=(chat(NOW + SECOND),)), Hold)


def test_of_two_takeovers_the_longer_one_holds() -> None:
    verdict = judged(conversations=(chat(NOW + SECOND), chat(NOW + HOUR), chat(None)))
    assert verdict == Hold(NOW + HOUR, Reason("human_talks", {"until": NOW + HOUR}))


def test_who_said_stop_still_gets_an_answer() -> None:
    silent = Standing(stopped_at=NOW)
    assert judged(standing=silent) == Skip(Reason("stopped", {"stopped_at": NOW}))
    assert judged(standing=silent, category="answer") == Send(DOOR)


def test_what_is_no_longer_true_is_skipped_by_its_own_reason() -> None:
    outdated = MessagePolicy(category="service", lateness=HOUR, why_outdated=lambda *_: UNTRUE)
    assert judged(policy=outdated) == Skip(UNTRUE)


def test_the_check_of_a_message_knows_it_and_its_facts_and_the_time() -> None:
    def check(due: DueMessage, facts: Facts, now: datetime) -> Reason:
        return Reason("seen", {"key": due.key, "buyer": facts.buyer.id, "now": now})

    policy = MessagePolicy(category="service", lateness=HOUR, why_outdated=check)
    seen = {"key": "k", "buyer": "b1", "now": NOW + SECOND}
    assert judged(policy=policy, now=NOW + SECOND) == Skip(Reason("seen", seen))


@pytest.mark.parametrize("agrees", [None, False])
def test_an_offer_wants_a_yes(agrees: bool | None) -> None:
    unasked = Standing(agrees=agrees)
    assert judged(category="promotion", standing=unasked) == Skip(Reason("not_agreed"))
    assert judged(category="promotion", standing=AGREES) == Send(DOOR)
    assert judged(category="greeting", standing=unasked) == Send(DOOR)


def test_in_the_buyers_night_a_message_waits_for_the_morning_and_an_answer_does_not() -> None:
    night = Shop(name="Mug House", timezone="UTC", quiet_hours=QuietHours(start=time(3), end=time(4, 30)))
    until = NOW + timedelta(minutes=30)
    held = Hold(until, Reason("quiet_hours", {"until": until, "timezone": "UTC"}))
    assert judged(shop=night) == held
    assert judged(shop=night, category="answer") == Send(DOOR)
    assert judged(shop=night, buyer=Buyer(id="b1", timezone="Asia/Shanghai")) == Send(DOOR)


def test_at_the_cap_of_a_day_a_message_waits_until_the_oldest_counts_no_more() -> None:
    full = {"sent_in_day": AWAKE.limits.per_day, "sent_in_day_until": NOW + SECOND}
    why = Reason("day_full", {"limit": 6, "until": NOW + SECOND})
    assert judged(**full) == Hold(NOW + SECOND, why)
    assert judged(**full, category="answer") == Send(DOOR)
    assert judged(**{**full, "sent_in_day": 5}) == Send(DOOR)


@pytest.mark.parametrize("until", [None, NOW - SECOND])
def test_a_full_day_is_not_looked_at_again_before_now(until: datetime | None) -> None:
    why = Reason("day_full", {"limit": 6, "until": NOW})
    assert judged(sent_in_day=6, sent_in_day_until=until) == Hold(NOW, why)


def test_at_the_cap_of_a_week_an_offer_waits_until_the_oldest_counts_no_more() -> None:
    full = {"promotions_in_week": 1, "standing": AGREES}
    why = Reason("promotions_full", {"limit": 1})
    for until, wanted in ((NOW + SECOND, NOW + SECOND), (NOW - SECOND, NOW)):
        verdict = judged(**full, promotions_in_week_until=until, category="promotion")
        assert verdict == Hold(wanted, why)
    assert judged(**full, promotions_in_week_until=None, category="promotion") == Skip(why)
    assert judged(**full, promotions_in_week_until=NOW + SECOND) == Send(DOOR)


def test_without_an_address_a_message_is_skipped_but_only_once_nothing_holds_it() -> None:
    assert judged(addresses=()) == Skip(Reason("no_way"))
    due = DueMessage(
        key="k",
        template="t",
        category="service",
        due_at=NOW,
        created_at=NOW,
        lateness=HOUR,
        unlike="first",
    )
    nowhere = Facts(shop=AWAKE, buyer=Buyer(id="b1"))
    assert judge(due, TRUE, nowhere, NOW) == Skip(Reason("no_way", {"other": True}))
    assert isinstance(judged(addresses=(), conversations=(chat(NOW + SECOND),)), Hold)


def test_a_smaller_number_goes_first() -> None:
    assert PRIORITY["answer"] < PRIORITY["service"] < PRIORITY["promotion"]
