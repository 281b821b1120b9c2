"""Test accounts: each account may have one, in which nothing is real. Its people are those of the account it is of."""

from __future__ import annotations

from django.db import transaction
from kit.errors import NotFound, Refusal

from accounts.commands.events import record
from accounts.commands.opening import LONGEST_NAME, open_within
from accounts.commands.people import refuse_unconfirmed
from accounts.models import Account
from accounts.policy import Actor

SUFFIX = " (test)"


class NotInTest(Refusal):
    """It would reach somebody or something real."""

    status = 403


def refuse_test(*, account: Account, what: str) -> None:
    """Raises NotInTest for a test account; `what` is a sentence that says what there is none of."""
    if account.is_test:
        raise NotInTest(f"This is a test account. {what}")


@transaction.atomic
def open_test_account(*, account: Account, by: Actor) -> tuple[Account, bool]:
    """The account's test account, and whether it was made just now. A sub-account's is one of its account's.

    Raises NotInTest for a test account, Unconfirmed, NotFound for one that is closed.
    """
    refuse_test(account=account, what="It has no test account of its own.")
    live = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("parent").get(pk=account.pk)
    found = Account.objects.select_related("parent").filter(live=live).first()
    if found is not None:
        return found, False
    if not live.is_active:
        raise NotFound(f"{live.name} is closed.")
    refuse_unconfirmed(account=live.parent or live)
    parent = open_test_account(account=live.parent, by=by)[0] if live.parent else None
    name = live.name[: LONGEST_NAME - len(SUFFIX)] + SUFFIX
    made = open_within(name=name, live=live, parent=parent, by=by)
    record(by=by, verb="test_account.made", account_id=live.payer_id, subject=f"account:{made.uuid.hex}")
    return made, True


@transaction.atomic
def close_test_account(*, account: Account, by: Actor) -> Account | None:
    """Ends an account's test account for good, with those of its sub-accounts; its rows stay. Harmless twice."""
    live = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    found = Account.objects.select_for_update(of=("self",)).filter(live=live).first()
    if found is None:
        return None
    Account.objects.filter(parent=found).update(live=None, is_active=False)
    found.live, found.is_active = None, False
    found.save(update_fields=["live", "is_active"])
    record(by=by, verb="test_account.closed", account_id=live.payer_id, subject=f"account:{found.uuid.hex}")
    return found
