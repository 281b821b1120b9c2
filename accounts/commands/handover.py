"""Keys that somebody saw who is to use them no longer."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from kit import clock, crypto

from accounts.commands.events import record
from accounts.commands.waiting_letters import post
from accounts.keys import revoke_key
from accounts.models import Account, ApiCredential, ApiKey, Event, GoneLinks, Membership
from accounts.policy import Actor, Role

SAW = ("api.key_shown", "api.key_rotated")


@transaction.atomic
def end_keys_of_former_owner(*, account: Account, email: str, by: Actor) -> list[str]:
    """Whoever owned an account could see every key of it: all are replaced or revoked, and those of its sub-accounts
    that they looked at. Answers what was ended, in words."""
    ended = [_replaced(row, by) for row in _live(account)]
    for key in ApiKey.objects.filter(account=account, revoked_at=None):
        ended += _revoked(key, by)
    return ended + _end_in_subaccounts(account, email, by)


@transaction.atomic
def end_keys_seen_by(*, account: Account, email: str, by: Actor) -> list[str]:
    """The keys that a person looked at or made and that still work. Answers what was ended, in words."""
    ended = [_replaced(row, by) for row in _live(account) if _was_seen(row, email)]
    for key in ApiKey.objects.filter(account=account, revoked_at=None, created_by=email):
        ended += _revoked(key, by)
    return ended + _end_in_subaccounts(account, email, by)


def keys_seen_by(*, account: Account, email: str) -> bool:
    """Whether a person of this account knows a key that still works."""
    families = ApiCredential.objects.filter(Q(account=account) | Q(account__parent=account), revoked_at=None)
    mine = ApiKey.objects.filter(account=account, revoked_at=None, created_by=email, expires_at__gt=clock.now())
    return mine.exists() or any(_was_seen(row, email) for row in families)


def tell(*, account: Account, former: str, why: str, ended: list[str]) -> None:
    """The owner, and who lost the keys, each in a mail of their own."""
    owner = Membership.objects.filter(account=account, role=Role.OWNER).select_related("user").first()
    said = "\n".join(f"- {name}" for name in ended)
    keys = (
        f"These keys no longer work:\n\n{said}\n\nGive your programs new ones on the page API credentials. Replace the"
        " secrets of your webhook endpoints too: they could be seen."
        if ended
        else f"The API keys were kept. {former} may still know them. Replace them on the page API credentials."
    )
    if owner is not None:
        post(
            account=account,
            to=owner.user.email,
            subject=f"{account.name}: API keys",
            text=f"{why}: {former}.\n\n{keys}",
        )
    if owner is None or owner.user.email != former:
        text = f"{why}. {'The API keys of the account that you know no longer work.' if ended else ''}".strip()
        post(account=account, to=former, subject=f"{account.name}: {why[0].lower()}{why[1:]}", text=text)


def _end_in_subaccounts(account: Account, email: str, by: Actor) -> list[str]:
    theirs = ApiCredential.objects.select_for_update(of=("self",)).select_related("account")
    rows = theirs.filter(account__parent=account, revoked_at=None)
    return [_replaced(row, by) for row in rows if _was_seen(row, email)]


def _live(account: Account) -> list[ApiCredential]:
    rows = ApiCredential.objects.select_for_update(of=("self",)).select_related("account")
    return list(rows.filter(account=account, revoked_at=None))


def _was_seen(row: ApiCredential, email: str) -> bool:
    """Since the key is what it is; the one before is seen with it. Where what happened then went with its month, it may
    have been."""
    since = row.rotated_at or row.created_at
    if GoneLinks.objects.filter(account=row.account_id, until__gt=since).exists():
        return True
    seen = Event.objects.filter(subject=f"credential:{row.user_uuid}", verb__in=SAW, actor_name=email)
    former_works = row.former_until is not None and row.former_until > clock.now()
    return seen.exists() if former_works else seen.filter(at__gte=since).exists()


def _replaced(row: ApiCredential, by: Actor) -> str:
    row.shared_key, row.rotated_at = crypto.encrypt(crypto.new_hex(), row=f"credential:{row.user_uuid}"), clock.now()
    row.former_key, row.former_until = "", None
    row.save(update_fields=["shared_key", "rotated_at", "former_key", "former_until"])
    subject = f"credential:{row.user_uuid}"
    record(by=by, verb="api.key_replaced", account_id=row.account_id, subject=subject, detail={"why": "owner left"})
    return f"the shared key of {row.account.name}"


def _revoked(key: ApiKey, by: Actor) -> list[str]:
    return [f"the API key {one.name}" for one in revoke_key(key=key, by=by, why="owner left")]
