"""Every reason the program may give, with the values it carries; the seller's words know them all.

Values: `*_at` and `until` are ISO 8601 moments in UTC, durations are whole seconds, the rest as named.
"""

REASONS: dict[str, tuple[str, ...]] = {
    # sent, or on its way
    "sent": ("channel", "sent_at"),
    "waiting": ("due_at",),
    "sending": ("channel",),
    # held: it will be looked at again at `until`
    "human_talks": ("until",),
    "quiet_hours": ("until", "timezone"),
    "day_full": ("limit", "until"),
    "try_again": ("why", "attempts", "until"),
    # skipped by the arbiter
    "stopped": ("stopped_at",),
    "not_agreed": (),
    "promotions_full": ("limit",),
    "too_late": ("due_at", "lateness"),
    "no_way": (),
    # skipped or withdrawn because it is no longer true
    "order_unknown": ("order",),
    "order_paid": ("order", "paid_at"),
    "order_partly_paid": ("order",),
    "pay_on_delivery": ("order",),
    "nothing_owed": ("order",),
    "order_not_paid": ("order",),
    "order_cancelled": ("order", "cancelled_at"),
    "order_reopened": ("order",),
    "order_refunded": ("order",),
    "order_closed": ("order", "closes_at"),
    "order_shipped": ("order",),
    "order_delivered": ("order", "delivered_at"),
    "order_not_delivered": ("order",),
    "order_reviewed": ("order",),
    "already_told": ("order",),
    "parcel_moved": ("order", "moved_at"),
    "case_open": ("number",),
    "buyer_answered": ("answered_at",),
    "not_in_tier": ("tier",),
    "offered_before": (),
    "promotion_over": ("end",),
    # withdrawn by whoever let a held outbox go
    "left_out": ("before_at",),
    # failed
    "refused": ("why",),
    "unreachable": ("why",),
    "gave_up": ("attempts", "why"),
    "template_broken": ("template", "why"),
    # unknown (promise 7)
    "unknown": ("channel",),
    "unknown_resend": ("channel",),
    "unknown_left": ("channel",),
    # cases: why a person is called
    "asked_for_person": ("text",),
    "not_understood": ("text",),
    "media_received": (),
    "payment_claimed": ("order", "text"),
    "form_filled": ("order", "name", "bank", "amount", "time"),
    "unpaid_closed": ("order", "amount", "history"),
    "no_answer": ("order",),
    "parcel_late": ("order", "days"),
    "bad_review": ("order", "rating", "text"),
    "paid_after_cancel": ("order", "amount"),
    "paid_partly": ("order", "amount", "total"),
    "proof_failed": ("tries",),
    "handler_failed": ("event", "error"),
    "undeliverable": ("template", "why"),
}
