"""What may be told of an account: each kind of event, its topic and what it is about. Pure."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1  # of the envelope and of each kind's data; a member that is added is no new version


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event, by its type. `example`: what of `data` is this kind's own."""

    type: str
    topic: str
    words: str
    example: dict[str, object]


HELD: dict[str, object] = {"bytes": 107374182400, "counter": 107374182400}
CAP: dict[str, object] = {
    "cap_uuid": "0" * 32,
    "of": "subaccount",
    "name": "Harbour",
    "period": "month",
    "since": "2026-11-01",
    "unit": "mb",
    "limit": "5120",
    "used": "4198.4",
    "percent": 82,
}
KINDS = (
    Kind(
        "rule.fired",
        "rules",
        "A rule and the lines it triggered for, at most 250",
        {"name": "512 MB a day", "lines": 2},
    ),
    Kind("follow_up.run", "rules", "A rule’s change was undone at once", {"rule": "512 MB a day", "act": "activate"}),
    Kind(
        "follow_up.cancelled",
        "rules",
        "A rule’s change stays: what would undo it was canceled",
        {"rule": "512 MB a day"},
    ),
    Kind("line.activated", "lines", "Activation of a line is requested", {}),
    Kind("line.deactivated", "lines", "Deactivation of a line is requested", {}),
    Kind("line.suspended", "lines", "Suspension of a line is requested", {}),
    Kind("line.confirmed", "lines", "The carrier confirmed what was requested", {"status": "Activated"}),
    Kind(
        "line.failed",
        "lines",
        "The carrier does not take the request; it is retried",
        {"status": "Activated", "why": "HTTP 503"},
    ),
    Kind(
        "line.refused",
        "lines",
        "The carrier refuses the request; it is asked again",
        {"status": "Activated", "why": "HTTP 422"},
    ),
    Kind("line.added", "lines", "A line came to the account", {}),
    Kind("line.released", "lines", "A line left the account", {}),
    Kind("line.plan_changed", "lines", "A line is on another rate plan", {"before": "Europe 10", "after": "Europe 20"}),
    Kind("line.left_alone", "lines", "Rules changed a line six times in a day; it is left as it is", {}),
    Kind("line.assigned", "lines", "A line moved to a sub-account, or back", {}),
    Kind(
        "imei.changed",
        "lines",
        "A line’s SIM is in another device",
        {"before": "356938035643809", "after": "490154203237518"},
    ),
    Kind(
        "usage.held",
        "usage",
        "A line used far more than usual; it is charged once the next reading confirms it",
        HELD,
    ),
    Kind(
        "usage.released",
        "usage",
        "Unusually large usage was confirmed and charged",
        HELD,
    ),
    Kind(
        "usage.taken_back",
        "usage",
        "The carrier took unusually large usage back; it costs nothing",
        HELD,
    ),
    Kind(
        "usage.dismissed",
        "usage",
        "Unusually large usage was dismissed; it costs nothing",
        HELD,
    ),
    Kind("usage.threshold", "usage", "A cap is used to 50, 80 or 100 percent", CAP | {"at": 80}),
    Kind(
        "cap.reached",
        "usage",
        "A cap is full; the lines under it are stopped, or it only notifies",
        CAP | {"used": "5140.48", "percent": 100, "action": "stop", "lines_stopped": 2},
    ),
    Kind(
        "cap.cleared", "usage", "A cap let its lines go: a new period, or a higher limit", CAP | {"lines_released": 2}
    ),
    Kind(
        "bundle.threshold",
        "usage",
        "Included data of a line or of a pool is used to 80 or 100 percent",
        {"rate_plan": "Sample plan", "cycle": "2026-11-01", "at": 80},
    ),
    Kind("balance.low", "balance", "The balance is orange or red", {}),
    Kind("balance.good", "balance", "The balance is green again", {}),
    Kind("balance.red", "balance", "The balance fell below its minimum; lines are suspended", {"lines_suspended": 12}),
    Kind("balance.recovered", "balance", "The balance recovered; lines are reactivated", {"lines_reactivated": 12}),
    Kind("payment.succeeded", "payments", "A payment was taken", {"amount": "50.00"}),
    Kind("payment.declined", "payments", "A payment was declined, auto-refill included", {"amount": "50.00"}),
    Kind("payment.failed", "payments", "A payment failed, auto-refill included", {"amount": "50.00"}),
    Kind("payment.refund", "payments", "A payment was refunded", {"amount": "50.00"}),
    Kind("payment.dispute", "payments", "A payment is disputed", {"amount": "50.00"}),
    Kind("card.gone", "payments", "The payment method can be used no longer", {}),
    Kind("sms.sent", "sms", "An SMS to a device is on its way", {"sms": 68}),
    Kind("sms.delivered", "sms", "An SMS reached the device", {"sms": 68}),
    Kind("sms.undelivered", "sms", "An SMS did not reach the device", {"sms": 68, "why": "expired"}),
    Kind("sms.received", "sms", "A device sent an SMS", {"sms": 69, "length": 9, "text": "door open"}),
    Kind("sms.refused", "sms", "An SMS was not taken", {"sms": 68, "why": "The network did not take the message"}),
    Kind(
        "sms.doubted",
        "sms",
        "The carrier’s answer about an SMS was lost",
        {"sms": 68, "text": "reboot", "listed": "reb?ot"},
    ),
    Kind("sms.settled", "sms", "Somebody said whether a doubtful SMS was sent", {"sms": 68, "was_sent": True}),
    Kind("job.start", "jobs", "A job began", {"action": "deactivate", "lines": 12}),
    Kind("job.finish", "jobs", "A job is done", {"action": "deactivate", "lines": 12, "over": 12}),
    Kind("job.cancel", "jobs", "A job was canceled", {"action": "deactivate", "lines": 12, "over": 3}),
    Kind("order.answered", "orders", "An order of SIM cards was answered", {}),
    Kind("statement.asked", "statements", "A statement was ordered", {}),
    Kind("statement.closed", "statements", "The figures of a month are final", {"month": "2026-10"}),
    Kind(
        "carrier.trouble",
        "carriers",
        "A carrier of your lines does not answer or is read late",
        {"carrier": "Simbase", "why": "Simbase does not answer"},
    ),
    Kind("carrier.recovered", "carriers", "A carrier of your lines is well again", {"carrier": "Simbase"}),
    Kind(
        "notification.sent",
        "notifications",
        "People were notified who chose the webhook for it",
        {
            "kind": "jobs",
            "title": "Deactivate: completed",
            "text": "12 lines done.",
            "page": "/jobs/" + "0" * 32 + "/",
            "people": ["jane@company.com"],
        },
    ),
    Kind("api_key.made", "keys", "An API key was made", {"name": "billing export"}),
    Kind("api_key.expiring", "keys", "An API key ends within 7 days", {"name": "billing export"}),
    Kind("api_key.revoked", "keys", "An API key was revoked", {"name": "billing export"}),
)
BY_TYPE = {kind.type: kind for kind in KINDS}
TOPICS: dict[str, tuple[str, ...]] = {
    topic: tuple(kind.type for kind in KINDS if kind.topic == topic) for topic in dict.fromkeys(k.topic for k in KINDS)
}
REQUESTS = {"line.activated": True, "line.deactivated": False, "line.suspended": False}  # what the carrier confirms
STATUS = {True: "Activated", False: "Deactivated"}
