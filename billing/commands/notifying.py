"""Each person's own of what people are told: made, read, chosen, handed to webhooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Coalesce
from kit import clock
from kit.errors import Invalid

from accounts.models import Membership
from billing.commands.notices import FLAPPING, SEVERAL_TURNS
from billing.models import Notice, Notification, NotificationChoice
from billing.policy.notices import Kind, Mailing, Wish, hearers, kinds_for, wishes_for
from billing.queries.notices import notifications_of
from billing.words import Telling

KEPT = dt.timedelta(days=90)
BATCH = 1_000

# Notices that are due become one row for each person who hears of them and did not say otherwise: who it is addressed
# to, and who has the right that its kind asks for.
SHOW = """
WITH due AS (
    UPDATE billing_notice SET is_shown = true
     WHERE id IN (SELECT id FROM billing_notice WHERE NOT is_shown AND (due_at IS NULL OR due_at <= %(now)s)
                   ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    RETURNING id, account_id, kind, "to"
), hearers AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(roles)s::text[], %(subs)s::boolean[], %(tests)s::boolean[])
                  AS h(kind, role, is_subaccount, is_test)
), people AS (
    SELECT d.id, d.account_id, m.user_id, a.parent_id, c.in_console, c.by_webhook,
           EXISTS (SELECT FROM jsonb_array_elements_text(d."to") t WHERE lower(t) = lower(u.email))
             OR d."to" = '[]' AND m.role = 'owner'
             OR EXISTS (SELECT FROM hearers h WHERE h.kind = d.kind AND h.role = m.role
                           AND h.is_subaccount = (a.parent_id IS NOT NULL) AND h.is_test = a.is_test) AS hears
      FROM due d
      JOIN accounts_account a ON a.id = d.account_id
      JOIN accounts_membership m ON m.account_id = CASE WHEN a.is_test THEN a.live_id ELSE a.id END AND m.is_active
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active
      LEFT JOIN billing_notificationchoice c ON c.membership_id = m.id AND c.kind = d.kind
), told AS (
    INSERT INTO billing_notification (notice_id, account_id, user_id, at, in_console, webhook_due)
    SELECT id, account_id, user_id, %(now)s, coalesce(in_console, true),
           coalesce(by_webhook, false) AND parent_id IS NULL
      FROM people WHERE hears AND (coalesce(in_console, true) OR by_webhook AND parent_id IS NULL)
     ORDER BY id, user_id
    ON CONFLICT (notice_id, user_id) DO NOTHING
)
SELECT count(*) FROM due
"""


@transaction.atomic
def show_due() -> int:
    """What is due becomes each person's own; says how many notices. Harmless twice, and beside another that does it."""
    rows = hearers()
    with connection.cursor() as cursor:
        cursor.execute(
            SHOW,
            {
                "now": clock.now(),
                "batch": BATCH,
                "kinds": [str(kind) for kind, *_ in rows],
                "roles": [str(role) for _, role, *_ in rows],
                "subs": [is_subaccount for *_, is_subaccount, _ in rows],
                "tests": [is_test for *_, is_test in rows],
            },
        )
        shown = int(cursor.fetchone()[0])
    if shown:
        _drop_old()
    return shown


def _drop_old() -> None:
    """Rows are made in the order of time: the first ones are the oldest."""
    oldest = Notification.objects.order_by("pk").values_list("pk", "at")[:BATCH]
    Notification.objects.filter(pk__in=[pk for pk, at in oldest if at < clock.now() - KEPT], webhook_due=False).delete()


