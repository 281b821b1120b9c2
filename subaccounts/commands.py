"""What an account does with its sub-accounts where more than one app is touched."""

from __future__ import annotations

from django.db import transaction
from kit.errors import Changed
from kit.identifiers import all_spellings

from accounts.commands import open_subaccount, switch_subaccount
from accounts.commands.invitations import invite
from accounts.models import Account
from accounts.policy import Actor, Role
from billing.commands import lock_wallets
from lines.commands.holders import follow_holder
from lines.commands.jobs import start_job
from lines.models import Job, Line
from lines.policy import Action


@transaction.atomic
def create(*, parent: Account, name: str, first_login: str, address: str, by: Actor) -> Account:
    """A new sub-account; who is named is invited as its first login. Raises what opening and inviting raise."""
    subaccount = open_subaccount(parent=parent, name=name, by=by)
    if first_login:
        invite(account=subaccount, email=first_login, role=Role.USER, address=address, by=by)
    return subaccount


@transaction.atomic
def switch(*, subaccount: Account, active: bool, by: Actor, only_from: bool | None = None) -> int:
    """Shuts a sub-account's people out and stops its lines, or lets both come back; says how many lines.

    Lines that a person or a rule switched off, and those that the balance suspends, stay as they are. Harmless twice.
    `only_from`: what it must be by now; raises Changed where it is not.
    """
    lock_wallets(account_ids=[subaccount.payer_id])
    if only_from is not None and Account.objects.get(pk=subaccount.pk).is_active is not only_from:
        raise Changed
    return follow_holder(holder=switch_subaccount(subaccount=subaccount, active=active, by=by))


def act_on_all(*, subaccount: Account, action: Action, key: str, by: Actor) -> Job:
    """A job over all its lines; asked again with the same key it is the same one. Raises Invalid, Refusal."""
    assert subaccount.parent is not None
    return start_job(
        account=subaccount.parent,
        lines=Line.objects.filter(account=subaccount),
        action=action,
        selection=f"all lines of {subaccount.name}",
        by=by,
        key=key,
    )


def assign(*, holder: Account, payer: Account, iccids: list[str], key: str, by: Actor) -> Job:
    """A job that gives these of the payer's lines to a sub-account, or back to itself. Raises Invalid, Refusal."""
    return start_job(
        account=payer,
        lines=Line.objects.filter(payer=payer, iccid__in=all_spellings(iccids)),
        action=Action.ASSIGN,
        parameters={"account": holder.uuid.hex},
        selection=f"{len(iccids)} pasted ICCIDs for {holder.name}",
        by=by,
        key=key,
    )
