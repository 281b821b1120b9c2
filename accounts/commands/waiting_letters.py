"""Mails that are written down in the transaction of what they are about, and tried for three days (kit.posting)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from kit import clock, crypto, posting
from kit.errors import Invalid

from accounts.commands.events import record
from accounts.models import Account, Invitation, OwnershipOffer, PostedLetter, WaitingLetter
from accounts.policy import Actor

FAILED_ARE_KEPT = dt.timedelta(days=30)


def post(
    *,
    account: Account | None,
    to: str,
    subject: str,
    text: str,
    button: str = "",
    worn: Account | None = None,
) -> PostedLetter:
    """In the account's branding unless another's is named. Call it in the transaction of what it is about."""
    key = uuid.uuid4()
    return PostedLetter.objects.create(
        key=key,
        account=account,
        worn=worn or account,
        to=to,
        subject=subject[:300],
        text=crypto.encrypt(text, row=f"letter:{key.hex}"),
        button=button,
    )


def post_invitation(*, invitation: Invitation) -> PostedLetter:
    """Its text and its link are made when it is mailed; the mail before, if it still waits, does not leave."""
    PostedLetter.objects.filter(invitation=invitation).delete()
    account = invitation.account
    return PostedLetter.objects.create(
        account=account, worn=account, invitation=invitation, to=invitation.email, subject=f"join {account.name}"[:300]
    )


def text_of(*, letter: PostedLetter) -> str:
    return crypto.decrypt(letter.text, row=f"letter:{letter.key.hex}")


@transaction.atomic
def claim() -> PostedLetter | None:
    """A mail that is due, the next try set before this one is made. One about an invitation that ended is dropped."""
    now = clock.now()
    rows = PostedLetter.objects.select_for_update(skip_locked=True, of=("self",))
    rows = rows.select_related("account__parent", "worn__parent", "invitation__account__parent")
    while True:
        letter: PostedLetter | None = posting.due(rows, now).first()
        if letter is None:
            return None
        asked = letter.invitation
        if asked is None or not (asked.has_ended or asked.accepted_at or asked.withdrawn_at):
            posting.claimed(letter, now)
            return letter
        letter.delete()


def save_posted(*, letter: posting.Posted, fields: list[str]) -> None:
    """What became of a try; nothing where the letter was withdrawn meanwhile."""
    PostedLetter.objects.filter(pk=letter.pk).update(**{name: getattr(letter, name) for name in fields})


@transaction.atomic
def drop_sent() -> int:
    """What has left is forgotten with its text; what could not is kept for a month."""
    now = clock.now()
    sent = PostedLetter.objects.exclude(mailed_at=None)
    for invitation_id, at in sent.exclude(invitation=None).values_list("invitation", "mailed_at"):
        Invitation.objects.filter(pk=invitation_id).update(mailed_at=at)
    dropped, _ = sent.delete()
    return dropped + PostedLetter.objects.filter(failed_at__lt=now - FAILED_ARE_KEPT).delete()[0]


def doubt_old() -> int:
    """Those whose worker died as it handed them over: somebody of the back office decides."""
    return posting.doubt_old(PostedLetter.objects.all(), clock.now())


@transaction.atomic
def send_again(*, letter_id: int, by: Actor) -> PostedLetter:
    """One that failed is tried for three days more. Raises Invalid where it still is being tried."""
    letter = PostedLetter.objects.select_for_update().get(pk=letter_id)
    if letter.failed_at is None:
        raise Invalid("This email is still being tried")
    posting.begin_again(letter, clock.now())
    record(by=by, verb="letter.sent_again", account_id=letter.account_id, subject=f"letter:{letter.key}")
    return letter


@transaction.atomic
def adopt() -> int:
    """Mails that the version before wrote down: it may still run beside this one. To be dropped with its columns."""
    now, adopted = clock.now(), 0
    for one in WaitingLetter.objects.select_for_update(skip_locked=True).select_related("account"):
        post(account=one.account, to=one.to, subject=one.subject, text=one.text, button=one.button)
        one.delete()
        adopted += 1
    asked = Invitation.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account")
    for invitation in asked.filter(mail_after__lte=now, expires_at__gt=now, accepted_at=None, withdrawn_at=None):
        post_invitation(invitation=invitation)
        Invitation.objects.filter(pk=invitation.pk).update(mail_after=None)
        adopted += 1
    offers = OwnershipOffer.objects.select_for_update(skip_locked=True, of=("self",))
    for offer in offers.select_related("account", "to__user", "offered_by").filter(mail_after__lte=now):
        post_offer(offer=offer)
        OwnershipOffer.objects.filter(pk=offer.pk).update(mail_after=None)
        adopted += 1
    return adopted


def post_offer(*, offer: OwnershipOffer) -> PostedLetter:
    account = offer.account
    return post(
        account=account,
        to=offer.to.user.email,
        subject=f"{account.name} is offered to you",
        text=f"{offer.offered_by.email} offers you the ownership of {account.name}: its balance, payment methods and "
        f"people become yours to manage.\n\n{offer.address}/staff/ownership/\n\n"
        f"Accept or decline there until {offer.expires_at:%-d %B %Y}. Until you accept, nothing changes.",
        button="Answer",
    )
