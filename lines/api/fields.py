"""Custom fields: what an account keeps of its lines beside what everybody has."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import msgspec
from kit.endpoints import Ack, Input, endpoint
from kit.errors import NotFound
from kit.paging import Page, Paging, listed

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import CustomFields, GivenFields, fields_shown, line_of
from lines.commands import fields as commands
from lines.models import CustomField
from lines.policy.fields import LONGEST_NAME, LONGEST_VALUE, MOST_CHOICES, FieldKind
from lines.queries.fields import fields_of, fields_of_line

GROUP = "Custom fields"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME, description="Unlike all others in any case")]
Kind = Literal["text", "number", "date", "choice"]
Choices = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_VALUE)]],
    msgspec.Meta(max_length=MOST_CHOICES, description="What a choice has; empty for another kind"),
]
Shown = Annotated[bool, msgspec.Meta(description="Whether a sub-account sees it of its lines")]


class FieldShown(msgspec.Struct):
    """A field of the account's lines."""

    uuid: str
    name: str
    kind: Kind
    choices: list[str]
    shown_to_subaccounts: bool
    lines: Annotated[int | None, msgspec.Meta(description="How many have something in it; null for a sub-account")]


_SAMPLE = FieldShown("0" * 32, "Depot", "choice", ["Berlin", "Porto"], False, 12)


def _shown(field: CustomField, caller: Caller) -> FieldShown:
    lines = None if caller.account.is_subaccount else field.values.count()
    return FieldShown(field.uuid.hex, field.name, field.kind, field.choices, field.shown_to_subaccounts, lines)  # type: ignore[arg-type]


def _own(caller: Caller, uuid: str) -> CustomField:
    found = CustomField.objects.filter(account=caller.account, uuid=uuid).first()
    if found is None:
        raise NotFound("No such field is yours; custom_fields lists them")
    return found


@endpoint("custom_fields", right=Right.SEE_LINES, sample=[_SAMPLE])
def custom_fields(caller: Caller, asked: Paging) -> Page[FieldShown]:
    """The account's custom fields by name; a sub-account gets those that are shown to it"""
    return listed(asked, [_shown(field, caller) for field in fields_of(caller)])


class NewField(Input):
    """A field to add. Its kind stays as it is."""

    name: Name
    kind: Kind
    choices: Choices = []
    shown_to_subaccounts: Shown = False


@endpoint(
    "custom_fields",
    "POST",
    right=Right.MANAGE_LINES,
    sample=_SAMPLE,
    body=NewField("Vehicle", "choice", ["Van", "Truck"]),
)
def add_custom_field(caller: Caller, asked: NewField) -> FieldShown:
    """Adds a field to the account's lines"""
    field = commands.add_field(
        account=caller.account,
        name=asked.name,
        kind=FieldKind(asked.kind),
        choices=asked.choices,
        shown=asked.shown_to_subaccounts,
        by=caller.actor,
    )
    return _shown(field, caller)


@endpoint("custom_fields/{field}", right=Right.SEE_LINES, sample=_SAMPLE)
def custom_field(caller: Caller, field: str) -> FieldShown:
    """One custom field; a sub-account gets one that is shown to it"""
    key = uuid.UUID(field)
    found = next((one for one in fields_of(caller) if one.uuid == key), None)
    if found is None:
        raise NotFound("No such field is yours; custom_fields lists them")
    return _shown(found, caller)


class ChangedField(Input):
    """A field as it is to be. What lines have in it stays."""

    name: Name
    choices: Choices = []
    shown_to_subaccounts: Shown = False


@endpoint(
    "custom_fields/{field}",
    "PUT",
    right=Right.MANAGE_LINES,
    sample=_SAMPLE,
    body=ChangedField("Depot", ["Berlin", "Porto"]),
)
def change_custom_field(caller: Caller, field: str, asked: ChangedField) -> FieldShown:
    """Renames a field, changes its choices, or whether sub-accounts see it; a choice that lines have must stay"""
    changed = commands.change_field(
        field=_own(caller, field),
        name=asked.name,
        choices=asked.choices,
        shown=asked.shown_to_subaccounts,
        by=caller.actor,
    )
    return _shown(changed, caller)


@endpoint("custom_fields/{field}", "DELETE", right=Right.MANAGE_LINES, sample=Ack())
def remove_custom_field(caller: Caller, field: str) -> Ack:
    """Removes a field with what all lines have in it; refused while a rule is narrowed by it"""
    commands.remove_field(field=_own(caller, field), by=caller.actor)
    return Ack()


class FieldsOfLine(msgspec.Struct):
    """What a line has in the account's own fields."""

    custom_fields: CustomFields


class SetFields(Input):
    """What a line is to have; what is not named stays."""

    custom_fields: GivenFields


_OF_LINE = FieldsOfLine({"Depot": "Berlin", "Installed": "2026-10-02", "Seats": 49})


@endpoint("sim_card/{iccid}/custom_fields", right=Right.SEE_LINES, sample=_OF_LINE)
def custom_fields_of_line(caller: Caller, iccid: str) -> FieldsOfLine:
    """What a line has in the account's custom fields"""
    return FieldsOfLine(fields_shown(fields_of_line(caller, line_of(caller, iccid).iccid)))


@endpoint(
    "sim_card/{iccid}/custom_fields",
    "PUT",
    "POST",
    right=Right.MANAGE_LINES,
    sample=_OF_LINE,
    body=SetFields({"Depot": "Berlin"}),
)
def set_custom_fields(caller: Caller, iccid: str, asked: SetFields) -> FieldsOfLine:
    """Sets what a line has in some of the account's custom fields; the others stay as they are"""
    line = line_of(caller, iccid)
    values = commands.read_values(account=caller.account, given=asked.custom_fields)
    commands.set_fields(line_ids=[line.pk], account=caller.account, values=values, by=caller.actor)
    return FieldsOfLine(fields_shown(fields_of_line(caller, line.iccid)))


ENDPOINTS = (
    custom_fields,
    add_custom_field,
    custom_field,
    change_custom_field,
    remove_custom_field,
    custom_fields_of_line,
    set_custom_fields,
)
