"""Accounts that come from Keepgo: their lines with what they used there, their balance, and the day it is all ours."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from kit import clock
from kit.errors import Invalid, Refusal
from kit.identifiers import all_spellings, sim_key
from kit.money import currency, plain, shown

from accounts.commands import record
from accounts.commands.opening import open_subaccount
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from billing.commands.credits import ask_credit, credit_once
from billing.commands.refills import pause
from billing.models import Entry, Wallet
from billing.policy import EntryKind
from lines.carriers.base import Reading, Status, Switch
from lines.commands.adding import NewLine, add_lines
from lines.commands.countries import note_last_countries
from lines.commands.readings import apply_readings
from lines.commands.stock import import_lines
from lines.commands.wishes import change_wishes, enforce, ready_standing
from lines.commands.wishes.changing import BY_IDS
from lines.models import Carrier, Drive, ImportedDay, Line, LineState, Move, MoveLine, RatePlan, Sighting
from lines.policy import CLEARING
from lines.policy.precedence import Standing

FROM = "Keepgo"
PAUSE = dt.timedelta(minutes=2)  # between two turns of a worker: longer than one lasts
COMPARED_EVERY = dt.timedelta(hours=6)


class NotThere(Refusal):
    """The account has no move that is under way."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A SIM as it was listed: whose it is by name (empty: the account's own), and on which of our plans it comes."""

    iccid: str
    status: Status | None
    notes: str
    holder: str
    plan: RatePlan


@dataclass(frozen=True, slots=True)
class History:
    """What was read of a SIM when it came: bytes by day, the running month's among them, and its sessions.

    `month` is the running one; None where nothing was read, as from a file: its next reading is its baseline.
    """

    month: dt.date | None
    days: Mapping[dt.date, int]
    sessions: Sequence[tuple[dt.datetime, dt.datetime, str, int]] = ()

    @property
    def counter(self) -> int:
        """Where the carrier's counter stood: what is used from there on is ours."""
        return sum(used for day, used in self.days.items() if self.month and day >= self.month)


@transaction.atomic
def begin_move(
    *,
    account: Account,
    carrier: Carrier,
    cards: Sequence[Coming],
    months: int,
    balance: Decimal | None,
    payments: Sequence[tuple[dt.date, Decimal]],
    by: Actor,
    has_history: bool = True,
    subaccounts: Sequence[str] = (),
) -> Move:
    """Keeps what is to come, or adds to it what is new since; a line that is here already is left alone. Harmless
    twice. Raises Invalid where a plan is not offered to the account, ParentRefused, NameTaken."""
    if account.is_subaccount:
        raise Invalid("An account comes with its sub-accounts. Name the account.")
    if balance is not None and currency().code != "USD":
        raise Invalid(f"{FROM} counts in USD, this installation in {currency().code}. Credit the balance by hand.")
    locked = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    move = Move.objects.filter(account=locked, carrier=carrier, confirmed_at=None).first()
    if move is None:
        move = Move.objects.create(
            account=locked,
            carrier=carrier,
            months=months,
            has_history=has_history,
            began_by=by.name,
            balance=balance,
            payments=len(payments),
            paid=sum((amount for _, amount in payments), Decimal(0)),
            payments_there=[[day.isoformat(), str(amount)] for day, amount in payments],
        )
        detail = {"carrier": carrier.name, "lines": len(cards)}
        record(by=by, verb="move.began", account_id=account.pk, subject=f"move:{move.uuid.hex}", detail=detail)
        lock_wallets(account_ids=[account.pk])
        pause(
            account_id=account.pk,
            key=f"move:{move.uuid.hex}",
            why=f"Lines are moving from {FROM}. Turn auto-refill on again when the move is confirmed",
        )
    holders = _holders(locked, {card.holder for card in cards} | set(subaccounts), by)
    rows = [
        MoveLine(
            move=move,
            iccid=card.iccid,
            switch=card.status.switch if card.status else None,
            word=card.status.word[:40] if card.status else "",
            blocked=bool(card.status and card.status.blocked),
            notes=card.notes[:500],
            holder=holders[card.holder],
            plan=card.plan,
        )
        for card in cards
    ]
    MoveLine.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return move


def _holders(account: Account, names: set[str], by: Actor) -> dict[str, Account]:
    """The account for no name, its sub-account for each other one, opened where there is none."""
    found = {"": account}
    sisters = {one.name: one for one in Account.objects.filter(parent=account)}
    for name in sorted(names - {""}):
        found[name] = sisters.get(name) or open_subaccount(parent=account, name=name, by=by)
    return found


