"""Caps: added, changed and deleted by an account's people, and counted at once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from kit import clock
from kit.errors import Invalid

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from lines import caps_words as words
from lines.commands.capping import count_caps, let_go
from lines.models import Cap, Line, RatePlan, Tag
from lines.policy.caps import (
    LARGEST_LIMIT,
    MOST_CAPS,
    CapAction,
    CapKind,
    CapPeriod,
    CapUnit,
    level,
)
from lines.queries.caps import due_caps, percent_of


@dataclass(frozen=True, slots=True)
class Draft:
    """A cap as somebody wants it: one of holder, tag, plan and line by its kind, none for the whole account."""

    kind: CapKind
    unit: CapUnit
    period: CapPeriod
    limit: Decimal
    action: CapAction
    holder: Account | None = None
    tag: Tag | None = None
    plan: RatePlan | None = None
    line: Line | None = None


@transaction.atomic
def add_cap(*, account: Account, draft: Draft, by: Actor) -> Cap:
    """A cap over lines of an account, counted at once: one that is full already stops them. Raises Invalid."""
    if account.is_subaccount:
        raise Invalid("A sub-account has no caps of its own. They are its account’s.")
    _check(account, draft)
    lock_wallets(account_ids=[account.pk])
    if Cap.objects.filter(account=account).count() >= MOST_CAPS:
        raise Invalid(f"An account has at most {MOST_CAPS:,} caps. Delete one first.")
    cap = Cap.objects.create(
        account=account,
        kind=draft.kind,
        holder=draft.holder,
        tag=draft.tag,
        plan=draft.plan,
        line=draft.line,
        unit=draft.unit,
        period=draft.period,
        limit=draft.limit,
        action=draft.action,
    )
    _record("cap.added", cap, by)
    return _counted(cap)


@transaction.atomic
def change_cap(*, cap: Cap, limit: Decimal, action: CapAction, by: Actor) -> Cap:
    """Another limit, or something else to do when it is full; at once. A cap that is raised lets its lines go. Levels
    that usage has passed already are not told again, those that it passes from now on are. Raises Invalid."""
    _check_limit(limit)
    lock_wallets(account_ids=[cap.account_id])
    cap = Cap.objects.select_for_update().get(pk=cap.pk)
    if (limit, action) == (cap.limit, cap.action):
        return cap
    before, was = words.rule(cap), cap.action
    cap.limit, cap.action, cap.seen, cap.full_until = limit, action, "", None
    cap.told = min(cap.told, level(percent_of(cap)))
    cap.save()
    detail = {"before": before, "after": words.rule(cap), "action_before": was, "action": cap.action}
    _record("cap.changed", cap, by, **detail)
    return _counted(cap)


@transaction.atomic
def delete_cap(*, cap: Cap, by: Actor) -> None:
    """The lines that it alone held off run again. Harmless twice."""
    lock_wallets(account_ids=[cap.account_id])
    found = Cap.objects.select_for_update().filter(pk=cap.pk).first()
    if found is None:
        return
    _record("cap.deleted", found, by)
    held = list(found.holds.values_list("line_id", flat=True))
    found.holds.update(cap=None)
    payer_id = found.account_id
    found.delete()
    let_go(payer_id=payer_id, line_ids=held, today=clock.today())


def _counted(cap: Cap) -> Cap:
    today = clock.today()
    count_caps(payer_id=cap.account_id, due=due_caps(today=today, cap_ids=[cap.pk]), today=today)
    held = list(cap.holds.values_list("line_id", flat=True))
    let_go(payer_id=cap.account_id, line_ids=held, today=today)
    return Cap.objects.get(pk=cap.pk)


def _check(account: Account, draft: Draft) -> None:
    _check_limit(draft.limit)
    given = {
        CapKind.SUBACCOUNT: draft.holder,
        CapKind.TAG: draft.tag,
        CapKind.PLAN: draft.plan,
        CapKind.LINE: draft.line,
    }
    if any((one is not None) != (kind is draft.kind) for kind, one in given.items()):
        raise Invalid("Choose what the cap is about: one sub-account, tag, rate plan or line, or the account")
    if draft.holder is not None and draft.holder.parent_id != account.pk:
        raise Invalid("The sub-account is another account’s", field="holder")
    if draft.tag is not None and draft.tag.account_id != account.pk:
        raise Invalid("The tag is another account’s", field="tag")
    if draft.line is not None and draft.line.payer_id != account.pk:
        raise Invalid("The line is another account’s", field="line")


def _check_limit(limit: Decimal) -> None:
    if not limit.is_finite() or limit <= 0:
        raise Invalid("Give a number over 0", field="limit")
    if limit >= LARGEST_LIMIT or limit != round(limit, 6):
        raise Invalid(f"Give a number under {LARGEST_LIMIT:,} with at most six decimals", field="limit")


def _record(verb: str, cap: Cap, by: Actor, **more: object) -> None:
    detail = {"of": cap.kind, "name": words.name_of(cap), "cap": words.rule(cap), "action": cap.action, **more}
    record(by=by, verb=verb, account_id=cap.account_id, subject=f"cap:{cap.uuid.hex}", detail=detail)
