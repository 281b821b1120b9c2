"""Forms about people."""

from __future__ import annotations

from django import forms


class SignupForm(forms.Form):
    account_name = forms.CharField(max_length=200, label="Company or project")

    def signup(self, request: object, user: object) -> None:
        return None
