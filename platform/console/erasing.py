"""An account is erased: everything that no law wants kept, in all apps, in one transaction."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from accounts.commands.erasing import decide_erasure, erasable, erase_people, tests_of
from accounts.models import Account, Erasure, User
from accounts.policy import Actor
from automation.commands.erasing import erase_automation
from billing.commands.erasing import erase_billing
from lines.commands.erasing import empty_test_account, erase_lines
from lines.commands.sandbox import drop_sandbox


class OnlyLooked(Exception):
    """Takes back what was only counted."""

    def __init__(self, gone: dict[str, int]) -> None:
        super().__init__("only looked")
        self.gone = gone


@transaction.atomic
def erase_account(*, account: Account, by: Actor) -> dict[str, int]:
    """Deletes for good, with its test accounts; gives rows by table. Ledger, payments and invoices stay without who
    paid, and the audit's events without what they said. Harmless twice. Raises NotErased, NotSettled, HasLines."""
    people = _people_of(account)
    gone = Counter[str]()
    for test in _closed_tests(account, by):
        empty_test_account(account=test, by=by)
        _erase(test, people, gone)
    _erase(account, people, gone)
    gone.update(erase_people(account=account, by=by))
    return dict(gone)


def _erase(account: Account, people: list[str], gone: Counter[str]) -> None:
    gone.update(erase_billing(account=account))
    gone.update(erase_automation(account=account))  # rules lean on what lines have
    gone.update(erase_lines(account=account, people=people))


def _closed_tests(account: Account, by: Actor) -> list[Account]:
    """Its test accounts, those that were open closed now, their lines off; a sub-account's goes with its parent."""
    for live in (account, *Account.objects.filter(parent=account)):
        drop_sandbox(account=live, by=by)
    return [test for test in tests_of(account=account) if test.parent_id is None]


def preview(*, account: Account, by: Actor) -> dict[str, int]:
    """What `erase_account` would delete or empty, rows by table; nothing is. Raises as it does."""
    erasable(account=account)
    try:
        with transaction.atomic():
            raise OnlyLooked(erase_account(account=account, by=by))
    except OnlyLooked as looked:
        return looked.gone


@transaction.atomic
def decide(*, erasure: Erasure, agreed: bool, by: Actor) -> str:
    """What the second person said, and the erasing with it; says what was done. Raises as `erase_account` does."""
    erasure = decide_erasure(erasure_id=erasure.pk, agreed=agreed, by=by)
    if not agreed:
        return f"{erasure.account.name} is not erased."
    gone = erase_account(account=erasure.account, by=by)
    return f"Account erased: {sum(gone.values()):,} rows deleted or emptied."


def _people_of(account: Account) -> list[str]:
    held = Account.objects.filter(pk=account.pk) | Account.objects.filter(parent=account)
    return list(User.objects.filter(memberships__account__in=held).values_list("email", flat=True).distinct())
