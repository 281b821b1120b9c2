"""Whether there is work for a sweep: asked by whoever rings, so that a bell is not rung for nothing."""

from __future__ import annotations

# By task, a condition that holds whenever the task would mail something.
WORK = {
    "accounts.tasks.mail_invitations": "EXISTS (SELECT FROM accounts_postedletter l"
    " WHERE l.mailed_at IS NULL AND l.failed_at IS NULL AND l.handed_at IS NULL AND l.mail_after <= %(now)s)"
    " OR EXISTS (SELECT FROM accounts_waitingletter)",
}
