"""Prometheus metrics, without personal data."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ANSWERS = (200, 401, 413, 429, 503)  # HTTP statuses that a known channel answers deliveries with
EVENTS = ("handled", "parked")
MESSAGES = ("send", "hold", "skip", "sent", "queued", "failed", "unknown")
SETTLED_BY = ("api", "command")
CLOSED = ("slow", "crowd", "memory", "greed")


class Metrics:
    """One registry for one program; a second program in the same process has its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.deliveries = Counter(
            "xiaoer_deliveries",
            "Webhook deliveries by answer",
            ("shop", "channel", "status"),
            registry=registry,
        )
        self.unreadable = Counter(
            "xiaoer_unreadable",
            "Genuine deliveries kept as unreadable",
            ("shop", "channel"),
            registry=registry,
        )
        self.group_size = Histogram(
            "xiaoer_commit_deliveries",
            "Deliveries in one commit",
            buckets=(1, 3, 10, 30, 100, 300, 1000),
            registry=registry,
        )
        self.events = Counter(
            "xiaoer_events", "Events by what became of them", ("shop", "outcome"), registry=registry
        )
        self.messages = Counter(
            "xiaoer_messages", "Messages by outcome of a look at them", ("shop", "outcome"), registry=registry
        )
        self.refused_tokens = Counter(
            "xiaoer_api_refused",
            "Requests to the API without a right token; the shop is empty where there is no such shop",
            ("shop",),
            registry=registry,
        )
        self.settled = Counter(
            "xiaoer_cases_settled", "Cases settled by the seller", ("shop", "way"), registry=registry
        )
        self.sending = Histogram(
            "xiaoer_sending_seconds", "How long a platform took", ("shop", "channel"), registry=registry
        )
        self.backlog = Gauge("xiaoer_inbox_open", "Events waiting to be handled", registry=registry)
        self.lag = Gauge("xiaoer_inbox_lag_seconds", "Age of the oldest waiting event", registry=registry)
        self.outbox = Gauge("xiaoer_outbox", "Messages by state", ("shop", "state"), registry=registry)
        self.held = Gauge("xiaoer_outbox_held", "1 while nothing is sent, by order", registry=registry)
        self.connections = Gauge("xiaoer_connections", "Open connections", registry=registry)
        self.closed = Counter(
            "xiaoer_connections_closed",
            "Connections that we closed: slow, crowd, memory or greed",
            ("why",),
            registry=registry,
        )
        self.log_lag = Gauge(
            "xiaoer_log_lag", "Deliveries in the log that are not in the inbox yet", registry=registry
        )
        self.log_taken = Counter(
            "xiaoer_log_taken", "Deliveries taken from the log into the inbox", registry=registry
        )
        self.log_errors = Counter(
            "xiaoer_log_errors", "Deliveries that the log did not take", registry=registry
        )
        self.log_holds = Gauge(
            "xiaoer_log_holds", "1 while messages wait for the log", ("partition",), registry=registry
        )
        self.leg_errors = Counter(
            "xiaoer_leg_errors", "Rounds of a leg that failed whole", ("leg",), registry=registry
        )

    def begin(self, shops: Iterable[str], channels: Iterable[tuple[str, str]], log: str | None) -> None:
        """Export every label combination as 0, because Prometheus sees no rise in a series that begins at 1.

        channels: (shop, channel) that receive. log: the channel label of deliveries from the log, if any.
        """
        self.refused_tokens.labels("")
        for shop in shops:
            self.refused_tokens.labels(shop)
            for way in SETTLED_BY:
                self.settled.labels(shop, way)
            for outcome in EVENTS:
                self.events.labels(shop, outcome)
            for outcome in MESSAGES:
                self.messages.labels(shop, outcome)
            if log:
                self.unreadable.labels(shop, log)
        for shop, channel in channels:
            self.unreadable.labels(shop, channel)
            for status in ANSWERS:
                self.deliveries.labels(shop, channel, status)
        for why in CLOSED:
            self.closed.labels(why)
