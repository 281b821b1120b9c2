"""Whether there is work for a sweep: asked by whoever rings, so that a bell is not rung for nothing."""

from __future__ import annotations

from billing.policy import OPEN_PAYMENT, Decision

OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_PAYMENT))

# By task, a condition that holds whenever the task would ask or mail something.
WORK = {
    "billing.tasks.ask_stripe": "EXISTS (SELECT FROM billing_payment p"
    f" WHERE p.state IN ({OPEN}) AND p.ask_at <= %(now)s)"
    f" OR EXISTS (SELECT FROM billing_refund r WHERE r.state = '{Decision.OPEN}' AND r.ask_at <= %(now)s)"
    " OR EXISTS (SELECT FROM billing_webhookevent e WHERE e.handled_at IS NULL AND e.try_at <= %(now)s)",
    "billing.tasks.send_notices": "EXISTS (SELECT FROM billing_notice n WHERE n.mailed_at IS NULL"
    " AND n.failed_at IS NULL AND n.handed_at IS NULL AND n.mail_after <= %(now)s"
    " AND (n.due_at IS NULL OR n.due_at <= %(now)s))"
    " OR EXISTS (SELECT FROM billing_notice n WHERE NOT n.is_shown AND (n.due_at IS NULL OR n.due_at <= %(now)s))",
}
