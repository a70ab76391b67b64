"""The engine's reason codes with their values; those of a shop's rules are declared beside the rules.

Every code has a sentence in `templates/<locale>/seller.yaml`. Values: `*_at` and `until` are ISO 8601 times
in UTC, durations are whole seconds, the rest as named.
"""

from collections.abc import Mapping

Reasons = Mapping[str, tuple[str, ...]]

ARRIVAL_UNCLEAR = "arrival_unclear"  # of a message that is not sent, and of the case that shows it

REASONS: Reasons = {
    # sent, or about to be
    "sent": ("channel", "sent_at"),
    "waiting": ("due_at",),
    "sending": ("channel",),
    # held: judged again at `until`
    "human_talks": ("until",),
    "quiet_hours": ("until", "timezone"),
    "day_full": ("limit", "until"),
    "first_things": ("until",),
    "try_again": ("why", "attempts", "until"),
    # skipped by the arbiter or by storage
    "stopped": ("stopped_at",),
    "not_agreed": (),
    "promotions_full": ("limit",),
    "too_late": ("due_at", "lateness"),
    "no_way": ("other",),
    "offered_before": (),
    # withdrawn because it was about another order of that id
    "anothers_fact": ("channel",),
    # withdrawn by the person who released a held outbox
    "left_out": ("before_at",),
    # withdrawn because its campaign was stopped; queued again once it is resumed
    "campaign_stopped": (),
    # withdrawn because its buyer was erased
    "erased": (),
    # failed
    "refused": ("why",),
    "unreachable": ("why",),
    "gave_up": ("attempts", "why"),
    "template_broken": ("template", "why"),
    # unknown whether it arrived
    "unknown": ("channel",),
    "unknown_resend": ("channel",),
    "unknown_left": ("channel",),
    ARRIVAL_UNCLEAR: ("order", "parcel", "text"),
    # cases
    "wrote_again": ("text",),
    "complained_again": ("text",),
    "no_answer": ("order",),
    "transfer_unclear": ("amount", "booked_at", "payer", "text", "candidates"),
    "handler_failed": ("event", "error"),
    "order_stopped": ("order",),
    "undeliverable": ("template", "why"),
    "unanswered": ("asked_at", "template"),
}
