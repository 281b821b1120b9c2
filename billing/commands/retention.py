"""Which rows of billing may go when they are old."""

from __future__ import annotations

from kit.retention import Kind

# A notice of Stripe only makes us ask for the payment that it names: told again, an old one moves nothing.
KINDS = (
    Kind(
        "payment events",
        "billing_webhookevent",
        13,
        "t.received_at",
        "t.received_at < %(limit)s",
        may_go="t.handled_at IS NOT NULL",
    ),
)
