"""Which rate plans an account sees and takes: one query, which every door and every command asks."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Account
from lines.models import Line, PlanOffer, PrivatePlan, RatePlan


def plans_for(account: Account) -> QuerySet[RatePlan]:
    """The rate plans that are offered to an account, or to the one that pays for it: public ones, and its own. A test
    account takes no real lines, so it has none but its own."""
    private = PrivatePlan.objects.filter(plan=OuterRef("pk"))
    own = PlanOffer.objects.filter(plan=OuterRef("pk"), account_id=account.payer_id)
    if account.is_test:
        return RatePlan.objects.filter(Exists(own))
    return RatePlan.objects.filter(~Exists(private) | Exists(own))


def plans_known_to(account: Account) -> QuerySet[RatePlan]:
    """Those, and the ones that its lines are on: a plan that is no longer offered stays with who has it."""
    on_it = Line.objects.filter(plan=OuterRef("pk"), payer_id=account.payer_id)
    return RatePlan.objects.filter(Q(pk__in=plans_for(account).values("pk")) | Exists(on_it))


def may_take(*, plan: RatePlan, payer_ids: set[int]) -> set[int]:
    """Those of these payers that a plan is offered to."""
    if not PrivatePlan.objects.filter(plan=plan).exists():
        return payer_ids
    return set(PlanOffer.objects.filter(plan=plan.pk, account__in=payer_ids).values_list("account_id", flat=True))
