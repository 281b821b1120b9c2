"""Whether there is work for a sweep: asked by whoever rings, so that a bell is not rung for nothing."""

from __future__ import annotations

from automation.kinds import BY_TYPE
from automation.policy import FollowState, Outcome, Trigger
from automation.queries import news

EVENTS = "e.id > coalesce((SELECT w.last_event FROM automation_swept w WHERE w.name = '{reader}'), 0)"

# By task, a condition that holds whenever the task would do something.
WORK = {
    "automation.tasks.act": "EXISTS (SELECT FROM lines_changedlines)"
    f" OR EXISTS (SELECT FROM automation_followup f WHERE f.state = '{FollowState.OPEN}' AND f.due_at <= %(now)s)"
    " OR EXISTS (SELECT FROM automation_rule r WHERE r.check_asked_at IS NOT NULL)"
    f" OR EXISTS (SELECT FROM automation_rulefire f WHERE f.outcome = '{Outcome.STANDS_BY}')"
    " OR EXISTS (SELECT FROM automation_rulefire f WHERE f.mail_due)"
    " OR EXISTS (SELECT FROM automation_rule r WHERE r.is_on AND r.deleted_at IS NULL"
    f"      AND r.trigger IN ('{Trigger.IMEI}', '{Trigger.SMS}'))"
    "    AND EXISTS (SELECT FROM accounts_event e WHERE e.verb IN ('imei.changed', 'sms.received')"
    f"      AND {EVENTS.format(reader='rules')})"
    f" OR EXISTS (SELECT FROM {news.EVENTS} WHERE {news.IS_UNTOLD}"
    f"      AND e.at > %(now)s - interval '1 day' AND {EVENTS.format(reader='news')})",
    "automation.tasks.settle_test_accounts": "EXISTS (SELECT FROM lines_sandbox s"
    " JOIN accounts_account a ON a.id = s.account_id AND a.is_active"
    " WHERE s.settled_on IS DISTINCT FROM ((%(now)s + s.ahead) AT TIME ZONE 'UTC')::date"
    "    OR EXISTS (SELECT FROM lines_line l JOIN lines_drive d ON d.line_id = l.id"
    "                WHERE l.payer_id = s.account_id AND (d.due_at IS NULL OR d.due_at <= %(now)s + s.ahead))"
    "    OR EXISTS (SELECT FROM lines_smsmessage m WHERE m.payer_id = s.account_id AND m.is_open"
    "                 AND (m.due_at IS NULL OR m.due_at <= %(now)s + s.ahead)))",
    "automation.tasks.send_webhooks": "EXISTS (SELECT FROM accounts_event e"
    f" WHERE e.account_id IS NOT NULL AND e.verb = ANY('{{{','.join(BY_TYPE)}}}') AND {EVENTS.format(reader='feed')}"
    "   AND NOT EXISTS (SELECT FROM automation_feedevent f WHERE f.source = e.id))"
    " OR EXISTS (SELECT FROM automation_awaitedline)"
    " OR EXISTS (SELECT FROM billing_notification b WHERE b.webhook_due)"
    " OR EXISTS (SELECT FROM automation_webhookdelivery d JOIN automation_webhookendpoint p ON p.id = d.endpoint_id"
    "   WHERE d.delivered_at IS NULL AND d.failed_at IS NULL AND (d.due_at IS NULL OR d.due_at <= %(now)s)"
    "     AND p.is_on AND p.deleted_at IS NULL AND (p.wait_until IS NULL OR p.wait_until <= %(now)s))",
}
