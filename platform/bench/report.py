"""The benchmark's answer as tables to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CASES = {
    "in_order": "pages in order, every line another account",
    "shuffled": "pages shuffled over the whole table",
    "one_account": "pages of one account",
    "unmoved": "pages on which nothing moved",
    "first_of_day": "the first reading of a day",
    "batches": "large batches",
}
LOOKS = {
    "colours_ms": "colours of all accounts",
    "balance_ms": "balance of one account",
    "lines_list_ms": "first page of the list of lines",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as a part of what could be."""

    what: str
    figure: float
    unit: str
    ratio: float | None = None
    against: str = ""


def table(answer: dict[str, Any]) -> str:
    machine, enforcing = answer["machine"], answer["enforcing"]
    lines = [
        (
            f"{answer['lines']:,} lines of {answer['accounts']:,} accounts, medians of {answer['rounds']} rounds,"
            f" PostgreSQL {machine['postgresql']}, {machine['cores']} cores,"
            f" synchronous_commit {machine['synchronous_commit']}"
        ),
        "",
        (
            f"{'Applying readings, lines a second':46}{'a call':>8}{'ms':>9}"
            f"{'hot path':>10}{'floor':>10}{'ORM loop':>10}{'of floor':>10}{'x ORM':>8}"
        ),
    ]
    for name, case in answer["applying"].items():
        lines.append(
            f"  {CASES[name]:44}{case['lines_a_call']:>8,}{case['ms_a_call']:>9.2f}{case['hot_path']:>10,}"
            f"{case['floor']:>10,}{_or_dash(case['orm'], ','):>10}{case['of_floor']:>10.0%}"
            f"{_or_dash(case['times_orm'], '.0f'):>8}"
        )
    lines += ["", f"A payer of {enforcing['lines']:,} lines turns"]
    for name, turn in (("suspend", "red: its lines are suspended"), ("reactivate", "back: they are reactivated")):
        seconds, rate = enforcing[f"{name}_seconds"], enforcing[f"{name}_lines_a_second"]
        lines.append(f"  {turn:44}{seconds:>8.3f} s{rate:>10,} lines a second")
    lines += ["", "Looking"]
    lines += [f"  {label:44}{answer['looking'][name]:>8.2f} ms" for name, label in LOOKS.items()]
    if answer["more"]:
        lines += ["", "And"]
    for row in answer["more"]:
        ratio = "" if row["ratio"] is None else f"   {row['ratio']:.2f} of {row['against']}"
        lines.append(f"  {row['what']:44}{row['figure']:>10,.1f} {row['unit']}{ratio}")
    books = "they add up" if answer["books_add_up"] else "BROKEN: " + ", ".join(answer["broken_rules"])
    return "\n".join([*lines, "", f"Books after all of it: {books}. Took {answer['seconds']:.0f} s."])


def _or_dash(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)