@transaction.atomic
def tell_many(*, kind: Kind, tellings: Iterable[Telling]) -> None:
    """Tells many accounts at once, each once for a key, what is mailed to nobody but those who chose all of its kind.
    Of what goes back and forth (`about`), an account that was told within the hour is told the last state at its end.
    """
    now, found = clock.now(), list(tellings)
    waiting = _replace_waiting([one for one in found if one.about])
    last = _last_told([one for one in found if one.about])
    rows = [
        Notice(
            account_id=one.account_id,
            key=one.key[:120],
            kind=kind,
            mailing=Mailing.CHOSEN,
            about=one.about,
            due_at=_due(last.get((one.account_id, one.about)), now),
            subject=one.told.subject[:200],
            text=one.told.text,
            page=one.page,
            to=list(one.to),
        )
        for one in found
        if (one.account_id, one.about) not in waiting
    ]
    Notice.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def _due(last: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """Not before an hour after the last turn; None: at once."""
    return last + FLAPPING if last is not None and last + FLAPPING > now else None


def _replace_waiting(tellings: list[Telling]) -> set[tuple[int, str]]:
    """What waits for the end of its hour says the last state; gives whose, of what."""
    if not tellings:
        return set()
    new = {(one.account_id, one.about): one for one in tellings}
    rows = Notice.objects.select_for_update().filter(
        account__in={one.account_id for one in tellings},
        about__in={one.about for one in tellings},
        is_shown=False,
        due_at__gt=clock.now(),
    )
    waiting = [row for row in rows if (row.account_id, row.about) in new]
    for row in waiting:
        one = new[row.account_id, row.about]
        row.subject, row.text, row.page = one.told.subject[:200], f"{one.told.text}\n\n{SEVERAL_TURNS}", one.page
    Notice.objects.bulk_update(waiting, ["subject", "text", "page"], batch_size=BATCH)
    return {(row.account_id, row.about) for row in waiting}


def _last_told(tellings: list[Telling]) -> dict[tuple[int, str], dt.datetime]:
    """When each account was told last of each thing."""
    if not tellings:
        return {}
    rows = Notice.objects.filter(
        account__in={one.account_id for one in tellings}, about__in={one.about for one in tellings}
    )
    told = rows.order_by().values_list("account", "about").annotate(at=Max(Coalesce("due_at", "created_at")))
    return {(account_id, about): at for account_id, about, at in told}


@transaction.atomic
def mark_read(*, membership: Membership, pk: int | None = None) -> int:
    """One of a person's own, or all of them, in one account; says how many were unread. Harmless twice."""
    rows = notifications_of(membership).filter(read_at=None)
    return rows.filter(**({} if pk is None else {"pk": pk})).order_by().update(read_at=clock.now())


@dataclass(frozen=True, slots=True)
class Chosen:
    in_console: bool
    by_mail: Wish
    by_webhook: bool


@transaction.atomic
def choose(*, membership: Membership, chosen: Mapping[Kind, Chosen]) -> None:
    """How a person is told of each kind from now on. Raises Invalid for a kind that is not theirs, and for a way that
    the kind does not have."""
    account = membership.account
    theirs = kinds_for(membership.rights, is_subaccount=account.is_subaccount)
    for kind, one in chosen.items():
        if kind not in theirs or one.by_mail not in (*wishes_for(kind), Wish.USUAL):
            raise Invalid("Choose one of the ways on the page", field=kind.value)
        NotificationChoice.objects.update_or_create(
            membership=membership,
            kind=kind,
            defaults={
                "in_console": one.in_console,
                "by_mail": one.by_mail,
                "by_webhook": one.by_webhook and not account.is_subaccount,
            },
        )


def take_for_webhooks(*, most: int = BATCH) -> list[tuple[Notice, list[str]]]:
    """Notices that webhooks are to hear of, and the mail addresses of who asked for it; none is given out twice. Call
    it in the transaction that tells them."""
    rows = Notification.objects.select_for_update(skip_locked=True, of=("self",)).filter(webhook_due=True)
    taken = list(rows.select_related("notice__account", "user").order_by("pk")[:most])
    Notification.objects.filter(pk__in=[row.pk for row in taken]).update(webhook_due=False)
    found: dict[int, tuple[Notice, list[str]]] = {}
    for row in taken:
        found.setdefault(row.notice_id, (row.notice, []))[1].append(row.user.email)
    return list(found.values())
