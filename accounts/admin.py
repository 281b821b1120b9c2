"""The back office's desks about people and accounts, and acting for an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from kit.backoffice import Desk
from unfold.admin import TabularInline
from unfold.decorators import action, display

from accounts import commands, keys, office_keys
from accounts.commands import acting, desk, waiting_letters
from accounts.doors import desk_actor
from accounts.middleware import ACTING
from accounts.models import Account, Event, Membership, OfficeKey, PostedLetter, User


class OpenAccountForm(forms.Form):
    name = forms.CharField(label="Company or project", max_length=commands.LONGEST_NAME)
    owner = forms.EmailField(label="Owner's mail", help_text="A new person sets a password by “Reset the password”.")
    professional = forms.BooleanField(label="Professional: real API calls, not samples", required=False)


class NothingForm(forms.Form):
    """A step that asks for nothing but to be confirmed."""


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=300, help_text="Kept in the account's audit log.")


class PeopleOf(TabularInline):  # type: ignore[misc]
    model = Membership
    fields = readonly_fields = ["user", "role", "is_active", "created_at"]
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return True


@admin.register(Account)
class AccountDesk(Desk):
    list_display = ["name", "owner", "parent", "is_professional", "is_active", "created_at"]
    list_filter = ["is_professional", "is_active", ("parent", admin.EmptyFieldListFilter)]
    list_select_related = ["parent"]
    search_fields = ["name", "memberships__user__email"]
    search_help_text = "Name of the account, or mail of one of its people"
    fields = ["name", "uuid", "parent", "is_professional", "is_active", "demands_second_factor", "created_at"]
    readonly_fields = ["uuid"]
    inlines = [PeopleOf]
    actions_list = ["open_account"]
    actions_detail = ["act_for", "switch_kind"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).prefetch_related("memberships__user")  # type: ignore[no-any-return]

    @display(description="Owner")
    def owner(self, account: Account) -> str:
        return next((place.user.email for place in account.memberships.all() if place.role == "owner"), "")

    @action(description="Open an account", url_path="open", icon="add")
    def open_account(self, request: HttpRequest) -> HttpResponse:
        def act(given: dict[str, Any]) -> str:
            account = commands.open_account(
                name=given["name"],
                owner_email=given["owner"],
                professional=given["professional"],
                by=desk_actor(request),
            )
            return f"{account.name} is open."

        return self.ask(request, OpenAccountForm, act, title="Open an account", button="Open it")

    @action(description="Act for this account", url_path="act-for", icon="badge")
    def act_for(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account: Account = self.found(request, object_id)

        begun = []

        def act(given: dict[str, Any]) -> str:
            acting.begin(account=account, reason=given["reason"], by=desk_actor(request))
            request.session[ACTING] = account.uuid.hex
            begun.append(account)
            return f"You act for {account.name} now."

        about = (
            "You see the console as one of its users does and may do what a user may; never pay, and never manage"
            " people or keys. All of it is recorded as done by you in the back office."
        )
        asked = self.ask(
            request, ReasonForm, act, title=f"Act for {account.name}", button="Begin", row=account, about=about
        )
        return redirect("home") if begun else asked

    @action(description="Professional or basic", url_path="kind", icon="swap_horiz")
    def switch_kind(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account: Account = self.found(request, object_id)
        word = "basic" if account.is_professional else "professional"

        def act(given: dict[str, Any]) -> str:
            desk.set_professional(
                account=account, professional=word == "professional", reason=given["reason"], by=desk_actor(request)
            )
            return f"{account.name} is {word} now."

        title = f"Make {account.name} {word}"
        return self.ask(request, ReasonForm, act, title=title, button="Do it", row=account)


@admin.register(User)
class UserDesk(Desk):
    called = "people"
    list_display = ["email", "name", "is_active", "is_staff", "date_joined", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "is_active", "is_staff", "date_joined", "last_login", "time_zone"]


@admin.register(PostedLetter)
class LetterDesk(Desk):
    """Mails about accounts and logins that wait, or could not be sent. What they say is shown to nobody."""

    called = "mails to people"
    list_display = ["created_at", "to", "account", "subject", "failed_at", "why", "tries", "mail_after"]
    list_filter = [("failed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["account"]
    search_fields = ["=to"]
    fields = ["to", "account", "subject", "created_at", "tries", "mail_after", "failed_at", "why"]
    actions_detail = ["send_again"]

    @action(description="Send again", url_path="send-again", icon="send")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        letter: PostedLetter = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            waiting_letters.send_again(letter_id=letter.pk, by=desk_actor(request))
            return "Email queued. We'll try for three days."

        about = f"“{letter.subject}” to {letter.to}. {letter.why}"
        return self.ask(
            request, NothingForm, act, title="Send again", button="Send again", row=letter, about=about, again=False
        )


class OfficeKeyForm(forms.Form):
    name = forms.CharField(label="Name", max_length=keys.LONGEST_NAME, help_text="What uses it.")
    days = forms.TypedChoiceField(
        label="Expires", coerce=int, choices=[(days, f"in {days} days") for days in office_keys.LASTS], initial=7
    )
    ranges = forms.CharField(
        label="Only from these addresses",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One IP or CIDR range per line. Empty: from everywhere.",
    )


class RevokeForm(forms.Form):
    """Nothing to fill in: what happens is said beside it."""


@admin.register(OfficeKey)
class OfficeKeyDesk(Desk):
    """Keys of people who run the installation, for the back office's calls. A new one is shown once."""

    called = "back office keys"
    list_display = ["name", "user", "hint", "created_at", "expires_at", "revoked_at", "last_used_at", "last_used_from"]
    list_select_related = ["user"]
    fields = ["name", "user", "hint", "ranges", "created_at", "expires_at", "revoked_at", "last_used_at"]
    actions_list = ["create"]
    actions_detail = ["revoke"]

    @action(description="Create key", url_path="create-key", icon="add")
    def create(self, request: HttpRequest) -> HttpResponse:
        made: list[str] = []

        def act(given: dict[str, Any]) -> str:
            who = User.objects.get(pk=request.user.pk or 0)
            ranges = given["ranges"].split()
            row, key = office_keys.make_office_key(
                user=who, name=given["name"], days=given["days"], ranges=ranges, by=desk_actor(request)
            )
            made.append(key)
            return f"Key {row.name} created."

        about = "It makes the back office’s calls as you, for as long as you work here and have a second factor."
        asked = self.ask(request, OfficeKeyForm, act, title="Create key", button="Create key", about=about)
        if not made:
            return asked
        context = self.admin_site.each_context(request) | {"title": "Key created", "key": made[0], "back": asked.url}  # type: ignore[attr-defined]
        shown = TemplateResponse(request, "backoffice/key.html", context)
        shown["Cache-Control"] = "no-store"
        return shown

    @action(description="Revoke", url_path="revoke", icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: OfficeKey = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            office_keys.revoke_office_key(key=row, by=desk_actor(request))
            return f"Key {row.name} revoked."

        about = "Its next call gets 401."
        return self.ask(request, RevokeForm, act, title=row.name, button="Revoke key", row=row, about=about)


@admin.register(Event)
class EventDesk(Desk):
    """What was done, by whom. Found by the whole subject (`line:8944…`), a verb's beginning or who did it."""

    called = "audited changes"
    list_display = ["at", "verb", "subject", "account", "actor_name"]
    list_filter = ["actor_kind"]
    list_select_related = ["account"]
    search_fields = ["=subject", "^verb", "=actor_name", "=account__name"]
    search_help_text = "Subject (line:8944…), beginning of the verb, who did it, or the account's name"
