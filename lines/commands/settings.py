"""What is set on SIMs besides on and off: throttle, IMEI lock, the carrier's plan. A wish, driven until confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from kit import clock
from kit.errors import Invalid, Refusal

from accounts.commands import Happened, record_many
from accounts.commands.people import refuse_unconfirmed
from accounts.policy import ASKING, Actor, ActorKind
from lines import policy
from lines.carriers import CLIENTS
from lines.carriers.base import LABELS, LONGEST_LABEL, Setting
from lines.commands import leases
from lines.commands.daily import refusal_of, turned_away
from lines.models import Carrier, Line, LineSetting, LineState
from lines.policy import Verdict
from lines.policy.budget import Costly
from lines.queries.devices import settable

MOST_LIMIT = 2**50  # bytes
LONGEST, LONGEST_EDIT = 64, 200  # characters of a plan's name, and of a text
SPEEDS = sorted({kbps for client in CLIENTS.values() for kbps in client.abilities.throttles})  # that any carrier offers


class CannotBeSet(Refusal):
    """The line's carrier has no call for it."""


def may_set(*, carrier: Carrier, setting: Setting, value: str) -> bool:
    """Whether this carrier can set this."""
    if setting not in settable(carrier=carrier):
        return False
    abilities = CLIENTS[carrier.kind].abilities
    match setting:
        case Setting.THROTTLE:
            return value == "" or (value.isdecimal() and int(value) in abilities.throttles)
        case Setting.IMEI_LOCK:
            return value in ("on", "off")
        case Setting.PLAN:
            return 0 < len(value) <= LONGEST
        case Setting.DATA_LIMIT:
            return value.isascii() and value.isdecimal() and abilities.least_limit <= int(value[:20]) <= MOST_LIMIT
        case Setting.DEVICE_ID | Setting.SIM_NOTES | Setting.END_CONSUMER:
            return len(value) <= LONGEST_EDIT and value.isprintable()
        case _:
            return False


def throttle_lines(*, line_ids: Sequence[int], kbps: int | None, by: Actor) -> dict[int, Verdict]:
    """Wants these lines no faster than this (None: as fast as they can), where their carrier can; says of each what
    came of it. Harmless twice."""
    return set_on_lines(line_ids=line_ids, setting=Setting.THROTTLE, value=str(kbps or ""), by=by)


def lock_lines(*, line_ids: Sequence[int], by: Actor) -> dict[int, Verdict]:
    """Wants the carrier's own IMEI lock on for these lines, where it has one. Harmless twice."""
    return set_on_lines(line_ids=line_ids, setting=Setting.IMEI_LOCK, value="on", by=by)


def throttles_of(*, line_ids: Sequence[int]) -> dict[int, str]:
    """How fast each of these lines is wanted: kbps, or empty for no limit."""
    rows = LineSetting.objects.filter(line__in=line_ids, name=Setting.THROTTLE).values_list("line_id", "wanted")
    return dict.fromkeys(line_ids, "") | dict(rows)


@transaction.atomic
def set_on_lines(
    *, line_ids: Sequence[int], setting: Setting, value: str, by: Actor, is_counted: bool = False
) -> dict[int, Verdict]:
    """Wants one thing set on these lines; a worker asks their carriers until they confirm it. Harmless twice.

    `value`: kbps or empty for no limit; `on` or `off`; the carrier's name of a plan; a text. `is_counted`: the caller
    has counted it as a change of settings.
    """
    states = LineState.objects.filter(pk__in=line_ids, line__payer__isnull=False).order_by("pk")
    lines = [state.line for state in states.select_related("line__carrier").select_for_update(of=("self",))]
    verdicts = dict.fromkeys(line_ids, Verdict.GONE)
    before = {row.line_id: row for row in LineSetting.objects.filter(line__in=lines, name=setting).select_for_update()}
    changed: list[tuple[Line, str | None]] = []
    for line in lines:
        row = before.get(line.pk)
        if not may_set(carrier=line.carrier, setting=setting, value=value):
            verdicts[line.pk] = Verdict.OTHER_CARRIER
        elif row is not None and row.wanted == value and (row.is_open or row.confirmed == value):
            verdicts[line.pk] = Verdict.SAME
        else:
            verdicts[line.pk] = Verdict.DO
            changed.append((line, row.wanted if row else None))
    if not is_counted:
        payers = {line.pk: line.payer_id for line, _ in changed}
        verdicts |= turned_away(payers=payers, kind=Costly.SETTING, by=by)
        changed = [(line, was) for line, was in changed if verdicts[line.pk] is Verdict.DO]
    now = clock.now()
    LineSetting.objects.bulk_create(
        [
            LineSetting(line=line, carrier_id=line.carrier_id, name=setting, wanted=value, since=now, by=by.name)
            for line, _ in changed
        ],
        update_conflicts=True,
        unique_fields=["line", "name"],
        update_fields=["wanted", "since", "by", "is_open", "due_at", "attempts", "last_error"],
        batch_size=5000,
    )
    record_many(
        by=by,
        verb=f"line.{setting}_set",
        things=[
            Happened(line.account_id, f"line:{line.iccid}", {"before": was, "after": value}) for line, was in changed
        ],
    )
    return verdicts


