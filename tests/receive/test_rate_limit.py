"""How many deliveries of a shop are taken, and which of them count as repeated."""

from bot.receive.rate_limit import RateLimit, RecentBodies


def test_a_burst_is_twice_the_limit_and_the_bucket_fills_again_with_time() -> None:
    rate = RateLimit({"shop": 2})

    assert [rate.take("shop", 0.0) for _ in range(5)] == [True, True, True, True, False]
    assert rate.take("shop", 0.6)
    assert not rate.take("shop", 0.6)


def test_however_long_nothing_comes_a_bucket_holds_no_more_than_a_burst() -> None:
    rate = RateLimit({"shop": 2})

    assert [rate.take("shop", 3600.0) for _ in range(5)] == [True, True, True, True, False]


def test_a_clock_that_runs_backwards_gives_nothing_and_takes_nothing() -> None:
    rate = RateLimit({"shop": 1})

    assert [rate.take("shop", 10.0), rate.take("shop", 5.0), rate.take("shop", 5.0)] == [True, True, False]


def test_no_shop_spends_what_belongs_to_another() -> None:
    rate = RateLimit({"busy": 1, "calm": 1})
    while rate.take("busy", 0.0):
        pass

    assert rate.take("calm", 0.0)


def test_repeated_deliveries_spend_from_a_bucket_of_their_own() -> None:
    rate = RateLimit({"shop": 1})
    while rate.take("shop", 0.0, repeated=True):
        pass

    assert rate.take("shop", 0.0)


def test_a_body_is_seen_once_the_same_source_has_sent_it() -> None:
    recent = RecentBodies()

    assert not recent.seen("a/webhook", b"1")
    assert recent.seen("a/webhook", b"1")
    assert not recent.seen("b/webhook", b"1")
    assert not recent.seen("a/webhook", b"2")


def test_a_source_and_a_body_are_not_taken_for_others_that_join_to_the_same_bytes() -> None:
    recent = RecentBodies()

    assert not recent.seen("shop", b"12")
    assert not recent.seen("shop1", b"2")


def test_the_oldest_body_is_forgotten_first() -> None:
    recent = RecentBodies(most=2)
    for body in (b"1", b"2", b"3"):
        recent.seen("shop", body)

    assert recent.seen("shop", b"3")
    assert recent.seen("shop", b"2")
    assert not recent.seen("shop", b"1")
