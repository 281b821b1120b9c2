"""Doors to the audit: the list, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_GET
from kit import clock
from kit.exports import csv_answer
from kit.htmx import page

from accounts import audit
from accounts.audit import Asked, Told
from accounts.doors import MemberRequest, misread, needs
from accounts.forms import asked_of_audit
from accounts.policy import ActorKind, Right

ROWS = 50
KINDS = (
    ("", "Anybody"),
    (ActorKind.PERSON.value, "A person"),
    (ActorKind.KEY.value, "An API key"),
    (ActorKind.RULE.value, "A rule"),
    (ActorKind.CARRIER.value, "A carrier"),
    (ActorKind.SYSTEM.value, "The system"),
    (ActorKind.BACK_OFFICE.value, "The back office"),
    (ActorKind.OPERATOR.value, "The operator"),
)
COLUMNS = ("at_utc", "by", "what", "about", "sub_account", "changed", "before", "after")


@require_GET
@needs(Right.SEE_AUDIT)
def audit_list(request: MemberRequest) -> HttpResponse:
    """Every change on the account, the newest first."""
    asked = asked_of_audit(request.GET)
    if back := misread(request, _filters(asked), beside=("before",)):
        return back
    rows = audit.find(request.account, asked, limit=ROWS + 1)
    context = {
        "asked": asked,
        "rows": rows[:ROWS],
        "kinds": KINDS,
        "older": _query(asked, before=rows[ROWS - 1].id) if len(rows) > ROWS else "",
        "newest": _query(asked) if asked.before else "",
        "as_file": _query(asked),
        "is_narrowed": bool(asked.q or asked.kind or asked.start or asked.end),
        "searched": audit.SEARCHED,
    }
    return page(request, "accounts/audit.html", context, part="listing")


def _filters(asked: Asked) -> dict[str, object]:
    return {"q": asked.q, "by": asked.kind, "from": asked.start, "to": asked.end}


def _query(asked: Asked, *, before: int | None = None) -> str:
    values = _filters(asked) | {"before": before}
    return f"?{urlencode({name: str(value) for name, value in values.items() if value})}"


@require_GET
@needs(Right.SEE_AUDIT)
def audit_csv(request: MemberRequest) -> HttpResponse:
    """The same events, all of them, as they come from the database."""
    asked = asked_of_audit(request.GET)
    if back := misread(request, _filters(asked), to="audit"):
        return back
    rows = audit.everything(request.account, asked)
    return csv_answer(f"audit-{clock.today().isoformat()}.csv", _lines(rows))


def _lines(rows: Iterable[Told]) -> Iterator[Sequence[str]]:
    """A line for each change; one for an event that changed nothing that has a name."""
    yield COLUMNS
    for row in rows:
        start = [f"{row.at:%Y-%m-%d %H:%M:%S}", row.who, row.what, row.about, row.account]
        for name, before, after in row.changes or [("", "", "")]:
            yield *start, name, before, after
