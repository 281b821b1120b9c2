"""Forms about people."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from accounts import commands, queries
from accounts.policy import Actor, ActorKind


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Mail address, password and the account's name; saving it is one command."""

    account_name = forms.CharField(
        max_length=commands.LONGEST_NAME,
        label="Company or project",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ["account_name", "email", "password1", "password2"]

    def save(self, request: HttpRequest) -> AbstractBaseUser:  # noqa: ARG002 - allauth calls it so
        data: dict[str, Any] = self.cleaned_data
        account = commands.sign_up(
            name=data["account_name"],
            email=data["email"],
            password=data["password1"],
            by=Actor(ActorKind.PERSON, data["email"]),
        )
        return queries.owner_of(account)
