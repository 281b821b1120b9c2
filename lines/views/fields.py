"""Doors to custom fields: which there are, what a line has, and a file that sets them for many."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from kit.errors import Refusal
from kit.htmx import page

from accounts.doors import MemberRequest, needs
from accounts.policy import Actor, Right
from lines.commands import fields as commands
from lines.commands import filling, lists
from lines.models import CustomField, Line
from lines.policy.fields import LONGEST_NAME, MOST_FIELDS, FieldKind
from lines.queries.fields import fields_of
from lines.views.actions import act
from lines.views.adding import looked_at
from lines.views.bulk import uploaded

KINDS = (
    (FieldKind.TEXT, "Text"),
    (FieldKind.NUMBER, "Number"),
    (FieldKind.DATE, "Date"),
    (FieldKind.CHOICE, "Choice"),
)
SHOWN = 200  # bad rows on a page


class ChangeForm(forms.Form):
    """A field as it is to be; the command checks what it is given."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME)
    choices = forms.CharField(
        label="Choices",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One per line. For the kind Choice only.",
    )
    shown = forms.BooleanField(label="Shown to sub-accounts", required=False)

    def choices_given(self) -> list[str]:
        return str(self.cleaned_data["choices"]).splitlines()


class FieldForm(ChangeForm):
    """A field to be added."""

    kind = forms.ChoiceField(
        label="Kind",
        choices=[(kind.value, label) for kind, label in KINDS],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    field_order = ("name", "kind", "choices", "shown")


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def custom_fields(request: MemberRequest) -> HttpResponse:
    """All of them, each to be changed or removed; and one more."""
    form = FieldForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            field = commands.add_field(
                account=request.account,
                name=given["name"],
                kind=FieldKind(given["kind"]),
                choices=form.choices_given(),
                shown=given["shown"],
                by=request.membership.user.actor,
            )
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, f"Field {field.name} added.")
            return redirect("custom-fields")
    fields = CustomField.objects.filter(account=request.account).annotate(used=Count("values")).order_by("name")
    context = {
        "rows": [(field, dict(KINDS)[FieldKind(field.kind)], _change_form(field)) for field in fields],
        "form": form,
        "most": MOST_FIELDS,
    }
    response = page(request, "lines/fields.html", context)
    response.status_code = 422 if form.errors else 200
    return response


def _change_form(field: CustomField) -> ChangeForm:
    given = {"name": field.name, "choices": "\n".join(field.choices), "shown": field.shown_to_subaccounts}
    form = ChangeForm(initial=given, auto_id=f"{field.uuid.hex}_%s")
    if field.kind != FieldKind.CHOICE:
        del form.fields["choices"]
    return form


def _theirs(request: MemberRequest, key: str) -> CustomField:
    found = CustomField.objects.filter(account=request.account, uuid=key).first()
    if found is None:
        raise Http404
    return found


@require_POST
@needs(Right.MANAGE_LINES)
def change_field(request: MemberRequest, key: str) -> HttpResponse:
    """Another name, other choices, shown to sub-accounts or not."""
    field, form = _theirs(request, key), ChangeForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Field not changed. {next(iter(form.errors.values()))[0]}")
        return redirect("custom-fields")
    try:
        changed = commands.change_field(
            field=field,
            name=form.cleaned_data["name"],
            choices=form.choices_given(),
            shown=form.cleaned_data["shown"],
            by=request.membership.user.actor,
        )
    except Refusal as refusal:
        messages.error(request, f"Field not changed. {refusal.message}")
    else:
        messages.success(request, f"Field {changed.name} changed.")
    return redirect("custom-fields")


@require_POST
@needs(Right.MANAGE_LINES)
def remove_field(request: MemberRequest, key: str) -> HttpResponse:
    """It is gone, with what lines had in it."""
    field = _theirs(request, key)
    try:
        count = commands.remove_field(field=field, by=request.membership.user.actor)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        lost = f" {count:,} line{'s' if count > 1 else ''} had a value in it." if count else ""
        messages.success(request, f"Field {field.name} removed.{lost}")
    return redirect("custom-fields")


@require_POST
@needs(Right.EDIT_NOTES)
def line_fields(request: MemberRequest, iccid: str) -> HttpResponse:
    """Sets what a line has; who pays for it sees to that alone."""
    if request.account.is_subaccount:
        raise Http404
    given = {
        field.name: request.POST[name]
        for field in fields_of(request.membership)
        if (name := f"field-{field.uuid.hex}") in request.POST
    }

    def command(line: Line, by: Actor) -> str:
        values = commands.read_values(account=request.account, given=given)
        commands.set_fields(line_ids=[line.pk], account=request.account, values=values, by=by)
        return "Fields saved."

    return act(request, iccid, command)


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_LINES)
def fill_fields(request: MemberRequest) -> HttpResponse:
    """Looks at a file, says what would change and what is wrong, and does it when it is confirmed."""
    context: dict[str, object] = {"most": filling.MOST_ROWS, "shown": SHOWN, "text": request.POST.get("rows", "")}
    context["fields"] = fields_of(request.membership)
    if request.method == "POST":
        try:
            content = looked_at(request) if "kept" in request.POST else uploaded(request, "rows")
            is_sure = "sure" in request.POST
            done = filling.fill_fields(
                account=request.account, content=content, by=request.membership.user.actor, only_look=not is_sure
            )
            kept = "" if is_sure else lists.keep_file(account=request.account, content=content).uuid.hex
        except Refusal as refusal:
            messages.error(request, refusal.message)
        else:
            context |= {"done": done, "is_sure": is_sure, "kept": kept}
    return render(request, "lines/fill_fields.html", context)
