"""What people fill in about sub-accounts and white labels; the commands check what they are given."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from kit.amounts import AmountField
from kit.identifiers import NotAnIccid, read_iccids
from kit.money import ZERO

from accounts.branding import images
from accounts.branding.identity import brand_password
from accounts.commands import LONGEST_NAME, Look
from accounts.models import Brand
from billing.commands.wallets import LONGEST_NOTE
from lines.commands.apns import LONGEST_SETUP
from lines.commands.resale import LONGEST_NAME as LONGEST_LIST_NAME
from lines.commands.resale import Credit, Own, Plus
from lines.models import Carrier, PriceList, RatePlan, Zone
from lines.queries.apns import Apn, apns_of

MOST_ICCIDS = 5_000
EVERY_OTHER = "other"
PLACES = [(6, "6 decimals"), (4, "4 decimals"), (3, "3 decimals"), (2, "2 decimals")]


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


class PriceListForm(forms.Form):
    """A new list: every plan costs what the account pays plus a percentage, until a plan has its own price."""

    name = forms.CharField(label="Name", max_length=LONGEST_LIST_NAME)
    percent = AmountField(label="Markup (%)", places=3, help_text="Added to what you pay, for every rate plan.")
    places = forms.TypedChoiceField(label="Round prices to", coerce=int, choices=PLACES, initial=6)


class ListPriceForm(forms.Form):
    """A price of a list: a markup, or prices of its own."""

    plan = forms.ChoiceField(label="Rate plan")
    percent = AmountField(
        label="Markup (%)", places=3, required=False, help_text="Added to what you pay. Leave empty for own prices."
    )
    places = forms.TypedChoiceField(label="Round prices to", coerce=int, choices=PLACES, initial=6)
    per_mb = AmountField(label="Per MB", places=6, required=False)
    per_sms = AmountField(label="Per SMS", places=6, required=False)
    per_day = AmountField(
        label="Per line per day", places=6, required=False, help_text="On days when the plan charges you its daily fee."
    )
    since = forms.DateField(label="From (UTC)", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(
        self, *args: Any, plans: Sequence[RatePlan] = (), zones: Sequence[tuple[RatePlan, Zone]] = (), **named: Any
    ) -> None:
        super().__init__(*args, **named)
        choice: Any = self.fields["plan"]
        choice.choices = [
            *((str(one.pk), one.name) for one in plans),
            *((f"{plan.pk}:{zone.pk}", f"{plan.name}, data in {zone.name}") for plan, zone in zones),
            (EVERY_OTHER, "Every other rate plan"),
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and (given["percent"] is None) == (given["per_mb"] is None):
            raise forms.ValidationError("Enter a markup, or a price per MB.")
        return given

    def price(self) -> Own | Plus:
        given = self.cleaned_data
        if given["percent"] is not None:
            return Plus(given["percent"], given["places"])
        return Own(given["per_mb"], given["per_sms"] or ZERO, given["per_day"] or ZERO)


class TermsForm(forms.Form):
    """How a sub-account pays: by which list, and in advance or later."""

    price_list = forms.ChoiceField(label="Price list")
    pays = forms.ChoiceField(label="Pays", choices=[("prepaid", "in advance"), ("postpaid", "later, up to a limit")])
    credit_limit = AmountField(label="Credit limit", required=False, help_text="Only if it pays later.")
    since = forms.DateField(label="From (UTC)", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, lists: Sequence[PriceList] = (), **named: Any) -> None:
        super().__init__(*args, **named)
        choice: Any = self.fields["price_list"]
        choice.choices = [(one.uuid.hex, one.name) for one in lists]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("pays") == "postpaid" and given.get("credit_limit") is None and not self.errors:
            self.add_error("credit_limit", "Enter a credit limit.")
        if given.get("pays") == "prepaid":
            given["credit_limit"] = None
        return given


class WalletForm(TermsForm):
    """The same for one that has no balance of its own yet, with its first credit."""

    amount = AmountField(
        label="First credit", required=False, help_text="Paying in advance without credit suspends the lines."
    )
    note = forms.CharField(label="Note", max_length=LONGEST_NOTE, required=False, help_text="What the credit is for.")
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("amount") and not given.get("note"):
            self.add_error("note", "Say what the credit is for.")
        return given

    def credit(self) -> Credit | None:
        given = self.cleaned_data
        return Credit(given["amount"], given["note"], given["key"].hex) if given["amount"] else None


class CreditForm(forms.Form):
    """The key makes the same form sent twice one credit."""

    amount = AmountField(label="Amount", help_text="With a minus it is taken off.")
    note = forms.CharField(label="Note", max_length=LONGEST_NOTE, help_text="Shown to the sub-account.")
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
