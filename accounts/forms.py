"""Forms about people."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from functools import cache
from typing import Any

from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, QueryDict
from kit import clock

from accounts import commands, queries
from accounts.audit import Asked
from accounts.commands.people import LONGEST_PERSON
from accounts.models import User
from accounts.policy import INVITED_AS, KEY_OVERLAPS, Actor, ActorKind, Role

MOST_AT_ONCE = 100  # people invited with one list
ROLES = [
    (Role.USER.value, "User: everything but payments, staff and API keys"),
    (Role.OPERATOR.value, "Operator: sees everything, edits notes and deactivates lines; causes no cost"),
    (Role.VIEWER.value, "Viewer: sees everything, changes nothing"),
]


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Mail address, password and the account's name; saving it is one command."""

    account_name = forms.CharField(
        max_length=commands.LONGEST_NAME,
        label="Company or project",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ["account_name", "email", "password1", "password2"]

    def try_save(self, request: HttpRequest) -> Any:
        """Who is here already costs as long as who is new: the time must not tell."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)

    def save(self, request: HttpRequest) -> AbstractBaseUser:  # noqa: ARG002 - allauth calls it so
        data: dict[str, Any] = self.cleaned_data
        account = commands.sign_up(
            name=data["account_name"],
            email=data["email"],
            password=data["password1"],
            by=Actor(ActorKind.PERSON, data["email"]),
        )
        return queries.owner_of(account)


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]
    """At a brand's domain it knows the brand's own people alone: whoever has that address can lead it elsewhere, and
    with it a link that opens more than what is theirs. Anybody else is told that nobody is known there."""

    users: list[User]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if brand := context.request.brand:
            self.users = [user for user in self.users if queries.is_of_brand(user, brand)]
        return email


@cache
def time_zones() -> list[tuple[str, str]]:
    """UTC first, then the world's, by continent and city."""
    cities = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in cities)]


class RoleForm(forms.Form):
    role = forms.TypedChoiceField(
        label="Role",
        coerce=Role,
        choices=ROLES,
        initial=INVITED_AS[0].value,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class InviteForm(RoleForm):
    """One mail address, or a pasted list of them."""

    emails = forms.CharField(
        label="Mail addresses",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=f"One, or a pasted list; up to {MOST_AT_ONCE} at once.",
    )
    field_order = ["emails", "role"]

    def clean_emails(self) -> list[str]:
        found = addresses_in(self.cleaned_data["emails"])
        if not found:
            raise ValidationError("Enter an email address, such as jane@company.com.")
        if wrong := [one for one in found if not _is_email(one)]:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            shown = ", ".join(f"“{one[:60]}”" for one in wrong[:3])
            are = "isn’t an email address" if len(wrong) == 1 else "aren’t email addresses"
            raise ValidationError(f"{shown}{more} {are}. Nobody was invited.")
        if len(found) > MOST_AT_ONCE:
            raise ValidationError(f"These are {len(found)} addresses. Invite at most {MOST_AT_ONCE} at once.")
        return found


def addresses_in(text: str) -> list[str]:
    """Everything in a list that should be an email address, each once: whatever else is in it is not left out.

    `Jane Doe <jane@company.com>`, as mail programs write it, is one; the name is not typed for us.
    """
    named = re.sub(r"(?m)(?:^|(?<=[,;]))\s*(?:\"[^\"\n]*\"\s*|[^<>,;\n@]*)<([^<>\s]+@[^<>\s]+)>", r" \1 ", text)
    parts = (part.strip("<>\"'()").lower() for part in re.split(r"[\s,;]+", named))
    return list(dict.fromkeys(part for part in parts if part))


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


class FirstPasswordForm(forms.Form):
    """A password that a person chooses for the first time, typed twice."""

    password1 = forms.CharField(
        label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )
    password2 = forms.CharField(
        label="Password (again)", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )

    def __init__(self, *given: Any, email: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.email = email

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first, second = data.get("password1"), data.get("password2")
        if first and second and first != second:
            self.add_error("password2", "You must type the same password each time.")
        elif first:
            try:
                validate_password(first, User(email=self.email, name=data.get("name", "")))
            except ValidationError as weak:
                self.add_error("password1", weak)
        return data


class JoinForm(FirstPasswordForm):
    """Name and password of a person who joins by an invitation."""

    name = forms.CharField(
        label="Your name",
        required=False,
        max_length=LONGEST_PERSON,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ["name", "password1", "password2"]


class ProfileForm(forms.Form):
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=LONGEST_PERSON,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label="Language",
        choices=settings.LANGUAGES,
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="How dates are written. The console's words are English.",
    )
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=time_zones,
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="In which moments are shown to you. Days that are charged are days of UTC.",
    )


OVERLAPS = {
    0: "ends now: programs that sign with it stop at once",
    24: "works for another day",
    168: "works for another week",
}


class RotateForm(forms.Form):
    """How long the present key still works, and which one the person saw."""

    overlap_hours = forms.TypedChoiceField(
        label="The present key",
        coerce=int,
        choices=[(hours, OVERLAPS[hours]) for hours in KEY_OVERLAPS],
        initial=24,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    last = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def clean_last(self) -> dt.datetime | None:
        text = self.cleaned_data["last"]
        try:
            return dt.datetime.fromisoformat(text) if text else None
        except ValueError:
            raise ValidationError("Open the page again; this form is not ours.") from None


def asked_of_audit(data: QueryDict) -> Asked:
    """What makes no sense is left out."""
    kind, before = data.get("by", ""), data.get("before", "")
    return Asked(
        q=" ".join(data.get("q", "").replace("\0", "").split())[:100],
        kind=kind if kind in set(ActorKind) else "",
        start=clock.day_from(data.get("from", "")),
        end=clock.day_from(data.get("to", "")),
        before=int(before) if re.fullmatch(r"[0-9]{1,18}", before) else None,
    )
