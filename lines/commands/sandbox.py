"""What happens in a test account: it is made with lines and play money, its devices use data, send and change."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q
from kit import clock, crypto
from kit.errors import Invalid, Refusal
from kit.identifiers import read_imei

from accounts.commands.testing import close_test_account, open_test_account, refuse_test
from accounts.models import Account
from accounts.policy import Actor
from accounts.queries import test_account_of
from billing.commands import adjust
from lines.carriers.base import Reading, Sms
from lines.carriers.sandbox import Sandbox as Adapter
from lines.commands.inbox import received
from lines.commands.readings import Applied, apply_readings
from lines.commands.sandbox_days import settle_lines
from lines.commands.sandbox_sims import with_fault
from lines.commands.stock import import_lines
from lines.commands.wishes import deactivate_lines, enforce
from lines.models import (
    Carrier,
    CarrierHealth,
    Line,
    PlanOffer,
    Price,
    PrivatePlan,
    RatePlan,
    Sandbox,
    SandboxSim,
    SmsLook,
)
from lines.policy.sandbox import KIND, Fault

PREFIX = "8999900"  # of no country: a SIM of a test account is nobody's anywhere else
FIRST_LINES, MOST_LINES = 2, 50
PLAY_MONEY, MOST_PLAY_MONEY = Decimal("100"), Decimal("10000")
PRICES = {"per_mb": Decimal("0.01"), "per_sms": Decimal("0.05"), "per_day": Decimal("0.03")}
PLAN, CARRIER = "Test plan", "Simulated carrier"
MOST_BYTES = 10**12  # of one use
MOST_MADE_A_DAY = 5  # test accounts of one account: the rows of those that were closed stay
WAITS_FOR = 7_021_021  # PostgreSQL's lock of whoever makes the carrier


class TooManyLines(Refusal):
    """The test account has as many as it may."""


class TooManyMade(Refusal):
    """So many test accounts were made today."""

    status = 429


@transaction.atomic
def make_sandbox(*, account: Account, by: Actor) -> Account:
    """The account's test account, with lines and play money where it is new. Harmless twice. Raises as
    `open_test_account` does, and TooManyMade."""
    made, is_new = open_test_account(account=account, by=by)
    payer = made.parent or made
    is_first = not Sandbox.objects.filter(account=payer).exists()
    if is_first:
        _refuse_many(account)
        sandbox = Sandbox.objects.create(account=payer)
        PlanOffer.objects.get_or_create(plan_id=_plan().pk, account=payer)
        adjust(account=payer, amount=PLAY_MONEY, reason="Play money", by=by)
    else:
        sandbox = Sandbox.objects.get(account=payer)
    if is_new:
        with clock.ahead(sandbox.ahead):
            add_sims(sandbox=sandbox, holder=made, count=FIRST_LINES, by=by)
    return made


@transaction.atomic
def drop_sandbox(*, account: Account, by: Actor) -> bool:
    """Closes the account's test account for good, its lines off; False where it has none. Harmless twice."""
    refuse_test(account=account, what="Close it from the account that it is of.")
    found = test_account_of(account)
    if found is None:
        return False
    sandbox = Sandbox.objects.select_for_update().get(account=found.payer_id)
    with clock.ahead(sandbox.ahead):  # else they would owe fees, and be driven, for ever
        with_fault(sandbox=sandbox, fault=Fault.NONE)
        theirs = Q(account=found) if found.is_subaccount else Q(payer=found)
        deactivate_lines(line_ids=list(Line.objects.filter(theirs).values_list("pk", flat=True)), by=by)
        settle_lines(payer=found.parent or found)
    return close_test_account(account=account, by=by) is not None


def _refuse_many(account: Account) -> None:
    since = clock.real() - dt.timedelta(days=1)
    subject = {"verb": "test_account.made", "account_id": account.payer_id, "at__gte": since}
    if account.events.filter(**subject).count() > MOST_MADE_A_DAY:
        raise TooManyMade(f"{MOST_MADE_A_DAY} test accounts were made within a day; make the next one tomorrow")


def _plan() -> RatePlan:
    """The plan of all test accounts, and its carrier: made with the first one."""
    found = RatePlan.objects.filter(carrier__kind=KIND).order_by("pk").first()
    if found is not None:
        return found
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WAITS_FOR])
    found = RatePlan.objects.filter(carrier__kind=KIND).order_by("pk").first()
    return found or _made_plan()


def _made_plan() -> RatePlan:
    """Paused, so that nothing reads or drives it with the others: `work.sandbox` does, account by account."""
    taken = set(Carrier.objects.values_list("name", flat=True)) | set(RatePlan.objects.values_list("name", flat=True))
    carrier = Carrier.objects.create(
        name=_free(CARRIER, taken),
        kind=KIND,
        url="https://sandbox.invalid",
        calls_per_second=Adapter.calls_per_second,
        is_active=False,
    )
    carrier.secrets = crypto.encrypt(json.dumps({}), row=f"carrier:{carrier.pk}")
    carrier.save(update_fields=["secrets"])
    CarrierHealth.objects.create(carrier=carrier)
    plan = RatePlan.objects.create(name=_free(PLAN, taken), carrier=carrier)
    Price.objects.create(plan=plan, **PRICES)
    PrivatePlan.objects.create(plan=plan)
    return plan


