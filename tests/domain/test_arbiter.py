"""What the arbiter lets out, over any facts, limits and moments."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.arbiter import PRIORITY, Hold, Send, Skip, judge
from bot.domain.context import Buyer, Category, Conversation
from bot.domain.messages import Address, DueMessage, Facts, MessagePolicy, Reason
from bot.domain.shop import Limits, QuietHours, Shop
from handlers.routes import REASONS

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # noon in Shanghai
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
DOOR = Address(channel="web", address="ann", buyer_id="ann")
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
    stopped_at = draw(moments)
    buyer = Buyer(
        id="b1",
        timezone=draw(st.none() | ZONES),
        agrees=draw(st.none() | st.booleans()),
        stopped_at=stopped_at,
        resumed_at=draw(moments),
    )
    chats = tuple(
        Conversation(channel="web", address=address, buyer="b1", human_until=draw(moments))
        for address in draw(st.sampled_from([(), ("ann",), ("ann", "ann-phone")]))
    )
    in_day, in_week = draw(st.integers(0, 9)), draw(st.integers(0, 4))
    ago = st.timedeltas(timedelta(seconds=1), timedelta(hours=23))
    return Facts(
        shop=shop,
        buyer=buyer,
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
def test_the_same_facts_get_the_same_verdict(case: Any) -> None:
    assert judge(*case) == judge(*case)


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
        buyer=Buyer(id="b1", agrees=True),
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
    if known.buyer.stopped and due.category != "answer":
        assert isinstance(judge(*case), Skip)


@given(cases())
def test_while_a_person_talks_the_bot_is_silent(case: Any) -> None:
    _, _, known, now = case
    if any(chat.human_until and chat.human_until > now for chat in known.conversations):
        assert not isinstance(judge(*case), Send)


@given(cases())
def test_what_is_untrue_or_too_late_or_unwanted_is_skipped(case: Any) -> None:
    due, moment, known, now = case
    unwanted = due.category == "promotion" and known.buyer.agrees is not True
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
    known = Facts(shop=shop, buyer=Buyer(id="b1", agrees=True), addresses=(DOOR, mail))
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
    known = Facts(shop=shop, buyer=Buyer(id="b1", agrees=True), addresses=(DOOR,))
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
