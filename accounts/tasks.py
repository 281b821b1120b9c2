"""When mails to people leave, and when what the API wrote down of its calls is forgotten."""

from __future__ import annotations

import logging

import httpx
from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from kit import clock, posting

from accounts import audit, calls, keys
from accounts.branding.identity import branding_of
from accounts.commands import desk, events, invitations, logins, waiting_letters
from accounts.login import sessions
from accounts.mails import letters, mail
from accounts.models import PostedLetter

log = logging.getLogger(__name__)
BATCH = 50


@shared_task
def sweep_calls() -> int:
    """Rings for the sweep; a lost bell costs a few rows until the next."""
    return calls.sweep() + keys.tell_expiring()


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
    """Mails about accounts and logins."""
    waiting_letters.adopt()
    waiting_letters.doubt_old()
    sent = posting.send_due(waiting_letters.claim, _written, save=_save, most=BATCH)
    waiting_letters.drop_sent()
    return sent


def _written(letter: PostedLetter) -> EmailMultiAlternatives:
    if letter.invitation is not None:
        said = letters.invitation(letter.invitation, invitations.new_token(invitation=letter.invitation))
    else:
        text = waiting_letters.text_of(letter=letter)
        said = mail.Letter(letter.subject, text, letter.button or "Open")
    return mail.made(to=letter.to, letter=said, account=letter.account, branding=branding_of(letter.worn))


def _save(letter: posting.Posted, fields: list[str]) -> None:
    waiting_letters.save_posted(letter=letter, fields=fields)


@shared_task
def anchor_audit() -> int:
    """Sends the signed ends of all chains to somebody outside, once a day, by mail and by webhook, where the
    installation names them. One that fails keeps the other from nothing."""
    if not (settings.AUDIT_ANCHOR_MAIL or settings.AUDIT_ANCHOR_URL):
        return 0
    ends = audit.heads()
    page = audit.signed(ends, clock.now())
    if settings.AUDIT_ANCHOR_URL:
        _post_heads(page)
    if settings.AUDIT_ANCHOR_MAIL:
        text = f"Keep this mail. check_audit --since compares the audit with it.\n\n{page}"
        to = settings.AUDIT_ANCHOR_MAIL
        waiting_letters.post(account=None, to=to, subject=f"audit heads of {clock.today()}", text=text)
    return len(ends)


def _post_heads(page: str) -> None:
    """The page as it would be kept in a file."""
    try:
        httpx.post(
            settings.AUDIT_ANCHOR_URL, content=page.encode(), headers={"Content-Type": "text/plain"}, timeout=30
        ).raise_for_status()
    except httpx.HTTPError as error:
        log.error("The audit's ends could not be sent to AUDIT_ANCHOR_URL: %s", error)


@shared_task
def clear_sessions() -> int:
    """Sessions that have ended, guesses that count no longer, and links that open nothing any more."""
    return sessions.clear() + logins.forget_old() + desk.forget_passes()
