"""What people are told, as each finds it, and how each wants to be told."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from accounts.models import Membership
from accounts.queries import owner_of
from billing.models import Notice, Notification, NotificationChoice
from billing.policy.notices import Kind, Mailing, Wish, hears, is_mailed


def recipients_of(notice: Notice) -> list[str]:
    """Whom a notice is mailed to: who it is addressed to, without those who want none of its kind, and who chose all of
    it. An address that belongs to nobody of the account is mailed to as long as the notice is usual."""
    addressed = _addressed(notice)
    known = {one.lower() for one in addressed}
    found: dict[str, str] = {}
    if notice.mailing == Mailing.USUAL:
        found = {one.lower(): one for one in addressed}
    chosen = NotificationChoice.objects.filter(membership__account=notice.account_id, kind=notice.kind)
    for choice in chosen.select_related("membership__user", "membership__account").order_by("pk"):
        place, address = choice.membership, choice.membership.user.email
        is_there = place.is_active and place.user.is_active
        is_addressed = address.lower() in known
        is_heard = is_there and hears(Kind(notice.kind), is_addressed=is_addressed, granted=place.rights)
        wish = Wish(choice.by_mail)
        if is_mailed(wish, Mailing(notice.mailing), is_addressed=is_addressed, is_heard=is_heard):
            found.setdefault(address.lower(), address)
        elif wish is Wish.NONE:
            found.pop(address.lower(), None)
    return list(found.values())


def _addressed(notice: Notice) -> Sequence[str]:
    """The owner is looked for only where a usual notice is theirs: an account of which nobody is told may have none."""
    if notice.to:
        return [str(one) for one in notice.to]
    return [owner_of(notice.account).email] if notice.mailing == Mailing.USUAL else []


def notifications_of(membership: Membership) -> QuerySet[Notification]:
    """What a person finds in one account, the latest first."""
    rows = Notification.objects.filter(user=membership.user_id, account=membership.account_id, in_console=True)
    return rows.select_related("notice").order_by("-pk")


def count_unread(membership: Membership) -> int:
    return notifications_of(membership).filter(read_at=None).count()


def choices_of(membership: Membership) -> dict[Kind, NotificationChoice]:
    """How a person wants to be told of each kind of which they chose anything."""
    return {Kind(row.kind): row for row in NotificationChoice.objects.filter(membership=membership)}
