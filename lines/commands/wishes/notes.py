"""What people write about a line."""

from __future__ import annotations

from django.db import transaction
from kit.errors import Invalid

from accounts.commands import record
from accounts.policy import Actor
from lines.models import Line

LONGEST_NOTES = 500  # characters


@transaction.atomic
def edit_notes(*, line: Line, notes: str, by: Actor) -> Line:
    """Raises Invalid for notes that are too long. Harmless twice."""
    notes = plain_notes(notes=notes)
    if len(notes) > LONGEST_NOTES:
        raise Invalid(f"Notes have at most {LONGEST_NOTES} characters; these have {len(notes)}")
    line = Line.objects.select_for_update().get(pk=line.pk)
    if notes != line.notes:
        before, line.notes = line.notes, notes
        line.save(update_fields=["notes"])
        record(
            by=by,
            verb="line.notes_edited",
            account_id=line.account_id,
            subject=f"line:{line.iccid}",
            detail={"before": before, "after": notes},
        )
    return line


def plain_notes(*, notes: str) -> str:
    """Notes as they are kept: in one line, without the NUL that the database keeps nowhere."""
    return " ".join(notes.replace("\0", "").split())
