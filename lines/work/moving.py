"""Reading an account at Keepgo: what would come, then what comes, SIM by SIM; and both sides side by side."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from kit import clock
from kit.errors import Invalid
from kit.identifiers import NotAnIccid, all_spellings, read_iccid, sim_key
from kit.money import plain
from kit.tables import Column, Table, read_file, read_table

from accounts.models import Account
from accounts.policy import Actor, ActorKind
from lines.carriers import keepgo_books as books
from lines.carriers.base import CarrierFailure, Status
from lines.carriers.fields import Unreadable, status_of
from lines.carriers.keepgo import WORDS, Keepgo
from lines.commands import clearing, moves
from lines.commands.adding import COLUMNS
from lines.commands.moves import Coming, History
from lines.models import Carrier, Line, Move, MoveLine, RatePlan
from lines.queries.plans import plans_for
from lines.work.clients import client_for
from lines.work.connecting import asking, every_page
from lines.work.reading import attempt

PATIENCE = 30.0
AT_ONCE = 8
BATCH = 40
MOST_ROWS = 1_000_000
LONGEST_COMPARED = 30  # days
FILE = (
    *(column for column in COLUMNS if column.name in ("iccid", "notes")),
    Column("rate plan", ("plan", "rate_plan", "tariff", "tarif")),
    Column("status", ("state", "sim status", "zustand", "estado", "statut")),
    Column("account", ("account name", "account_name", "sub account", "subaccount", "sub-account")),
)


@dataclass(frozen=True, slots=True)
class There:
    """An account as it is at Keepgo: its SIMs with the names of their holders and plans, and its money."""

    name: str
    cards: list[tuple[str, Status | None, str, str, str]]  # ICCID, status, notes, holder, plan
    balance: Decimal | None = None
    payments: list[tuple[dt.date, Decimal]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    subaccounts: list[str] = field(default_factory=list)  # also those without a SIM


def keepgo_of(carrier: Carrier) -> Keepgo:
    """Raises Invalid for another kind of carrier."""
    client = client_for(carrier, patience=PATIENCE)
    if not isinstance(client, Keepgo):
        raise Invalid(f"{carrier.name} isn’t Keepgo. Connect Keepgo first, or give a file of lines.")
    return client


def look(carrier: Carrier) -> There:
    """The whole list and the money, before any SIM is read. Raises Invalid where Keepgo does not answer."""
    client = keepgo_of(carrier)
    with asking(carrier.name, "Nothing was imported."):
        name, balance = books.account_of(client)
        payments = books.payments_of(client)
        subaccounts = books.subaccounts_of(client)
        cards, odd = list[tuple[str, Status | None, str, str, str]](), list[str]()
        for page in every_page(client):
            cards += [(card.iccid, card.status, card.name, card.holder, card.plan) for card in page.cards]
            odd += [f"{one.iccid or 'A record'}: {one.why}" for one in page.odd]
    own = [(iccid, status, notes, "" if who == name else who, plan) for iccid, status, notes, who, plan in cards]
    if subaccounts is None:
        odd.append(f"{carrier.name} doesn’t list its sub-accounts. Those without a SIM aren’t imported.")
    return There(name, own, balance, payments, odd, [one for one in subaccounts or [] if one != name])


def look_into(file: Path | bytes) -> There:
    """The same of a file of lines, CSV or XLSX, which tells no money and no usage. Raises Invalid, NotFound."""
    if isinstance(file, Path):
        return _as_there(read_file(file, FILE, most=MOST_ROWS))
    return _as_there(read_table(file, FILE, most=MOST_ROWS))


def _as_there(table: Table) -> There:
    cards, odd = list[tuple[str, Status | None, str, str, str]](), [*table.notes]
    odd += [f"Row {number}: {why}" for number, why in table.bad]
    for row in table.rows:
        cells = row.cells
        try:
            status = status_of(cells["status"], WORDS) if cells["status"] else None
        except Unreadable as error:
            odd.append(f"Row {row.number}: {error}")
            continue
        cards.append((cells["iccid"], status, cells["notes"], cells["account"], cells["rate plan"]))
    return There("", cards, odd=odd)


@dataclass(slots=True)
class Arranged:
    """What of an account comes, and what cannot, with why."""

    there: There
    coming: list[Coming] = field(default_factory=list)
    here: int = 0  # lines of the account already
    refused: list[dict[str, str]] = field(default_factory=list)
    plans: dict[str, str] = field(default_factory=dict)  # theirs: ours, empty where there is none

    def told(self, account: Account | None) -> dict[str, object]:
        """For a person, before anything is done."""
        names = ({card.holder for card in self.coming} | set(self.there.subaccounts)) - {""}
        known = set(Account.objects.filter(parent=account, name__in=names).values_list("name", flat=True))
        status = Counter(card.status.word if card.status else "not told" for card in self.coming)
        payments = self.there.payments
        return {
            "account": self.there.name or None,
            "lines": len(self.there.cards),
            "to_import": len(self.coming),
            "already_here": self.here,
            "by_status": dict(status.most_common()),
            "rate_plans": self.plans,
            "new_subaccounts": sorted(names - known),
            "existing_subaccounts": sorted(names & known),
            "opening_balance": None if self.there.balance is None else plain(self.there.balance),
            "payments": len(payments),
            "paid": plain(sum((amount for _, amount in payments), Decimal(0))),
            "refused": len(self.refused),
            "refused_lines": self.refused[:100],
            "notes": self.there.odd[:100],
        }


def arrange(
    *, there: There, account: Account | None, carrier: Carrier, plans: Mapping[str, str], default: str
) -> Arranged:
    """Finds for each SIM our rate plan: the one that `plans` names for theirs, one of the same name, or the default."""
    offered = plans_for(account) if account is not None else RatePlan.objects.all()
    ours = {plan.name: plan for plan in offered.filter(carrier=carrier)}
    found = Arranged(there)
    if unknown := sorted({*plans.values(), *([default] if default else [])} - ours.keys()):
        raise Invalid(f"There is no rate plan {unknown[0]!r} of {carrier.name} for this account.")
    lines = _lines_here([iccid for iccid, *_ in there.cards])
    seen = set[str]()
    for raw, status, notes, holder, theirs in there.cards:
        plan = ours.get(plans.get(theirs, theirs if theirs in ours else default))
        found.plans[theirs] = plan.name if plan else ""
        try:
            iccid = read_iccid(raw)
        except NotAnIccid as bad:
            found.refused.append({"iccid": raw[:40], "why": bad.message})
            continue
        line = lines.get(sim_key(iccid))
        if line is not None and line.payer_id is not None and account is not None and line.payer_id == account.pk:
            found.here += 1
        elif why := _why_not(iccid, line, plan, theirs, carrier, seen):
            found.refused.append({"iccid": iccid, "why": why})
        elif plan is not None:
            found.coming.append(Coming(iccid, status, notes, holder, plan))
        seen.add(sim_key(iccid))
    return found


def _lines_here(iccids: Sequence[str]) -> dict[str, Line]:
    known: dict[str, Line] = {}
    for start in range(0, len(iccids), 5000):
        asked = all_spellings([sim_key(one) for one in iccids[start : start + 5000] if one.isalnum()])
        known |= {sim_key(line.iccid): line for line in Line.objects.filter(iccid__in=asked)}
    return known


def _why_not(
    iccid: str, line: Line | None, plan: RatePlan | None, theirs: str, carrier: Carrier, seen: set[str]
) -> str:
    if sim_key(iccid) in seen:
        return "The list has this SIM twice"
    if line is not None and line.payer_id is not None:
        return "Another account has this SIM"
    if line is not None and line.carrier_id != carrier.pk:
        return "It is in inventory at another carrier"
    return "" if plan else f"No rate plan for “{theirs}”"


def begin(*, arranged: Arranged, account: Account, carrier: Carrier, months: int, by: Actor) -> Move:
    """Keeps what is to come. Harmless twice. Raises Invalid."""
    there = arranged.there
    return moves.begin_move(
        account=account,
        carrier=carrier,
        cards=arranged.coming,
        months=months,
        balance=there.balance,
        payments=there.payments,
        by=by,
        has_history=bool(there.name),
        subaccounts=there.subaccounts,
    )


def bring(*, move: Move, by: Actor, stop: Callable[[], bool] = lambda: False) -> int:
    """Reads and imports SIMs that wait, some at a time, each of them whole or not at all; says how many came.

    Killed anywhere it goes on where it was. A SIM that Keepgo does not answer about waits for the next run. Raises
    Invalid where it answers about none of some.
    """
    brought, after = 0, 0
    client = keepgo_of(move.carrier) if move.has_history else None
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="move") as pool:
        while not stop():
            waiting = move.lines.filter(line=None, failed="", pk__gt=after).select_related("holder", "plan")
            rows = list(waiting.order_by("pk")[:BATCH])
            if not rows:
                break
            after = rows[-1].pk
            if client is None:
                read = [(row, History(None, {})) for row in rows]
            else:
                read = _histories(client, move, rows, pool)
            brought += moves.take_lines(move=move, read=read, by=by)
    return brought


def _histories(
    client: Keepgo, move: Move, rows: Sequence[MoveLine], pool: ThreadPoolExecutor
) -> list[tuple[MoveLine, History]]:
    today = clock.today()
    answers = list(pool.map(lambda row: attempt(lambda: _history(client, row.iccid, move.months, today)), rows))
    read = [(row, one) for row, one in zip(rows, answers, strict=True) if isinstance(one, History)]
    if not read and isinstance(answers[0], CarrierFailure):
        raise Invalid(f"{answers[0]} Run the import again: it goes on where it was.")
    return read


def _history(client: Keepgo, iccid: str, months: int, today: dt.date) -> History:
    """The running month last: nothing is read after the counter that the line starts from."""
    months_there = books.cycles_of(client, iccid, months=months, today=today)
    days, sessions = dict[dt.date, int](), list[tuple[dt.datetime, dt.datetime, str, int]]()
    for month in reversed(months_there):
        told = books.sessions_of(client, iccid, month)
        sessions += [(one.started_at, one.ended_at, one.country, one.used) for one in told]
        days |= books.days_of(client, iccid, month)
    return History(today.replace(day=1), days, sessions)


def compare(*, move: Move) -> int:
    """Asks Keepgo what the imported lines used and cost on each day since they came; says of how many line-days.

    Raises Invalid where it does not answer.
    """
    client = keepgo_of(move.carrier)
    lines = list(move.lines.filter(line__isnull=False).order_by("pk"))
    if not lines:
        return 0
    today = clock.today()
    first = max(min(row.day for row in lines if row.day), today - dt.timedelta(days=LONGEST_COMPARED))
    months = sorted({first.replace(day=1), today.replace(day=1)})
    with asking(move.carrier.name, "Nothing was compared."):
        _, balance = books.account_of(client)
        costs = books.charges_of(client, first, today)
    days: dict[tuple[int, dt.date], tuple[int, Decimal | None]] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="compare") as pool:
        answers = pool.map(lambda row: attempt(lambda: _days(client, row.iccid, months)), lines)
        for row, told in zip(lines, answers, strict=True):
            if isinstance(told, CarrierFailure) or row.line_id is None:
                continue
            for day in (first + dt.timedelta(days=n) for n in range((today - first).days + 1)):
                if row.day is None or day < row.day:
                    continue
                cost = None if costs is None else costs.get((row.iccid, day), Decimal(0))
                days[row.line_id, day] = told.get(day, 0), cost
    return clearing.keep_days(move=move, days=days, balance=balance)


def _days(client: Keepgo, iccid: str, months: Sequence[dt.date]) -> dict[dt.date, int]:
    found = dict[dt.date, int]()
    for month in months:
        found |= books.days_of(client, iccid, month)
    return found


def go_on(*, move_id: int, stop: Callable[[], bool]) -> int:
    """What a move's next bell does: brings SIMs that wait, or compares both sides. Another worker comes later."""
    move = moves.claim_move(move_id=move_id)
    if move is None:
        return 0
    brought = bring(move=move, by=Actor(ActorKind.BACK_OFFICE, move.began_by), stop=stop)
    if not brought and move.has_history and moves.is_to_compare(move=move):
        return compare(move=move)
    return brought
