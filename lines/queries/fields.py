"""Custom fields: which of them a viewer sees, what lines have in them, and lines by that."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import DecimalField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Lower
from kit.errors import Invalid

from accounts.queries import Viewer
from lines.models import CustomField, FieldValue, Line
from lines.policy.fields import MOST_DECIMALS, MOST_DIGITS, BadValue, FieldKind, read_value, told

COLUMN = "field"  # before its id


def fields_of(viewer: Viewer) -> list[CustomField]:
    """By name; of a sub-account those of who pays that are shown to it."""
    found = CustomField.objects.filter(account_id=viewer.account.payer_id)
    if viewer.account.is_subaccount:
        found = found.filter(shown_to_subaccounts=True)
    return list(found.order_by(Lower("name")))


def values_of(viewer: Viewer, line_ids: Iterable[int]) -> dict[int, dict[str, str | int | Decimal]]:
    """Of these lines, which must be the viewer's: what each has, by the fields' names, in their order."""
    fields = {field.pk: field for field in fields_of(viewer)}
    found: dict[int, dict[str, str | int | Decimal]] = {line_id: {} for line_id in line_ids}
    if not fields or not found:
        return found
    rows = FieldValue.objects.filter(line__in=found, field__in=fields).values_list("line_id", "field_id", "value")
    kept: dict[tuple[int, int], str] = {(line, field): value for line, field, value in rows}
    for line_id, values in found.items():
        for pk, field in fields.items():
            if (value := kept.get((line_id, pk))) is not None:
                values[field.name] = told(FieldKind(field.kind), value)
    return found


def having(lines: QuerySet[Line], viewer: Viewer, wanted: Iterable[tuple[str, str]]) -> QuerySet[Line]:
    """Those that have these values, texts in capitals or not. Raises Invalid for a field that the viewer has not."""
    wanted = list(wanted)
    known = {field.name.lower(): field for field in fields_of(viewer)} if wanted else {}
    for name, text in wanted:
        field = known.get(name.strip().lower())
        if field is None:
            raise Invalid(f"There is no field “{name[:40]}”; custom_fields lists them", field=f"field.{name[:40]}")
        try:
            value = read_value(FieldKind(field.kind), field.choices, text)
        except BadValue as bad:
            raise Invalid(f"{field.name}: {bad}", field=f"field.{field.name}") from None
        lines = with_value(lines, field, value)
    return lines


def having_text(lines: QuerySet[Line], viewer: Viewer, field_id: int, text: str) -> QuerySet[Line]:
    """Those that have this in a field of the viewer's; none where it could be no value of it."""
    field = next((one for one in fields_of(viewer) if one.pk == field_id), None)
    try:
        value = read_value(FieldKind(field.kind), field.choices, text) if field else ""
    except BadValue:
        value = ""
    return with_value(lines, field, value) if field and value else lines.none()


def with_value(lines: QuerySet[Line], field: CustomField, value: str) -> QuerySet[Line]:
    """Those that have this kept value; an empty one: that have none."""
    of_field = FieldValue.objects.filter(field=field)
    if not value:
        return lines.exclude(pk__in=of_field.values("line"))
    return lines.filter(pk__in=of_field.alias(lower=Lower("value")).filter(lower=value.lower()).values("line"))


def column_of(field: CustomField) -> str:
    """Its name among the columns that a list may show and be sorted by."""
    return f"{COLUMN}{field.pk}"


def sort_key(column: str, viewer: Viewer) -> Subquery | Cast | None:
    """What lines are sorted by; None for a column that is no field of the viewer's."""
    found = next((field for field in fields_of(viewer) if column_of(field) == column), None)
    return value_of(found, to_sort=True) if found else None


def value_of(field: CustomField, *, to_sort: bool = False) -> Subquery | Cast:
    """A field's value of each line, as it is kept; to sort by, numbers are numbers."""
    value = Subquery(FieldValue.objects.filter(field=field, line=OuterRef("pk")).values("value")[:1])
    if to_sort and field.kind == FieldKind.NUMBER:
        return Cast(value, DecimalField(max_digits=MOST_DIGITS + MOST_DECIMALS, decimal_places=MOST_DECIMALS))
    return value


def values_by_iccid(viewer: Viewer, iccids: Iterable[str]) -> dict[str, dict[str, str | int | Decimal]]:
    """The same as values_of, for lines of the viewer's by ICCID."""
    ids = dict(Line.objects.filter(iccid__in=list(iccids)).values_list("pk", "iccid"))
    return {ids[pk]: values for pk, values in values_of(viewer, ids).items()}


def fields_of_line(viewer: Viewer, iccid: str) -> dict[str, str | int | Decimal]:
    """What a line of the viewer's has."""
    return values_by_iccid(viewer, [iccid])[iccid]
