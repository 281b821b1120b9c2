"""Counters that a person puts right: at once up to a limit, above it when a second person has agreed."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from kit import clock
from kit.errors import Invalid, Refusal
from kit.money import plain

from accounts.commands import record
from accounts.policy import Actor
from billing.commands.credits import lock_person
from billing.policy import Decision, needs_second_person
from lines import policy
from lines.models import HeldMovement, LineState, Price, Rebase, RebaseRequest
from lines.policy import Hold

COUNTED = dt.timedelta(hours=24)


class OwnRebase(Refusal):
    """Nobody decides about a counter that they asked to put right."""


class RebaseDecided(Refusal):
    """Somebody has decided already."""


class CounterMoved(Refusal):
    """The line's counter is another one than when it was asked for."""


@transaction.atomic
def ask_rebase(*, iccid: str, counter: int, reason: str, key: uuid.UUID, by: Actor) -> RebaseRequest:
    """Puts a line's counter right at once, or keeps that for a second person. The same key again is the same request.

    It moves no money: what is read next is counted from here. Raises Invalid.
    """
    lock_person(by=by)
    state = LineState.objects.select_for_update().select_related("line").get(line__iccid=iccid)
    before = RebaseRequest.objects.filter(uuid=key).first()
    if before is not None:
        if before.line_id != state.pk:
            raise Invalid("This form was sent already; load the page again")
        return before
    if state.cycle is None or state.line.payer_id is None:
        raise Invalid("This line has no counter yet: nothing was read since it was added")
    if not 0 <= counter < 1 << 62:
        raise Invalid("A counter is 0 bytes or more")
    if counter == state.counter:
        raise Invalid("The counter is so already")
    if not reason.strip() or len(reason) > 300:
        raise Invalid("Say why in at most 300 characters; it is kept")
    request = RebaseRequest.objects.create(
        line=state.line,
        uuid=key,
        cycle=state.cycle,
        counter_before=state.counter,
        counter=counter,
        worth=_worth(state, counter),
        reason=reason.strip(),
        asked_by=by.name,
        asker_id=by.person,
    )
    if not needs_second_person(request.worth, _given(request), settings.CREDIT_LIMIT):
        return _rebase(request, state, by, agreed_by="")
    record(
        by=by,
        verb="counter.rebase_asked",
        subject=f"line:{state.line.iccid}",
        detail={"counter": counter, "worth": plain(request.worth), "reason": request.reason},
    )
    return request


@transaction.atomic
def decide_rebase(*, request_id: int, agreed: bool, by: Actor) -> RebaseRequest:
    """A second person agrees or refuses. Raises OwnRebase, RebaseDecided, CounterMoved."""
    line_id = RebaseRequest.objects.values_list("line_id", flat=True).get(pk=request_id)
    state = LineState.objects.select_for_update().select_related("line").get(pk=line_id)
    request = RebaseRequest.objects.select_for_update(of=["self"]).get(pk=request_id)
    if request.asked_by == by.name or (by.person is not None and request.asker_id == by.person):
        raise OwnRebase("You asked for this yourself; somebody else of the back office decides")
    if request.state != Decision.OPEN:
        raise RebaseDecided(f"{request.decided_by} has decided already: {request.state}")
    if agreed:
        if state.cycle != request.cycle or _worth(state, request.counter) > max(request.worth, settings.CREDIT_LIMIT):
            raise CounterMoved("The counter has moved on since this was asked for; refuse it and ask again")
        return _rebase(request, state, by, agreed_by=by.name)
    request.state, request.decided_by, request.decided_at = Decision.REFUSED, by.name, clock.now()
    request.save(update_fields=["state", "decided_by", "decided_at"])
    record(by=by, verb="counter.rebase_refused", subject=f"line:{state.line.iccid}")
    return request


def _given(request: RebaseRequest) -> Decimal:
    """What this person put right in the last 24 hours, for whomever and under whichever mail address: many small ones
    are no way around the limit."""
    person = Q(asked_by=request.asked_by)
    if request.asker_id is not None:
        person |= Q(asker_id=request.asker_id)
    others = RebaseRequest.objects.filter(person, asked_at__gt=clock.now() - COUNTED)
    done = others.filter(state=Decision.DONE).exclude(pk=request.pk)
    return done.aggregate(total=Sum("worth"))["total"] or Decimal(0)


def _worth(state: LineState, counter: int) -> Decimal:
    """What the bytes between two counters cost at the line's price now."""
    prices = Price.objects.default().filter(plan_id=state.line.plan_id).exclude(valid_from__gt=clock.now())
    price = max(prices, key=lambda one: (one.valid_from is not None, one.valid_from))
    return policy.data_cost(abs(state.counter - counter), price.per_mb)


def _rebase(request: RebaseRequest, state: LineState, by: Actor, *, agreed_by: str) -> RebaseRequest:
    used, now = state.counter - state.baseline, clock.now()
    Rebase.objects.create(
        line=state.line,
        payer_id=state.line.payer_id,
        at=now,
        reading_id=state.reading_id,
        cycle=request.cycle,
        counter_before=state.counter,
        counter=request.counter,
        reason=request.reason,
        by=request.asked_by,
        agreed_by=agreed_by,
    )
    held = HeldMovement.objects.filter(line=state.line, cycle=request.cycle, state=Hold.HELD)
    # What the line moved before it was this payer's is no word about their counter.
    held.filter(payer_id=state.line.payer_id, asked_at__gte=state.line.added_at).update(
        state=Hold.DISMISSED, decided_at=now, decided_by=by.name, after_reading_id=state.reading_id
    )
    state.counter, state.baseline, state.shown_lower, state.held_bytes = (
        request.counter,
        request.counter - used,
        None,
        0,
    )
    state.save(update_fields=["counter", "baseline", "shown_lower", "held_bytes"])
    request.state, request.decided_by, request.decided_at = Decision.DONE, by.name, now
    request.save(update_fields=["state", "decided_by", "decided_at"])
    record(
        by=by,
        verb="counter.rebased",
        account_id=state.line.payer_id,
        subject=f"line:{state.line.iccid}",
        detail={"before": request.counter_before, "after": request.counter, "reason": request.reason},
    )
    return request