@transaction.atomic
def open_balance(*, move: Move, by: Actor, by_person: bool = False) -> Entry | None:
    """Posts what was available at Keepgo when the move began, once; None where nothing was, or while a second person
    has to agree (`by_person`). Harmless twice."""
    move = Move.objects.select_for_update(of=("self",)).select_related("account").get(pk=move.pk)
    if move.opening is not None or not move.balance:
        return move.opening
    paid = f" {move.payments:,} payments there: {shown(move.paid)}." if move.payments and move.paid else ""
    reason = f"Opening balance from {FROM}, {move.began_at:%-d %b %Y}.{paid}"
    given = {"account": move.account, "kind": EntryKind.ADJUSTMENT, "amount": move.balance, "reason": reason, "by": by}
    if by_person:
        move.opening = ask_credit(**given, key=move.uuid).entry
    else:
        move.opening = credit_once(**given, key=f"opening:{move.uuid.hex}")
    move.save(update_fields=["opening"])
    return move.opening


@transaction.atomic
def take_lines(*, move: Move, read: Sequence[tuple[MoveLine, History]], by: Actor) -> int:
    """Makes lines of SIMs whose history was read; says of how many. Harmless twice.

    Their counters stand where Keepgo's did, so what was used before is charged there alone. They are wanted as Keepgo
    has them, so that nothing is told to it. One that cannot come says why.
    """
    lock_wallets(account_ids=[move.account_id])
    enforce(account_ids=[move.account_id])
    asked = [row.pk for row, _ in read]
    rows = MoveLine.objects.select_for_update(of=("self",)).filter(pk__in=asked, line=None)
    waiting = {row.pk: row for row in rows.select_related("holder", "plan").order_by("pk")}
    histories = {row.pk: history for row, history in read if row.pk in waiting}
    known = _lines_of(move, list(waiting.values()), by)
    taken = [(row, known[sim_key(row.iccid)], histories[row.pk]) for row in waiting.values() if not row.failed]
    if taken:
        _stand(move, taken)
        _keep_history(taken)
        now = clock.now()
        for row, line, _ in taken:
            row.line, row.day, row.taken_at, row.is_held = line, now.date(), now, True
    MoveLine.objects.bulk_update(waiting.values(), ["line", "day", "taken_at", "is_held", "failed"], batch_size=1000)
    return len(taken)


def _lines_of(move: Move, rows: Sequence[MoveLine], by: Actor) -> dict[str, Line]:
    """Lines of the account, by SIM, through stock; a row that cannot be one has the reason in `failed`."""
    by_key = {sim_key(row.iccid): row for row in rows}
    for row in rows:
        row.failed = ""
    there = {sim_key(line.iccid): line for line in Line.objects.filter(iccid__in=all_spellings(by_key))}
    groups: dict[tuple[Account, RatePlan], list[MoveLine]] = defaultdict(list)
    for key, row in by_key.items():
        line = there.get(key)
        if line is not None and line.payer_id is not None:
            row.failed = "It is a line already" if line.payer_id == move.account_id else "Another account has this SIM"
        elif line is not None and line.carrier_id != move.carrier_id:
            row.failed = "It is in inventory at another carrier"
        else:
            groups[row.holder, row.plan].append(row)
    for (holder, plan), its in groups.items():
        numbered = list(enumerate(its, 1))
        new = [(number, row.iccid) for number, row in numbered if sim_key(row.iccid) not in there]
        import_lines(
            rows=new, carrier=move.carrier, plan=plan, account=None, active=False, by=by, unchecked=True
        )  # as it is listed there
        given = [NewLine(number, row.iccid, plan.name, row.notes) for number, row in numbered]
        for bad, why in add_lines(account=holder, rows=given, active=False, by=by).bad:
            its[bad.number - 1].failed = why[:300]
    return {sim_key(line.iccid): line for line in Line.objects.filter(iccid__in=all_spellings(by_key))}


def _stand(move: Move, taken: Sequence[tuple[MoveLine, Line, History]]) -> None:
    """Each line's counter and state as they are there."""
    read_at = max(clock.now(), *(line.added_at for _, line, _ in taken))
    readings = [
        Reading(line.iccid, history.counter, history.month, _status(row))
        for row, line, history in taken
        if history.month is not None
    ]
    apply_readings(carrier=move.carrier, readings=readings, read_at=read_at, has_finals=True)
    wanted: dict[Standing, list[int]] = defaultdict(list)
    for row, line, _ in taken:
        wanted[_standing(row.switch, blocked=row.blocked)].append(line.pk)
    for to, ids in wanted.items():
        change_wishes(which=BY_IDS, ids=ids, to=to, instead_of=list(Standing), who=_who(to))


def _status(row: MoveLine) -> Status | None:
    return Status(Switch(row.switch), row.word, blocked=row.blocked) if row.switch is not None else None


def _standing(switch: int | None, *, blocked: bool) -> Standing:
    """Where a line is that its carrier has so. READY is on its way on."""
    if switch in (Switch.ON, Switch.READY):
        return Standing.ON
    return Standing.BALANCE if blocked else Standing.PERSON


def _who(to: Standing) -> str:
    return FROM if to in (Standing.ON, Standing.PERSON) else ""


