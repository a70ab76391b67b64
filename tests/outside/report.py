"""Findings as text: how many by rule, and the smallest story of each."""

from dataclasses import dataclass, field

from tests.outside.facts import Fact, Placed, Wrote
from tests.outside.generator import Plan
from tests.outside.history import Finding, Heard, History, Told
from tests.outside.judge import RULES
from tests.outside.rules.sayings import shown

_MOST_LINES = 60


@dataclass
class Tally:
    """counts: findings by rule; runs: for each rule, steps and seed of the runs that showed it."""

    counts: dict[str, int] = field(default_factory=dict)
    runs: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def rules(self) -> list[str]:
        return [rule for rule in RULES if rule in self.counts]

    def add(self, rule: str, seed: int, count: int, steps: int) -> None:
        self.counts[rule] = self.counts.get(rule, 0) + count
        self.runs.setdefault(rule, []).append((steps, seed))

    def smallest(self, rule: str) -> int:
        """The seed of the shortest run that showed it."""
        return min(self.runs[rule])[1]


def show(found: Tally, samples: dict[str, str], runs: int) -> None:
    for rule in found.rules:
        seeds = ", ".join(str(seed) for _, seed in sorted(found.runs[rule])[:5])
        runs_of = f"{len(found.runs[rule])} of {runs} runs (seeds {seeds})"
        print(f"\n{rule}: {found.counts[rule]} findings in {runs_of}")
        print(f"  {' '.join((RULES[rule].__doc__ or '').split())}")
        if rule in samples:
            print(samples[rule])
    print(f"\n{found.total} findings of {len(found.rules)} rules in {runs} runs")


def story(plan: Plan, history: History, finding: Finding) -> str:
    """What was told about the order of a finding, and what was heard, in one line each."""
    lines = [
        f"  seed {plan.seed} ({plan.kind}), {len(plan.steps)} deliveries left",
        f"  {_settings(history)}",
        *(
            f"  the program dies ({step.kill}) at {step.at:%d %b %H:%M:%S}"
            for step in plan.steps
            if step.kill
        ),
    ]
    lines += [f"  FOUND {finding.when:%d %b %H:%M:%S} {finding.what}"]
    lines += [f"        {line}" for line in finding.evidence]
    events: list[Told | Heard] = sorted([*history.told, *history.heard], key=lambda event: event.seq)
    relevant = [event for event in events if _matters(history, event, finding)]
    for event in relevant[:_MOST_LINES]:
        if isinstance(event, Heard):
            lines.append(f"    heard {shown(event)}")
        else:
            what = f"{event.channel} {event.kind} {event.delivery}"
            lines.append(f"    told #{event.seq} {event.acked_at:%d %b %H:%M:%S} {what}")
            lines += [f"           {_written(fact)}" for fact in event.facts]
    return "\n".join(lines)


def _matters(history: History, event: Told | Heard, finding: Finding) -> bool:
    if finding.order is None:
        return True
    if isinstance(event, Heard):
        return finding.order in history.orders_of(event) or event.order is None
    return any(
        isinstance(fact, Wrote) or getattr(fact, "order", finding.order) == finding.order
        for fact in event.facts
    )


def _written(fact: Fact) -> str:
    values = {
        name: getattr(fact, name) for name in fact.__dataclass_fields__ if name not in ("at", "amounts")
    }
    if isinstance(fact, Placed):
        contact = fact.contact
        who = {"buyer": contact.buyer, "name": contact.name, "email": contact.email, "phone": contact.phone}
        values["contact"] = ", ".join(f"{name} {value}" for name, value in who.items() if value)
    shown_values = ", ".join(
        f"{name}={value}" for name, value in values.items() if value not in (None, False)
    )
    return f"{type(fact).__name__} at {fact.at:%d %b %H:%M:%S} {shown_values}"


def _settings(history: History) -> str:
    shop = history.shop
    quiet = "-".join(f"{time:%H:%M}" for time in shop.quiet)
    limits = f"quiet {quiet}, {shop.per_day} a day, own words {shop.own_words}"
    return f"{shop.locale} {shop.zone} {shop.currency}, {limits}"
