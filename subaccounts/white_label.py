"""The door to a white label: a sub-account's, or the account's own, which its sub-accounts show too."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods
from kit.errors import Refusal
from kit.htmx import page
from kit.uploads import file_of_at_most

from accounts.branding import colours, images
from accounts.branding.identity import ACCENT, brand_of, branding_of
from accounts.commands import brand_account, change_logo
from accounts.doors import MemberRequest, needs
from accounts.models import Account
from accounts.policy import Right
from lines.commands.apns import set_brand_apn
from lines.queries.apns import carriers_of
from subaccounts.forms import LookForm
from subaccounts.views import actor, theirs


@file_of_at_most(images.MOST_BYTES)
@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE_SUBACCOUNTS)
def white_label(request: MemberRequest, key: str) -> HttpResponse:
    """Name, logo, colours, support mail, domain and APN texts, with how they look."""
    own = key == request.account.uuid.hex
    account = request.account if own else theirs(request, key)
    brand = brand_of(account)
    form = LookForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        carriers=carriers_of(account),
        brand=brand,
        initial=LookForm.values_of(brand) or {"name": branding_of(account).name if not own else account.name},
    )
    if form.is_valid():
        try:
            _save(request, account, form)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "The white label is saved.")
            return redirect("white_label", key=key)
    light, dark = (tone(brand.accent if brand and brand.accent else ACCENT) for tone in TONES)
    context = {
        "of": account,
        "is_own": own,
        "brand": brand,
        "its_branding": branding_of(account),
        "form": form,
        "light": light,
        "dark": dark,
        "bar": colours.bar(brand.bar) if brand and brand.bar else None,
        "adjusted": brand is not None and brand.accent not in ("", light.accent),
    }
    response = page(request, "subaccounts/white_label.html", context)
    response.status_code = 422 if form.errors else 200
    return response


TONES = (colours.light_tone, colours.dark_tone)


@transaction.atomic
def _save(request: MemberRequest, account: Account, form: LookForm) -> None:
    brand = brand_account(account=account, look=form.look(), by=actor(request))
    for carrier, apn in form.apns().items():
        set_brand_apn(
            brand=brand,
            carrier=carrier,
            apn=apn.name,
            user=apn.user,
            password=apn.password,
            setup_text=apn.setup_text,
            by=actor(request),
        )
    logo = form.cleaned_data["logo"]
    if logo or form.cleaned_data["no_logo"]:
        change_logo(brand=brand, content=logo.read() if logo else b"", by=actor(request))
