"""Jobs that set custom fields: which of their lines have it all already, and which cannot have it."""

from __future__ import annotations

from functools import reduce
from operator import and_

from django.db import connection
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, Value
from django.db.models.expressions import Combinable

from lines.models import CustomField, FieldValue, Job
from lines.policy import Action, Item
from lines.policy.fields import FieldKind

# Lines of a job that set fields, with what each had before: whether it has that again, and whether it cannot have it.
BEFORE = f"""
SELECT i.line_id, bool_and(coalesce(v.value, '') = e.value),
       bool_or(e.value <> '' AND (f.id IS NULL OR (f.kind = '{FieldKind.CHOICE}' AND NOT EXISTS (
                   SELECT FROM unnest(f.choices) AS c(name) WHERE lower(c.name) = lower(e.value)))))
  FROM lines_job j
  JOIN lines_jobitem i ON i.job_id = j.id AND i.state = {Item.DONE:d} AND i.before <> ''
  JOIN lines_jobitem w ON w.job_id = %(job)s AND w.line_id = i.line_id AND w.state = {Item.WAITING:d}
 CROSS JOIN LATERAL jsonb_each_text(i.before::jsonb) AS e(field, value)
  LEFT JOIN lines_customfield f ON f.id = e.field::bigint
  LEFT JOIN lines_fieldvalue v ON v.line_id = i.line_id AND v.field_id = f.id
 WHERE j.uuid = %(undone)s::uuid AND j.account_id = %(account)s
 GROUP BY i.line_id
HAVING bool_and(coalesce(v.value, '') = e.value)
    OR bool_or(e.value <> '' AND (f.id IS NULL OR f.kind = '{FieldKind.CHOICE}'))
"""


def fields_so(job: Job) -> tuple[Combinable, Combinable]:
    """Whether a line has what the job would set, and whether it cannot have it: the field is gone, or the choice."""
    if job.action == Action.RESTORE_FIELDS:
        with connection.cursor() as cursor:
            cursor.execute(BEFORE, {"job": job.pk, "undone": job.parameters["job"], "account": job.account_id})
            rows = cursor.fetchall()
        same, lost = ([pk for pk, *found in rows if found[at]] for at in (0, 1))
        return _among(same), _among(lost)
    wanted = {int(pk): str(value) for pk, value in job.parameters["fields"].items()}
    fields = {field.pk: field for field in CustomField.objects.filter(account=job.account_id, pk__in=wanted)}
    is_lost = any(value and not _may_have(fields.get(pk), value) for pk, value in wanted.items())
    has = [_has(pk, value) for pk, value in wanted.items() if pk in fields]
    return _is(reduce(and_, has)) if has else _always(False), _always(is_lost)


def _may_have(field: CustomField | None, value: str) -> bool:
    if field is None:
        return False
    return field.kind != FieldKind.CHOICE or value.lower() in map(str.lower, field.choices)


def _has(field_id: int, value: str) -> Q:
    of_line = FieldValue.objects.filter(field=field_id, line=OuterRef("pk"))
    return Q(Exists(of_line.filter(value=value))) if value else ~Q(Exists(of_line))


def _among(line_ids: list[int]) -> Combinable:
    return _is(Q(pk__in=line_ids)) if line_ids else _always(False)


def _always(so: bool) -> Combinable:
    return Value(so, output_field=BooleanField())


def _is(condition: Q) -> Combinable:
    return ExpressionWrapper(condition, output_field=BooleanField())
