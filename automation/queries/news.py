"""What happened in apps below that people of an account want to know, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection

from accounts.policy import ActorKind
from billing.policy.notices import Kind
from billing.words import Telling, Told
from lines.job_words import ACTIONS
from lines.policy import Action

NEWS = dt.timedelta(days=1)  # what is older is none
BATCH = 500
KINDS = {
    "job.finish": Kind.JOBS,
    "staff.joined": Kind.INVITATIONS,
    "ownership.offered": Kind.INVITATIONS,
    "ownership.declined": Kind.INVITATIONS,
    "ownership.transferred": Kind.INVITATIONS,
}
# An event of which nobody was told. Of whoever has a job done by a key or a rule, no person waits for it.
EVENTS = """accounts_event e
  LEFT JOIN lines_job j ON j.uuid = CASE e.verb WHEN 'job.finish' THEN substr(e.subject, 5)::uuid END"""
IS_UNTOLD = f"""e.verb = ANY('{{{",".join(KINDS)}}}') AND (e.verb <> 'job.finish' OR j.by_kind = '{ActorKind.PERSON}')
   AND NOT EXISTS (SELECT FROM billing_notice n WHERE n.key = 'event:' || e.id)"""
UNTOLD = f"""
SELECT e.id, e.verb, e.subject, e.actor_name, e.detail, a.id, a.parent_id, a.uuid, a.name,
       j.by_name, j.action, j.done, j.same, j.refused + j.failed
  FROM {EVENTS} JOIN accounts_account a ON a.id = e.account_id
 WHERE e.id > %(after)s AND e.at > %(since)s AND {IS_UNTOLD}
 ORDER BY e.id LIMIT {BATCH}
"""


def untold(*, after: int, now: dt.datetime) -> list[tuple[Kind, Telling]]:
    """What happened behind this event of the audit, and nobody was told."""
    with connection.cursor() as cursor:
        cursor.execute(UNTOLD, {"after": after, "since": now - NEWS})
        return [(KINDS[row[1]], _telling(row)) for row in cursor.fetchall()]


def _telling(row: Sequence[Any]) -> Telling:
    event, verb, subject, actor, detail, account, parent, key, name, *job = row
    detail = msgspec.json.decode(detail) if isinstance(detail, str) else detail
    who = subject.removeprefix("person:")
    named, account_key = f"event:{event}", key.hex
    match verb:
        case "job.finish":
            page, starter = f"/jobs/{subject.removeprefix('job:')}/", job[0]
            return Telling(account, named, _of_job(job), page, to=(starter,))
        case "staff.joined":
            page = "/staff/" if parent is None else f"/subaccounts/{account_key}/"
            told = Told(f"{who} joined {name}", f"{who} accepted the invitation to {name} as {detail.get('role', '')}.")
            return Telling(parent or account, named, told, page)
        case "ownership.offered":
            told = Told(
                f"{name} is offered to you", f"{actor} offers you the ownership of {name}. Accept or decline it."
            )
            return Telling(account, named, told, "/staff/ownership/", to=(who,))
        case "ownership.declined":
            told = Told("Your offer was declined", f"{who} declined the ownership of {name}. You still own it.")
            return Telling(account, named, told, "/staff/")
    former = str(detail.get("before", ""))
    told = Told(
        f"{who} owns {name} now", f"The ownership of {name} was transferred from {former or 'nobody'} to {who}."
    )
    return Telling(account, named, told, "/profile/", to=tuple(one for one in (who, former) if one))


def _of_job(job: Sequence[Any]) -> Told:
    _, action, done, same, missed = job
    what = ACTIONS[Action(action)].name
    if not missed:
        return Told(f"{what}: completed", f"{_lines(done)} done{f', {same:,} needed nothing' if same else ''}.")
    return Told(
        f"{what}: completed, {missed:,} not done",
        f"{_lines(done)} done, {missed:,} refused or failed. The job says why, and tries them again.",
    )


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"
