"""Whoever asked for a person is on the list of who waits until a person answers, whatever else happens; and
while a person talks the bot is silent."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import read_models
from tests.engine import Buyer, Engine, ManyShops, in_many_shops
from tests.world import NOON

TAKEOVER = timedelta(hours=2)
CALLS = ("转人工", "我要找真人客服", "agent please", "請轉真人")
OTHER_WORDS = ("我的包裹到哪了", "谢谢", "在吗", "有红色的吗", "thanks", "退订", "1001", "好的")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("call", "other", "answer", "react", "crash", "settle", "wait")),
        st.integers(0, 7),
        st.sampled_from((1, 10, 90, 3 * 60)),  # minutes until the next step
    ),
    max_size=14,
)


async def waiting(engine: Engine) -> list[str | None]:
    found = await engine.database.read(partial(read_models.who_waits, shops=[engine.shop]))
    return [case.who for _, case in found]


async def crash(engine: Engine) -> None:
    """Lose a batch after it was decided and before it was committed."""

    class Lost(Exception):
        pass

    def lose(connection: object) -> None:
        reactor = engine.program.parts.reactor
        reactor.react_in(connection, [engine.shop], engine.clock)  # type: ignore[arg-type]
        raise Lost

    with pytest.raises(Lost):
        await engine.database.write(lose)


async def lived(shops: ManyShops, steps: list[tuple[str, int, int]]) -> None:
    engine = shops.engine(quiet_hours={"start": "00:00", "end": "00:00"})
    ann = Buyer()
    await engine.take(ann.placed())
    await engine.settle()
    unanswered, silent_until = False, NOON - TAKEOVER
    sent: list[tuple[datetime, datetime]] = []
    for what, which, minutes in steps:
        engine.clock.now += timedelta(minutes=minutes)
        now, said = engine.clock.now, len(engine.sent)
        match what:
            case "call":
                await engine.take(ann.says(CALLS[which % len(CALLS)], now))
                unanswered = True
            case "other":
                await engine.take(ann.says(OTHER_WORDS[which % len(OTHER_WORDS)], now))
            case "answer":
                await engine.take(ann.is_answered_by_a_person("我在，请说", now))
                unanswered, silent_until = False, now + TAKEOVER
            case "crash":
                await crash(engine)
            case "react":
                await engine.react()
                continue
            case "settle" | "wait":
                pass
        await engine.settle()
        if now < silent_until:
            sent += [(one.at, silent_until) for one in engine.sent[said:]]
        if unanswered:
            assert await waiting(engine) == ["安娜 · webhook:ann"], what
    assert [at for at, until in sent if at < until] == []


def test_who_asked_for_a_person_waits_on_the_list_until_answered(database_url: str) -> None:
    with in_many_shops(database_url) as (shops, run):

        @settings(max_examples=60 if shops.database.dialect == "sqlite" else 15)
        @given(STEPS)
        def check(steps: list[tuple[str, int, int]]) -> None:
            run(lived(shops, steps))

        check()