def _keep_history(taken: Sequence[tuple[MoveLine, Line, History]]) -> None:
    payers = {row.pk: row.holder.payer_id for row, _, _ in taken}
    days = [
        ImportedDay(line=line, day=day, payer_id=payers[row.pk], account=row.holder, used=used)
        for row, line, history in taken
        for day, used in history.days.items()
        if used
    ]
    ImportedDay.objects.bulk_create(days, batch_size=2000)
    sessions = [
        Sighting(
            line=line, account=row.holder, payer_id=payers[row.pk], cycle=start.date().replace(day=1),
            started_at=start, ended_at=end, seen_at=end, is_session=True, country=country, sessions=1, used=used,
        )
        for row, line, history in taken
        for start, end, country, used in history.sessions
    ]  # fmt: skip
    Sighting.objects.bulk_create(sessions, batch_size=2000)
    note_last_countries(sightings=sessions)


@transaction.atomic
def confirm_move(*, move: Move, by: Actor) -> int:
    """The account's balance and rules hold for its lines from now on; says how many. Harmless twice.

    A line that nobody has ordered otherwise since it is here stands as its carrier has it now. Raises Invalid while
    SIMs wait to come, a line’s status was never told, or the opening balance is not posted.
    """
    lock_wallets(account_ids=[move.account_id])
    move = Move.objects.select_for_update(of=("self",)).select_related("account").get(pk=move.pk)
    if move.confirmed_at is not None:
        return 0
    if waiting := move.lines.filter(line=None, failed="").count():
        raise Invalid(f"{waiting:,} SIMs have not been imported yet. Run the import again first.")
    if move.balance and move.opening is None:
        raise Invalid("The opening balance is not posted yet.")
    held = move.lines.filter(is_held=True)
    unread = held.filter(line__state__reported=None, line__state__reported_word="")
    if count := unread.filter(line__state__wanted_at__lte=F("taken_at")).count():
        raise Invalid(f"The carrier hasn’t told the status of {count:,} lines yet. Confirm after the next reading.")
    _follow_carrier(held)
    ids = list(held.values_list("line", flat=True))
    held.update(is_held=False)
    move.confirmed_at, move.confirmed_by = clock.now(), by.name
    move.save(update_fields=["confirmed_at", "confirmed_by"])
    enforce(account_ids=[move.account_id])
    _let_balance_hold(ids)
    detail = {"lines": len(ids)}
    record(by=by, verb="move.confirmed", account_id=move.account_id, subject=f"move:{move.uuid.hex}", detail=detail)
    return len(ids)


def _follow_carrier(held: Iterable[MoveLine]) -> None:
    taken = {row.line_id: row.taken_at for row in held}
    states = list(LineState.objects.select_for_update(of=("self",)).filter(pk__in=taken).order_by("pk"))
    wanted: dict[Standing, list[int]] = defaultdict(list)
    for state in states:
        since = taken[state.pk]
        if since is not None and state.wanted_at <= since and state.reported is not None:
            wanted[_standing(state.reported, blocked=state.blocked)].append(state.pk)
    # A status that nobody knows is left as it is, there and here.
    unknown = [state.pk for state in states if state.reported is None]
    Drive.objects.filter(pk__in=unknown, leased_until=None).delete()
    for to, ids in wanted.items():
        others = [one for one in Standing if one is not to]
        change_wishes(which=BY_IDS, ids=ids, to=to, instead_of=others, who=_who(to))


def _let_balance_hold(ids: Sequence[int]) -> None:
    """Colours are acted on where they change: these lines come to what theirs is."""
    holders = Account.objects.filter(lines__in=ids).distinct()
    for holder in holders:
        to = ready_standing(holder=holder) if Wallet.objects.filter(pk=holder.payer_id).exists() else Standing.ON
        its = list(Line.objects.filter(pk__in=ids, account=holder).values_list("pk", flat=True))
        of = [Standing.BALANCE] if to is Standing.ON else [Standing.ON, Standing.BALANCE]
        if to in (Standing.ON, Standing.BALANCE, Standing.WALLET):
            change_wishes(which=BY_IDS, ids=its, to=to, instead_of=[one for one in of if one is not to])


def claim_move(*, move_id: int) -> Move | None:
    """A move that is due, for some minutes this worker's; None where it is not, or another one has it."""
    now = clock.now()
    due = Move.objects.filter(Q(due_at=None) | Q(due_at__lte=now), pk=move_id)
    if not due.update(due_at=now + PAUSE):
        return None
    return Move.objects.select_related("account", "carrier").get(pk=move_id)


def is_to_compare(*, move: Move) -> bool:
    """Some times a day, for the week in which both systems run."""
    now = clock.now()
    return now < move.began_at + CLEARING and (move.compared_at is None or move.compared_at <= now - COMPARED_EVERY)


def summary(*, move: Move) -> dict[str, object]:
    """How far a move is."""
    rows = move.lines
    return {
        "lines": rows.count(),
        "imported": rows.filter(line__isnull=False).count(),
        "waiting": rows.filter(line=None, failed="").count(),
        "failed": [{"iccid": row.iccid, "why": row.failed} for row in rows.exclude(failed="").order_by("pk")[:100]],
        "opening_balance": None if move.opening is None else plain(move.opening.amount),
        "confirmed": move.confirmed_at is not None,
    }
