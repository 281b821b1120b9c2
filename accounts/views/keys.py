"""Doors to bearer keys: the owner's list, a new one shown once, revoking."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from kit import clock
from kit.errors import Refusal
from kit.htmx import page

from accounts import keys
from accounts.doors import MemberRequest, confirmed_first, needs
from accounts.models import Account, ApiKey
from accounts.policy import MOST_PER_SECOND, PER_SECOND, RIGHTS_OF_SCOPE, Right, Role, Scope, rights

WORDS = {
    Scope.READ_LINES: "read lines, their usage and SMS",
    Scope.ACTIVATE_LINES: "also activate lines, send SMS, edit notes",
    Scope.MANAGE_LINES: "everything with lines, rules and jobs",
    Scope.READ_SUBACCOUNTS: "read sub-accounts",
    Scope.MANAGE_SUBACCOUNTS: "add, rename and switch sub-accounts",
    Scope.READ_AUDIT: "read what was done, and by whom",
    Scope.READ_MONEY: "read balance, payments, costs and prices",
    Scope.MANAGE_WEBHOOKS: "add, change and delete webhooks, read events",
    Scope.MANAGE_KEYS: "make, list and revoke API keys that may do no more",
}


class KeyForm(forms.Form):
    """A key to be made; the command checks what it is given."""

    name = forms.CharField(
        label="Name", max_length=keys.LONGEST_NAME, help_text="What uses it, such as ‘billing export’."
    )
    scopes = forms.MultipleChoiceField(label="What it may do", widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(
        label="Lasts",
        coerce=int,
        choices=[(days, f"{days} days") for days in keys.LASTS],
        initial=90,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    is_test = forms.BooleanField(
        label="Test key", required=False, help_text="Its calls work in your test account. Nothing real changes."
    )
    per_second = forms.IntegerField(
        label="Requests per second", min_value=1, max_value=MOST_PER_SECOND, initial=PER_SECOND, required=False
    )
    ranges = forms.CharField(
        label="Only from these addresses",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "203.0.113.0/24"}),
        help_text="One address or range a line; empty: from everywhere.",
    )

    def __init__(self, *given: Any, account: Account, **more: Any) -> None:
        super().__init__(*given, **more)
        own = rights(Role.OWNER, is_subaccount=account.is_subaccount)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [(scope.value, f"{scope}: {WORDS[scope]}") for scope in Scope if RIGHTS_OF_SCOPE[scope] <= own]


def section(account: Account, form: KeyForm | None = None) -> dict[str, Any]:
    """What accounts/api_keys.html shows."""
    return {"keys": keys.keys_of(account), "key_form": form or KeyForm(account=account), "now": clock.now()}


@never_cache
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_KEYS)
def api_keys(request: MemberRequest) -> HttpResponse:
    """The keys; a new one is in the answer that made it and nowhere else."""
    form = KeyForm(request.POST if request.method == "POST" else None, account=request.account)
    made, status = None, 200
    if request.method == "POST":
        if away := confirmed_first(request, back=request.path):
            return away
        made = _make(request, form) if form.is_valid() else None
        status = 200 if made else 422
    context = section(request.account, None if made else form) | {"made": made}
    response = page(request, "accounts/api_keys_page.html", context)
    response.status_code = status
    return response


def _make(request: MemberRequest, form: KeyForm) -> tuple[ApiKey, str] | None:
    asked = form.cleaned_data
    try:
        return keys.make_key(
            account=request.account,
            name=asked["name"],
            scopes=[Scope(scope) for scope in asked["scopes"]],
            days=asked["days"],
            ranges=asked["ranges"].split(),
            is_test=asked["is_test"],
            per_second=asked["per_second"] or PER_SECOND,
            by=request.membership.user.actor,
        )
    except Refusal as refusal:
        form.add_error(None, refusal.message)
        return None


@require_POST
@needs(Right.MANAGE_KEYS)
def revoke_api_key(request: MemberRequest, key: int) -> HttpResponse:
    """Ends a key at once."""
    row = ApiKey.objects.filter(account=request.account, pk=key).first()
    if row is None:
        raise Http404
    if away := confirmed_first(request, back=reverse("api_keys")):
        return away
    keys.revoke_key(key=row, by=request.membership.user.actor)
    messages.success(request, f"The key {row.name} is revoked; its next call gets 401.")
    return redirect("api_keys")
