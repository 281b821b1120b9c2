"""When mails to people leave, and when what the API wrote down of its calls is forgotten."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from kit import clock

from accounts import audit, calls, letters, mail, sessions
from accounts.commands import desk, events, invitations, logins, staff, waiting_letters
from accounts.models import Account

log = logging.getLogger(__name__)
BATCH = 50
MOST_FAILURES = 3  # mails in one bell; each may wait for the whole time-out of a mail server that hangs


@shared_task
def sweep_calls() -> int:
    """Rings for the sweep; a lost bell costs a few rows until the next."""
    return calls.sweep()


@shared_task
def seal_events() -> int:
    """Links what was written down since into the accounts' chains."""
    sealed = 0
    for _ in range(BATCH):
        done = events.seal()
        sealed += done
        if done == 0:
            break
    return sealed


@shared_task
def mail_invitations() -> int:
    """Mails what is due; one that cannot be mailed is tried again later and keeps nobody from theirs."""
    sent = failed = 0
    for _ in range(BATCH):
        claimed = invitations.claim_mail() if failed < MOST_FAILURES else None
        if claimed is None:
            break
        invitation, token = claimed
        if _sent(invitation.email, letters.invitation(invitation, token), invitation.account):
            invitations.mark_mailed(invitation=invitation)
            sent += 1
        else:
            failed += 1
    for _ in range(BATCH):
        offer = staff.claim_offer_mail() if failed < MOST_FAILURES else None
        if offer is None:
            break
        if _sent(offer.to.user.email, letters.ownership(offer), offer.account):
            staff.mark_offer_mailed(offer=offer)
            sent += 1
        else:
            failed += 1
    return sent + (_mail_waiting() if failed < MOST_FAILURES else 0)


def _mail_waiting() -> int:
    sent = 0
    for _ in range(BATCH):
        letter = waiting_letters.claim()
        if letter is None:
            break
        if _sent(letter.to, mail.Letter(letter.subject, letter.text, letter.button or "Open"), letter.account):
            waiting_letters.mark_sent(letter=letter)
            sent += 1
        else:
            break
    return sent


@shared_task
def anchor_audit() -> int:
    """Mails the signed ends of all chains to somebody outside, once a day, where the installation names them."""
    if not settings.AUDIT_ANCHOR_MAIL:
        return 0
    ends = audit.heads()
    page = audit.signed(ends, clock.now())
    text = f"Keep this mail. check_audit --since compares the audit with it.\n\n{page}"
    mail.send(to=settings.AUDIT_ANCHOR_MAIL, letter=mail.Letter(f"audit heads of {clock.today()}", text))
    return len(ends)


@shared_task
def clear_sessions() -> int:
    """Sessions that have ended, guesses that count no longer, and links that open nothing any more."""
    return sessions.clear() + logins.forget_old() + desk.forget_passes()


def _sent(to: str, letter: mail.Letter, account: Account) -> bool:
    try:
        mail.send(to=to, letter=letter, account=account)
    except Exception:  # whatever a mail server does
        log.exception("A mail to %s cannot be sent now", to)
        return False
    return True
