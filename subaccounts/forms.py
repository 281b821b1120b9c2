"""What people fill in about sub-accounts and white labels; the commands check what they are given."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from kit.identifiers import NotAnIccid, read_iccids

from accounts.branding import images
from accounts.branding.identity import brand_password
from accounts.commands import LONGEST_NAME, Look
from accounts.models import Brand
from lines.commands.apns import LONGEST_SETUP
from lines.models import Carrier
from lines.queries.apns import Apn, apns_of

MOST_ICCIDS = 5_000


class NewForm(forms.Form):
    name = forms.CharField(label="Name", max_length=LONGEST_NAME, help_text="A customer, a site, a project.")
    first_login = forms.EmailField(
        label="First login",
        required=False,
        help_text="Invited by mail to see its lines, and nothing of yours. You can do this later.",
    )


class NameForm(forms.Form):
    name = forms.CharField(label="Name", max_length=LONGEST_NAME)


class InviteForm(forms.Form):
    email = forms.EmailField(label="Mail address")
    role = forms.ChoiceField(
        label="May",
        choices=[("user", "see, activate lines, edit notes"), ("viewer", "only see")],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class AssignForm(forms.Form):
    """The key makes the same form sent twice one job."""

    iccids = forms.CharField(
        label="ICCIDs",
        max_length=25 * MOST_ICCIDS,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "inputmode": "numeric"}),
        help_text="One a line, or parted by commas.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean_iccids(self) -> list[str]:
        """Each once; groups of four copied from paper are one number."""
        try:
            found = read_iccids(self.cleaned_data["iccids"])
        except NotAnIccid as bad:
            raise forms.ValidationError(bad.message) from None
        if not 0 < len(found) <= MOST_ICCIDS:
            raise forms.ValidationError(f"Give 1 to {MOST_ICCIDS:,} ICCIDs at a time.")
        return found


HELP = {  # of what a carrier's lines have instead of what all have
    "apn": "Only lines of this carrier. Empty: the APN above.",
    "setup_text": "How to set a device up. Empty: the text above.",
}


class LookForm(forms.Form):
    """A brand as Look has it, and a logo."""

    name = forms.CharField(label="Name", max_length=60, help_text="Stands where ours stood, also in mails.")
    logo = forms.FileField(
        label="Logo",
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text="PNG, JPEG or WebP, at most 1 MB. It is made 160 pixels high at most and stands on white.",
    )
    no_logo = forms.BooleanField(label="Take the logo away", required=False)
    accent = forms.CharField(
        label="Colour of links and buttons", max_length=7, required=False, help_text="Like #5b4be0; empty for ours."
    )
    bar = forms.CharField(
        label="Colour behind the list of pages", max_length=7, required=False, help_text="Like #203040; empty for none."
    )
    support_mail = forms.EmailField(
        label="Support mail", required=False, help_text="Shown to your people, and answers to mails go there."
    )
    domain = forms.CharField(
        label="Domain",
        max_length=253,
        required=False,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
        help_text="Like sims.example.com. It shows login and console in this branding, and sends mails, once whoever"
        " runs this installation has set it up.",
    )
    apn = forms.CharField(label="APN", max_length=100, required=False, help_text="As devices need it.")
    apn_user = forms.CharField(label="APN user name", max_length=100, required=False)
    apn_password = forms.CharField(label="APN password", max_length=100, required=False)
    apn_text = forms.CharField(
        label="How to set up a device",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Shown on every line's page with the APN.",
    )

    def __init__(self, *args: Any, carriers: Sequence[Carrier] = (), brand: Brand | None = None, **named: Any) -> None:
        """With an APN for each of these carriers, where they are more than one."""
        super().__init__(*args, **named)
        self.carriers = carriers if len(carriers) > 1 else ()
        apns = apns_of(brand) if self.carriers else {}
        for carrier in self.carriers:
            now = apns.get(carrier.pk, Apn(""))
            for part, label, value in (
                ("apn", "APN", now.name),
                ("apn_user", "APN user name", now.user),
                ("apn_password", "APN password", now.password),
                ("setup_text", "Set-up text", now.setup_text),
            ):
                is_text = part == "setup_text"
                self.fields[f"{part}_{carrier.pk}"] = forms.CharField(
                    label=f"{label}, {carrier.name}",
                    max_length=LONGEST_SETUP if is_text else 100,
                    required=False,
                    initial=value,
                    widget=forms.Textarea(attrs={"rows": 4}) if is_text else None,
                    help_text=HELP.get(part, ""),
                )

    def apns(self) -> dict[Carrier, Apn]:
        parts = ("apn", "apn_user", "apn_password", "setup_text")
        return {one: Apn(*(self.cleaned_data[f"{part}_{one.pk}"] for part in parts)) for one in self.carriers}

    @staticmethod
    def values_of(brand: Brand | None) -> dict[str, Any]:
        if brand is None:
            return {}
        return {name: getattr(brand, name) or "" for name in Look.__slots__} | {"apn_password": brand_password(brand)}

    def clean_logo(self) -> Any:
        logo = self.cleaned_data["logo"]
        if logo and logo.size > images.MOST_BYTES:
            raise forms.ValidationError(f"The logo has {logo.size / 1e6:.1f} MB; 1 MB is the most.")
        return logo

    def look(self) -> Look:
        return Look(**{name: self.cleaned_data[name] for name in Look.__slots__})
