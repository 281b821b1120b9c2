"""Custom fields of many lines out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from kit.errors import Invalid
from kit.identifiers import NotAnIccid, all_spellings, read_iccid, sim_key
from kit.tables import Row, read_table

from accounts.models import Account
from accounts.policy import Actor
from lines.commands.fields import columns_of, read_by, refuse_lost, set_each
from lines.commands.lists import ICCIDS
from lines.models import CustomField, Line
from lines.policy import Verdict

MOST_ROWS = 20_000
NOT_YOURS = "No such line is yours"


@dataclass(slots=True)
class Filled:
    """What became of a file's rows: lines that changed, lines that had it all, bad rows with why."""

    changed: int = 0
    same: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.changed + self.same + len(self.bad)


@transaction.atomic
def fill_fields(*, account: Account, content: bytes, by: Actor, only_look: bool = False) -> Filled:
    """Sets what the file's columns say of the account's lines: iccid, and fields by their names. An empty cell changes
    nothing. Bad rows are named, the others done; `only_look` changes nothing. Harmless twice. Raises Invalid."""
    fields = list(CustomField.objects.filter(account=account).order_by("name"))
    if not fields:
        raise Invalid("There are no custom fields yet. Add one first.")
    table = read_table(content, [ICCIDS, *columns_of(fields=fields)], most=MOST_ROWS)
    filled = Filled(bad=list(table.bad), notes=table.notes)
    values = _values(account, fields, table.rows, filled)
    with transaction.atomic():
        verdicts = set_each(values=values, account=account, by=by)
        if only_look:
            transaction.set_rollback(True)
    refuse_lost(verdicts=verdicts)
    filled.changed = sum(verdict is Verdict.DO for verdict in verdicts.values())
    filled.same = len(verdicts) - filled.changed
    filled.bad.sort()
    return filled


def _values(
    account: Account, fields: list[CustomField], rows: list[Row], filled: Filled
) -> dict[int, Mapping[int, str]]:
    """By line what its row says; bad rows are noted."""
    read: dict[str, tuple[int, Mapping[int, str]]] = {}
    for row in rows:
        try:
            key = sim_key(read_iccid(row.cells[ICCIDS.name]))
            given = {name: cell for name, cell in row.cells.items() if name != ICCIDS.name and cell}
            values = read_by(fields=fields, given=given)
        except (NotAnIccid, Invalid) as bad:
            filled.bad.append((row.number, bad.message))
            continue
        if key in read:
            filled.bad.append((row.number, f"The same ICCID is in row {read[key][0]}"))
        else:
            read[key] = row.number, values
    lines = Line.objects.filter(payer=account, iccid__in=all_spellings(read)).values_list("pk", "iccid")
    ids = {sim_key(iccid): pk for pk, iccid in lines}
    filled.bad += [(number, NOT_YOURS) for key, (number, _) in read.items() if key not in ids]
    return {ids[key]: values for key, (_, values) in read.items() if key in ids}
