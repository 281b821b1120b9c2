"""To whom a rate plan is offered."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from kit.errors import Invalid

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from lines.models import PlanOffer, PrivatePlan, RatePlan


@transaction.atomic
def offer_plan(*, plan: RatePlan, accounts: Sequence[Account] | None, by: Actor) -> RatePlan:
    """Offers a plan to these accounts and no others, or with None to everybody; lines that are on it stay on it.

    Harmless twice. Raises Invalid.
    """
    if below := next((account for account in accounts or () if account.is_subaccount), None):
        raise Invalid(f"{below.name} is a sub-account. Offer the plan to the account that pays for it.")
    RatePlan.objects.select_for_update().get(pk=plan.pk)
    before = offered_to(plan=plan)
    names = None if accounts is None else sorted({account.name for account in accounts})
    ids = None if accounts is None else {account.pk for account in accounts}
    was = None if before is None else {account.pk for account in before}
    if ids == was:
        return plan
    if ids is None:
        PrivatePlan.objects.filter(plan=plan).delete()
    else:
        private, _ = PrivatePlan.objects.get_or_create(plan=plan)
        PlanOffer.objects.filter(plan=private).exclude(account__in=ids).delete()
        PlanOffer.objects.bulk_create(
            [PlanOffer(plan=private, account_id=pk) for pk in sorted(ids)], ignore_conflicts=True
        )
    detail = {"before": None if before is None else sorted(one.name for one in before), "after": names}
    record(by=by, verb="rate_plan.offered", subject=f"rate_plan:{plan.name}", detail=detail)
    return plan


def offered_to(*, plan: RatePlan) -> list[Account] | None:
    """The accounts that a plan is for, by name; None: it is public."""
    if not PrivatePlan.objects.filter(plan=plan).exists():
        return None
    named = PlanOffer.objects.filter(plan=plan.pk).values("account")
    return list(Account.objects.filter(pk__in=named).order_by("name"))
