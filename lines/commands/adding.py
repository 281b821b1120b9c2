"""Lines that an account takes out of stock, one by its digits or many out of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid
from kit.identifiers import NotAnIccid, all_spellings, doubt, read_iccid, sim_key
from kit.sql import array
from kit.tables import Column, read_table

from accounts.commands import Happened, record_many
from accounts.models import Account
from accounts.policy import Actor
from billing.commands import lock_wallets
from lines.carriers.base import Switch
from lines.commands.claims import NOT_HERE, Claims, claims_of, note_guesses, taken
from lines.commands.coverage import PLAN
from lines.commands.fields import columns_of, read_by, refuse_lost, set_each
from lines.commands.lists import ICCIDS
from lines.commands.tags import tag_lines, tag_names
from lines.commands.wishes import LONGEST_NOTES, change_wishes, enforce, plain_notes, ready_standing, set_many
from lines.models import CustomField, Line, LineState, RatePlan
from lines.policy import Wanted, Why
from lines.policy.precedence import Request, Standing
from lines.queries.plans import plans_for

MOST_ROWS = 5_000
COLUMNS = (
    ICCIDS,
    Column("rate plan", PLAN.also, required=True),
    Column(
        "notes",
        (
            "note", "notiz", "notizen", "bemerkung", "comment", "comments", "commentaire", "nota", "notas", "remark",
            "remarks", "description", "notitie", "примечание", "备注",
        ),
    ),
    Column("tags", ("tag", "label", "labels", "schlagwörter", "étiquettes", "etiquetas", "etichette")),
    Column("code", ("claim code", "activation code", "code zum freischalten")),
)  # fmt: skip
FIELDS = {"rate plan": "plan"}


@dataclass(frozen=True, slots=True)
class NewLine:
    """A row as somebody wrote it; `number` is its place in the file, from 1."""

    number: int
    iccid: str
    plan: str
    notes: str = ""
    tags: str = ""
    code: str = ""  # printed with the card, where it is not reserved for the account
    fields: tuple[tuple[str, str], ...] = ()  # names of custom fields, and what it is to have in them


@dataclass(slots=True)
class Added:
    """What became of rows: those that were added, those that were ours already, and the bad ones with why."""

    lines: list[NewLine] = field(default_factory=list)
    ours: list[NewLine] = field(default_factory=list)
    bad: list[tuple[NewLine, str]] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)  # cards that are not theirs to take, as they are counted
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.lines) + len(self.ours) + len(self.bad)


@dataclass(slots=True)
class NewLines:
    """The rows of a file: those that could be read, those that could not with why, and what a person should know."""

    rows: list[NewLine]
    bad: list[tuple[NewLine, str]]
    notes: list[str]


def rows_of(*, content: bytes, fields: Sequence[CustomField] = ()) -> NewLines:
    """The rows of a file with a heading: iccid, rate plan, and, if wished, notes, tags, code and custom fields by their
    names. Raises Invalid."""
    own = columns_of(fields=fields)
    table = read_table(content, [*COLUMNS, *own], most=MOST_ROWS)
    rows = [
        NewLine(
            row.number,
            fields=tuple((one.name, row.cells[one.name]) for one in own if row.cells[one.name]),
            **{FIELDS.get(one.name, one.name): " ".join(row.cells[one.name].split()) for one in COLUMNS},
        )
        for row in table.rows
    ]
    return NewLines(rows, [(NewLine(number, "", ""), why) for number, why in table.bad], table.notes)


def add_file(
    *, account: Account, content: bytes, active: bool, by: Actor, address: str = "", only_look: bool = False
) -> Added:
    """The same as `add_lines` for a file, all of whose rows are added, ours already or bad. Raises Invalid."""
    read = rows_of(content=content, fields=list(CustomField.objects.filter(account=account).order_by("pk")))
    added = add_lines(account=account, rows=read.rows, active=active, by=by, address=address, only_look=only_look)
    added.bad = sorted([*added.bad, *read.bad], key=lambda bad: bad[0].number)
    added.notes = read.notes
    return added


@transaction.atomic
def add_lines(
    *,
    account: Account,
    rows: Sequence[NewLine],
    active: bool,
    by: Actor,
    address: str = "",
    only_look: bool = False,
) -> Added:
    """Takes lines out of stock into an account, at the plans that are named; every bad row is named, the rest added.

    Active ones start Suspended while the balance is red. What a line used before is nobody's: its next reading is its
    baseline. Only what the account may claim is taken (see claims); `address` is the network address of who asks.
    `only_look` answers what would happen and takes nothing. Harmless twice. Raises FieldInUse where a custom field that
    is named changes meanwhile.
    """
    lock_wallets(account_ids=[account.payer_id])
    enforce(account_ids=[account.payer_id])
    added = Added()
    rows = [replace(row, notes=plain_notes(notes=row.notes)) for row in rows]
    fields = list(CustomField.objects.filter(account=account)) if any(row.fields for row in rows) else []
    chosen, claims = _choose(account, rows, fields, added, address=address, by=by)
    note_guesses(account=account, address=address, digests=claims.guesses)
    added.guesses = claims.guesses
    if only_look:
        added.lines = [row for row, _, _ in chosen]
        return added
    _take(account, chosen, by)
    taken(lines=[line for _, line, _ in chosen], claims=claims, by=by)
    ids = [line.pk for _, line, _ in chosen]
    _wish_new(account, ids, active=active, by=by)
    for names, of in _by_tags(chosen).items():
        tag_lines(line_ids=of, account=account, names=list(names), by=by)
    if values := {line.pk: read_by(fields=fields, given=dict(row.fields)) for row, line, _ in chosen if row.fields}:
        refuse_lost(verdicts=set_each(values=values, account=account, by=by))
    added.lines = [row for row, _, _ in chosen]
    return added


Chosen = tuple[NewLine, Line, RatePlan]


def _choose(
    account: Account, rows: Sequence[NewLine], fields: list[CustomField], added: Added, *, address: str, by: Actor
) -> tuple[list[Chosen], Claims]:
    """The rows that may be added, with their lines locked."""
    plans = {plan.name.lower(): plan for plan in plans_for(account)}
    seen: dict[str, int] = {}
    fine: list[tuple[NewLine, str]] = []
    for row in rows:
        try:
            iccid = read_iccid(row.iccid)
        except NotAnIccid as bad:
            added.bad.append((row, bad.message))
            continue
        if why := _what_is_wrong(row, sim_key(iccid), seen, plans, fields):
            added.bad.append((row, why))
        else:
            seen[sim_key(iccid)] = row.number
            fine.append((row, iccid))
    asked = all_spellings(seen)
    stock = Line.objects.select_for_update().filter(iccid__in=asked, payer=None).order_by("pk")
    known = {sim_key(line.iccid): line for line in stock}
    theirs = Line.objects.filter(iccid__in=asked, payer=account)
    ours = set(map(sim_key, theirs.values_list("iccid", flat=True)))
    claims = claims_of(account=account, iccids=[line.iccid for line in stock], address=address, by=by)
    chosen: list[Chosen] = []
    for row, iccid in fine:
        line, plan = known.get(sim_key(iccid)), plans[row.plan.lower()]
        if sim_key(iccid) in ours:
            added.ours.append(row)
        elif line is None or line.carrier_id != plan.carrier_id:
            added.bad.append((row, _refused(claims.refuse(sim_key(iccid), row.code), iccid)))
        elif why := claims.why_not(line.iccid, row.code):
            added.bad.append((row, _refused(why, iccid)))
        else:
            chosen.append((row, line, plan))
    added.bad.sort(key=lambda bad: bad[0].number)
    return chosen, claims


def _refused(why: str, iccid: str) -> str:
    """Why a card cannot be added; of digits that are no SIM card's that is said, whatever is in stock."""
    return doubt(iccid, check_digit=False) or why if why == NOT_HERE else why


