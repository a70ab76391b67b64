"""What the program says of itself: its audit accuses nobody where nothing else is found."""

from collections.abc import Iterator

from tests.outside.history import Finding, History


def accused(history: History) -> Iterator[Finding]:
    """The audit has nothing to say of a run, since every promise was kept."""
    for sentence in history.accused:
        yield Finding(rule="", when=history.ended_at, what=f"the audit says {sentence}")
