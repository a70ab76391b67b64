"""The scenarios as a table: what breaks, on which database, and with how many programs."""

from bench.faults import breaking
from bench.faults.breaking import receiver_in
from bench.faults.environment import Scenario
from bot.program import LEGS

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)
WHOLE = (LEGS, LEGS, LEGS)
SPLIT = (("receive",), ("react",), ("deliver",))
QUICK = {"speed": 5.0, "lease": 20.0}  # a retry after a quarter of a minute comes after three seconds
SHORT = {"lease": 1.0}
RECEIVER_FAULTS = ("hanging", "garbage", "closing", "broken", "slow", "putting off")

SCENARIOS = (
    Scenario(name="killed", on=SQLITE, breaks=breaking.kill, plan=SHORT),
    Scenario(name="any of three killed", on=POSTGRESQL, breaks=breaking.kill, split=WHOLE, plan=SHORT),
    Scenario(name="any leg of three killed", on=POSTGRESQL, breaks=breaking.kill, split=SPLIT, plan=SHORT),
    *(
        Scenario(name="killed while it sends", on=each, breaks=breaking.kill_while_sending, plan=SHORT)
        for each in BOTH
    ),
    Scenario(
        name="database stopped and crashed",
        on=POSTGRESQL,
        breaks=breaking.stop_the_server,
        split=WHOLE,
        needs="server",
    ),
    Scenario(name="connections cut", on=POSTGRESQL, breaks=breaking.cut_connections, split=WHOLE),
    Scenario(name="disk full", on=SQLITE, breaks=breaking.fill_the_disk),
    Scenario(name="receiver in any mood", on=SQLITE, breaks=receiver_in(*RECEIVER_FAULTS), plan=QUICK),
    *(
        Scenario(name=f"receiver {fault}", on=each, breaks=receiver_in(fault), plan=QUICK)
        for fault in RECEIVER_FAULTS
        for each in BOTH
    ),
    *(
        Scenario(name="TLS fails", on=each, breaks=breaking.upset_tls, plan=QUICK, needs="tls")
        for each in BOTH
    ),
    *(
        Scenario(
            name="repeated, reordered, late",
            on=each,
            breaks=breaking.reorder,
            traffic=breaking.ReorderedTraffic,
        )
        for each in BOTH
    ),
    *(Scenario(name="clock jumps", on=each, breaks=breaking.jump, audited=False) for each in BOTH),
    *(
        Scenario(name="poisoned events", on=each, breaks=breaking.poison, plan={"poisoned": True})
        for each in BOTH
    ),
    Scenario(
        name="leader of the log killed",
        on=POSTGRESQL,
        breaks=breaking.kill_the_logs_leader,
        split=(LEGS, LEGS),
        needs="log",
    ),
)