def set_on_line(*, line: Line, setting: Setting, value: str, by: Actor) -> None:
    """The same for one line. Raises CannotBeSet, Invalid, Unconfirmed, DayLimit."""
    if line.payer is not None and by.kind in ASKING:
        refuse_unconfirmed(account=line.payer)
    if setting not in settable(carrier=line.carrier):
        raise CannotBeSet(f"Line {line.iccid}: its carrier cannot set the {WORDS[setting]}")
    if not may_set(carrier=line.carrier, setting=setting, value=value):
        raise Invalid(f"The {WORDS[setting]} has no such value")
    verdict = set_on_lines(line_ids=[line.pk], setting=setting, value=value, by=by)[line.pk]
    if verdict in (Verdict.UNCONFIRMED, Verdict.OVER_DAY):
        raise refusal_of(verdict=verdict, kind=Costly.SETTING)


WORDS = {
    Setting.THROTTLE: "throttle",
    Setting.IMEI_LOCK: "IMEI lock",
    Setting.PLAN: "carrier's plan",
    Setting.DATA_LIMIT: "data limit",
    Setting.DEVICE_NAME: "name",
    Setting.TAGS: "tags",
    Setting.DEVICE_ID: "device ID",
    Setting.SIM_NOTES: "SIM notes",
    Setting.END_CONSUMER: "end customer",
    Setting.STATE: "state",
}


@dataclass(frozen=True, slots=True)
class ClaimedSetting:
    """One thing to set on a SIM, ours until the lease ends."""

    pk: int
    iccid: str
    setting: Setting
    value: str


def claim_settings(*, carrier: Carrier, limit: int) -> list[ClaimedSetting]:
    """Takes what is due to be set at a carrier."""
    ids = leases.claim(model=LineSetting, limit=limit, where="carrier_id = %s AND is_open", parameters=[carrier.pk])
    rows = LineSetting.objects.filter(pk__in=ids).select_related("line").order_by("pk")
    return [ClaimedSetting(row.pk, row.line.called, Setting(row.name), row.wanted) for row in rows]


@transaction.atomic
def setting_confirmed(*, setting_id: int, value: str) -> None:
    """The carrier says how it is set now; what is wanted otherwise meanwhile is due again."""
    row = LineSetting.objects.select_for_update().get(pk=setting_id)
    row.confirmed, row.confirmed_at = value[:LONGEST_LABEL], clock.now()
    row.is_open = row.wanted != row.confirmed and row.name not in LABELS  # a carrier may write a name its own way
    row.last_error, row.leased_until = "", None
    if row.is_open:
        row.due_at = clock.now() + policy.retry_after(row.attempts)
        row.last_error = f"The carrier says {row.confirmed or 'no limit'}"
    row.save()


@transaction.atomic
def setting_failed(*, setting_id: int, value: str, error: str, give_up: bool, wait: float | None = None) -> None:
    """This value could not be set: again later, since the same twice is once; or, where the carrier refuses, not again
    until somebody wants it again. What is wanted instead meanwhile is due at once."""
    row = LineSetting.objects.select_for_update(of=("self",)).select_related("line__carrier").get(pk=setting_id)
    pause = policy.retry_after(row.attempts)
    is_other = row.wanted != value
    row.due_at = None if is_other else clock.now() + (pause if wait is None else max(pause, dt.timedelta(seconds=wait)))
    row.last_error, row.leased_until, row.is_open = error[:300], None, is_other or not give_up
    row.save()
    if give_up:
        record_many(
            by=Actor(ActorKind.CARRIER, row.line.carrier.name),
            verb=f"line.{row.name}_refused",
            things=[Happened(row.line.payer_id, f"line:{row.line.iccid}", {"wanted": value, "why": error[:300]})],
        )
