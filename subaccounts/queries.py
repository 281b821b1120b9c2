"""How an account's sub-accounts are doing."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from accounts.branding.identity import branding_of
from accounts.mails.mail import console_url
from accounts.models import Account
from lines.queries.holders import Held, held_by


@dataclass(frozen=True, slots=True)
class Doing:
    """A sub-account and its sums of this month."""

    account: Account
    held: Held


@dataclass(frozen=True, slots=True)
class AllDoing:
    """Every sub-account by name, what the account holds itself, and all together."""

    rows: list[Doing]
    own: Held
    total: Held


def all_doing(parent: Account, *, today: dt.date) -> AllDoing:
    """One read of sums, however many sub-accounts there are."""
    held = held_by(parent.pk, today=today)
    rows = [
        Doing(one, held.get(one.pk, Held())) for one in Account.objects.filter(parent=parent).order_by("name", "pk")
    ]
    sums = list(held.values())
    total = Held(
        lines=sum(one.lines for one in sums),
        active=sum(one.active for one in sums),
        read_at=max((one.read_at for one in sums if one.read_at), default=None),
        used=sum(one.used for one in sums),
        cost=sum((one.cost for one in sums), Held().cost),
    )
    return AllDoing(rows, held.get(parent.pk, Held()), total)


def subaccount_of(parent: Account, key: str) -> Account | None:
    """The account's own sub-account of this UUID, or None whether it is unknown or somebody else's."""
    return Account.objects.select_related("parent__brand", "brand").filter(parent=parent, uuid=uuid.UUID(key)).first()


def doing(subaccount: Account, *, today: dt.date) -> Held:
    held = held_by(subaccount.payer_id, today=today, holder_id=subaccount.pk)
    return held.get(subaccount.pk, Held())


def console_of(subaccount: Account, *, here: str) -> str:
    """Where its people's console is, without a path: at its brand's domain, where the installation says, or here."""
    return console_url("", subaccount) or here


def login_of(subaccount: Account, *, here: str) -> str:
    """The address that its people come in by, in its branding."""
    base = console_of(subaccount, here=here)
    return f"{base}/" if branding_of(subaccount).host else f"{base}/accounts/at/{subaccount.uuid}/"
