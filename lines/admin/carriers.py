"""How the back office changes a carrier: credentials that are tried first, an address by two people, pause and end."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from kit.backoffice import ConfirmForm, Desk
from kit.second_person import Asked, SecondPersonDesk
from unfold.decorators import action

from accounts.doors import desk_actor
from lines.carriers import CLIENTS
from lines.commands import carriers
from lines.commands.tuning import tune_carrier
from lines.models import AddressChange, Carrier
from lines.work.trying import try_secrets, try_words


def secrets_form(kind: str) -> type[forms.Form]:
    """A field for each credential of a kind; none is ever shown."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off"})
    names = sorted(CLIENTS[kind].secret_names)
    fields = {name: forms.CharField(label=name.replace("_", " ").capitalize(), widget=widget) for name in names}
    return type("SecretsForm", (forms.Form,), fields)


class WordsForm(forms.Form):
    words = forms.CharField(
        label="Words",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="One a line, such as: Live = on. Meanings: on, off, ready, ended. Capitals don’t matter.",
    )
    ask_on = forms.CharField(
        label="Asked for on",
        max_length=40,
        required=False,
        help_text="The word that the network is sent. Empty: ACTIVATED.",
    )
    ask_off = forms.CharField(label="Asked for off", max_length=40, required=False, help_text="Empty: DEACTIVATED.")
    sms_version = forms.CharField(
        label="SMS version",
        max_length=32,
        required=False,
        help_text="The last part of SendSMS’s address. Empty: v1.",
    )

    def clean_words(self) -> dict[str, str]:
        words: dict[str, str] = {}
        for line in self.cleaned_data["words"].splitlines():
            word, separator, meaning = line.rpartition("=")
            word = word.strip().lower()
            if line.strip() and not separator:
                raise forms.ValidationError(f"“{line.strip()[:60]}” has no meaning. Write it like: Live = on")
            if line.strip() and words.setdefault(word, meaning.strip().lower()) != meaning.strip().lower():
                raise forms.ValidationError(f"“{word[:60]}” has two meanings.")
        return words


class ChangeDesk(Desk):
    """The actions of the desk of carriers that change what a carrier is."""

    @action(description="New credentials", url_path="credentials", icon="key")
    def credentials(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            try_secrets(carrier, given)
            carriers.change_secrets(carrier=carrier, secrets=given, by=desk_actor(request))
            return f"{carrier.name} takes the new credentials. The former ones can be restored."

        form = secrets_form(carrier.kind)
        about = "They are tried at the carrier before they are kept. The present ones are kept for a way back."
        return self.ask(request, form, act, title=carrier.name, button="Try and keep", row=carrier, about=about)

    @action(description="Restore former credentials", url_path="restore", icon="undo")
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            carriers.restore_secrets(carrier=carrier, by=desk_actor(request))
            return f"{carrier.name} has its former credentials again."

        about = "The present credentials become the former ones."
        return self.ask(request, ConfirmForm, act, title=carrier.name, button="Restore", row=carrier, about=about)

    @action(description="Network’s words", url_path="words", icon="translate")
    def words(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            tried = try_words(carrier, given["words"])
            asks = {"on": given.pop("ask_on"), "off": given.pop("ask_off")}
            tune_carrier(carrier=carrier, by=desk_actor(request), asks=asks, **given)
            return f"{carrier.name} is read so from the next reading on. {'; '.join(tried)}".strip()

        about = (
            "What a network behind this carrier calls a SIM’s state, where the carrier’s document has no such word,"
            " and what it is asked for. Each new word is tried at the carrier before it is kept."
        )
        shown = "\n".join(f"{word} = {meaning}" for word, meaning in sorted(carrier.words.items()))
        initial = {"words": shown, "sms_version": carrier.sms_version}
        initial |= {f"ask_{wish}": word for wish, word in carrier.asks.items()}
        return self.ask(
            request,
            WordsForm,
            act,
            title=carrier.name,
            button="Try and keep",
            row=carrier,
            about=about,
            initial=initial,
        )

    @action(description="Pause or resume", url_path="pause", icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            now = carriers.pause_carrier(carrier=carrier, paused=carrier.is_active, by=desk_actor(request))
            return f"{carrier.name} is {'called again' if now.is_active else 'paused'}."

        about = "A paused carrier is neither read nor asked. What is wanted of its lines waits, switching off as well."
        button = "Pause" if carrier.is_active else "Resume"
        return self.ask(request, ConfirmForm, act, title=carrier.name, button=button, row=carrier, about=about)

    @action(description="Remove", url_path="remove", icon="delete")
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            carriers.remove_carrier(carrier=carrier, by=desk_actor(request))
            return f"{carrier.name} is removed."

        about = "Only a carrier without lines and rate plans is removed."
        return self.ask(request, ConfirmForm, act, title=carrier.name, button="Remove", about=about)


@admin.register(AddressChange)
class AddressDesk(SecondPersonDesk):
    """Addresses of carriers' APIs; one that waits is decided by somebody who did not ask for it."""

    called = "carrier addresses"
    list_display = ["asked_at", "carrier", "url", "asked_by", "is_agreed", "decided_by"]
    list_filter = ["carrier", ("is_agreed", admin.EmptyFieldListFilter)]
    list_select_related = ["carrier"]
    exclude = ["asker_id"]

    def asked(self, change: AddressChange) -> Asked:
        about = f"{change.asked_by} asks to call {change.carrier} at {change.url}. Our credentials are sent there."
        return Asked("new address", about)

    def decide(self, request: HttpRequest, change: AddressChange, *, agreed: bool) -> str:
        carrier = carriers.decide_address(change_id=change.pk, agreed=agreed, by=desk_actor(request))
        return f"{carrier.name} is called at {carrier.url}."