def _what_is_wrong(
    row: NewLine, key: str, seen: Mapping[str, int], plans: Mapping[str, RatePlan], fields: Sequence[CustomField]
) -> str:
    if key in seen:
        return f"the same ICCID stands in row {seen[key]}"
    if row.plan.lower() not in plans:
        return f"there is no rate plan “{row.plan[:100]}”" if row.plan else "the rate plan is missing"
    if len(row.notes) > LONGEST_NOTES:
        return f"notes have at most {LONGEST_NOTES} characters"
    try:
        tag_names(given=[row.tags])
        read_by(fields=fields, given=dict(row.fields))
    except Invalid as invalid:
        return invalid.message
    return ""


TAKE = """
WITH taken AS (
    UPDATE lines_line l SET account_id = %(account)s, payer_id = %(payer)s, plan_id = r.plan_id, notes = r.notes,
           added_at = %(now)s + CASE WHEN l.added_at = %(now)s THEN interval '1 microsecond' ELSE '0' END
      FROM unnest(%(lines)s::bigint[], %(plans)s::bigint[], %(notes)s::text[]) AS r(line_id, plan_id, notes)
     WHERE l.id = r.line_id
)
UPDATE lines_linestate SET cycle = NULL, counter = 0, baseline = 0, since_cycle = NULL, shown_lower = NULL,
       lower_at = NULL, lower_counter = NULL, day = NULL, day_bytes = 0,
       wanted = %(off)s, wanted_at = %(now)s, why = %(new)s, why_who = ''
 WHERE line_id = ANY(%(lines)s::bigint[])
"""


def _take(account: Account, chosen: Sequence[Chosen], by: Actor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE,
            {
                "account": account.pk,
                "payer": account.payer_id,
                "lines": array(line.pk for _, line, _ in chosen),
                "plans": array(plan.pk for _, _, plan in chosen),
                "notes": array(row.notes for row, _, _ in chosen),
                "now": clock.now(),
                "off": int(Wanted.DEACTIVATED),
                "new": Why.NEW.value,
            },
        )
    things = [
        Happened(account.pk, f"line:{line.iccid}", {"rate_plan": plan.name, "notes": row.notes})
        for row, line, plan in chosen
    ]
    record_many(by=by, verb="line.added", things=things)


def _wish_new(account: Account, ids: Sequence[int], *, active: bool, by: Actor) -> None:
    if not active:  # one that its carrier left on is to be switched off
        on = f"l.id = ANY(%(ids)s) AND st.reported = {Switch.ON:d}"
        change_wishes(which=on, ids=ids, to=Standing.NEW, instead_of=list(Standing))
        return
    states = list(LineState.objects.select_for_update(of=("self",)).select_related("line").filter(pk__in=ids))
    set_many(states=states, request=Request.ACTIVATE, to=ready_standing(holder=account), by=by)


def _by_tags(chosen: Sequence[Chosen]) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for row, line, _ in chosen:
        if names := tuple(tag_names(given=[row.tags])):
            found.setdefault(names, []).append(line.pk)
    return found
