"""The wait before a failed sending is tried again."""

from datetime import timedelta

ATTEMPTS = 33  # nine waits, each twice the last, come to two hours; then one an hour: gives up after a day
FIRST = timedelta(seconds=15)
LONGEST = timedelta(hours=1)


def wait_before(attempt: int, jitter: float, retry_after: timedelta | None = None) -> timedelta | None:
    """The wait after `attempt` (1 is the first) failed; None: give up.

    jitter: 0 to 1; spreads the waits by a quarter each way, so that many messages do not come back at once.
    retry_after: the platform's own wait; never undercut, but bounded by a day.
    """
    if attempt >= ATTEMPTS:
        return None
    wait: timedelta = min(FIRST * 2 ** (attempt - 1), LONGEST) * (0.75 + jitter / 2)
    if retry_after is None:
        return wait
    return max(wait, min(retry_after, timedelta(days=1)))