def _free(name: str, taken: set[str]) -> str:
    return next(one for one in (name, *(f"{name} {n}" for n in range(2, 100))) if one not in taken)


@transaction.atomic
def add_sims(*, sandbox: Sandbox, holder: Account, count: int, by: Actor) -> list[Line]:
    """New lines in a test account or a sub-account of it, deactivated, with a counter of 0. Raises TooManyLines."""
    sandbox = Sandbox.objects.select_for_update().get(pk=sandbox.pk)
    there = Line.objects.filter(payer=sandbox.pk).count()
    if there + count > MOST_LINES:
        raise TooManyLines(f"A test account has at most {MOST_LINES} lines; this one has {there}")
    iccids = [_iccid(sandbox.pk, sandbox.sims + number) for number in range(1, count + 1)]
    sandbox.sims += count
    sandbox.save(update_fields=["sims"])
    plan = _plan()
    import_lines(
        rows=enumerate(iccids, 1), carrier=plan.carrier, plan=plan, account=holder, active=False, by=by, unchecked=True
    )
    lines = list(Line.objects.filter(iccid__in=iccids).select_related("carrier").order_by("iccid"))
    cycle = clock.month()
    SandboxSim.objects.bulk_create([SandboxSim(line=line, cycle=cycle) for line in lines])
    _read(plan.carrier, [Reading(iccid, 0, cycle) for iccid in iccids])
    return lines


def _iccid(account_id: int, number: int) -> str:
    """19 digits, as most cards have, without a check digit: that would be the 20th."""
    return f"{PREFIX}{account_id % 10**8:08d}{number % 10_000:04d}"


@transaction.atomic
def use_data(*, line: Line, used: int) -> Applied:
    """A line's device uses so many bytes: the carrier's counter moves, and is read. Raises Invalid."""
    if not 0 < used <= MOST_BYTES:
        raise Invalid(f"A device uses 1 to {MOST_BYTES} bytes at a time", field="bytes")
    sim = _sim(line)
    cycle = clock.month()
    if sim.cycle != cycle:
        sim.cycle, sim.counter = cycle, 0
    sim.counter += used
    sim.save(update_fields=["cycle", "counter"])
    now = clock.now()
    return _read(line.carrier, [Reading(line.iccid, sim.counter, cycle, last_seen=now, imei=sim.imei or None)])


@transaction.atomic
def change_imei(*, line: Line, imei: str) -> None:
    """A line's SIM sits in another device from now on. Raises Invalid."""
    plain = read_imei(imei)
    if plain is None:
        raise Invalid("An IMEI has 15 digits, or 14 to 17 with its version", field="imei")
    sim = _sim(line)
    sim.imei = plain
    sim.save(update_fields=["imei"])
    if sim.cycle is not None:
        _read(line.carrier, [Reading(line.iccid, sim.counter, sim.cycle, imei=plain)])


@transaction.atomic
def receive_sms(*, line: Line, text: str) -> None:
    """A line's device sends a message. Raises Invalid."""
    if not 0 < len(text) <= 1000:
        raise Invalid("A message from a device has 1 to 1,000 characters", field="text")
    _sim(line)
    now = clock.now()
    SmsLook.objects.get_or_create(line=line, defaults={"carrier": line.carrier})
    received(line_id=line.pk, listed=[Sms(crypto.new_hex(), False, text, now)], looked_at=now)


@transaction.atomic
def give_play_money(*, account: Account, amount: Decimal, by: Actor) -> None:
    """More or, with a minus, less play money. Raises Invalid."""
    if not account.is_test or abs(amount) > MOST_PLAY_MONEY:
        raise Invalid(f"Play money is given by up to {MOST_PLAY_MONEY} at a time", field="amount")
    adjust(account=account.parent or account, amount=amount, reason="Play money", by=by)
    enforce(account_ids=[account.payer_id], today=clock.today())


def _sim(line: Line) -> SandboxSim:
    """Locked, behind its account's sandbox: that comes before wallets and states, as where accounts are settled."""
    Sandbox.objects.select_for_update().get(account=line.payer_id)
    return SandboxSim.objects.select_for_update().get(line=line, line__payer__is_test=True)


def _read(carrier: Carrier, readings: list[Reading]) -> Applied:
    """As every carrier's answer is: charged, and then balances decide."""
    applied = apply_readings(carrier=carrier, readings=readings, read_at=clock.now())
    if applied.payer_ids:
        enforce(account_ids=sorted(applied.payer_ids), today=clock.today())
    return applied
