"""Connecting a carrier in the back office: its kind, its credentials tried by one page, and its SIMs into inventory."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from kit.backoffice import ConfirmForm, Desk
from unfold.decorators import action, display

from accounts.doors import desk_actor
from lines.carriers import CLIENTS
from lines.commands.stock import add_carrier
from lines.models import Carrier, RatePlan
from lines.work.connecting import import_stock, look_at, try_connection


class KindForm(forms.Form):
    kind = forms.ChoiceField(label="Carrier")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        field: Any = self.fields["kind"]
        field.choices = sorted(
            ((kind, client.title) for kind, client in CLIENTS.items()), key=lambda one: one[1].lower()
        )


def connect_form(kind: str) -> type[forms.Form]:
    """A name, an address and a field for each credential of a kind."""
    client = CLIENTS[kind]
    widget = forms.PasswordInput(attrs={"autocomplete": "off"})
    fields: dict[str, forms.Field] = {
        "name": forms.CharField(label="Name", max_length=100, initial=client.title),
        "url": forms.CharField(label="API address", max_length=500, initial=client.address),
    }
    for name in sorted(client.secret_names):
        fields[f"secret_{name}"] = forms.CharField(label=name.replace("_", " ").capitalize(), widget=widget)
    return type("ConnectForm", (forms.Form,), fields)


def import_form(carrier: Carrier) -> type[forms.Form]:
    plans = RatePlan.objects.filter(carrier=carrier).order_by("name")
    on_plan = forms.CharField(
        label="Carrier plan",
        required=False,
        max_length=100,
        help_text="Only SIMs on this plan of the carrier. Leave empty for all. Import once for each plan.",
    )
    return type(
        "ImportForm", (forms.Form,), {"plan": forms.ModelChoiceField(plans, label="Rate plan"), "on_plan": on_plan}
    )


class ConnectDesk(Desk):
    """The actions of the desk of carriers by which one comes in."""

    @display(description="Costs of SIMs")
    def told_costs(self, carrier: Carrier) -> str:
        """Which parts it tells; what it said stands at the desk of carrier costs."""
        told = sorted(CLIENTS[carrier.kind].abilities.tells_costs)
        return f"reported: {', '.join(told)}" if told else "not reported"

    @action(description="Connect a carrier", url_path="connect", icon="add_link")
    def connect(self, request: HttpRequest) -> HttpResponse:
        kind = request.GET.get("kind", "")
        if kind not in CLIENTS:
            chosen = KindForm(request.POST)
            if request.method == "POST" and chosen.is_valid():
                return HttpResponseRedirect(f"{request.path}?kind={chosen.cleaned_data['kind']}")
            about = "Choose the carrier. Its credentials come next."
            return self.ask(request, KindForm, str, title="Connect a carrier", button="Choose carrier", about=about)

        def act(given: dict[str, Any]) -> str:
            secrets = {name: given[f"secret_{name}"] for name in CLIENTS[kind].secret_names}
            by = desk_actor(request)
            seen = try_connection(kind=kind, url=given["url"], secrets=secrets, by=by)
            made = add_carrier(name=given["name"], kind=kind, url=given["url"], secrets=secrets, by=by)
            return f"{made.name} connected. {seen} Add a rate plan, then import the SIMs."

        title = f"Connect {CLIENTS[kind].title}"
        about = "One page of SIMs is read to test the connection. Credentials are encrypted when saved."
        return self.ask(request, connect_form(kind), act, title=title, button="Test and connect", about=about)

    @action(description="Test connection", url_path="test", icon="network_check")
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            return f"{carrier.name} answered. {look_at(carrier)}"

        about = "One page of SIMs is read. Nothing changes."
        return self.ask(
            request,
            ConfirmForm,
            act,
            title=carrier.name,
            button="Test connection",
            row=carrier,
            about=about,
            again=False,
        )

    @action(description="Import SIMs", url_path="import", icon="download")
    def import_sims(self, request: HttpRequest, object_id: str) -> HttpResponse:
        carrier: Carrier = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            by = desk_actor(request)
            done, odd, has_more = import_stock(
                carrier=carrier, plan=given["plan"], on_plan=given["on_plan"].strip(), by=by
            )
            said = [f"{done.added:,} SIMs imported into inventory. {len(done.already):,} were there already."]
            said += [f"{len(done.refused):,} skipped: {done.refused[0]['why']}"] if done.refused else []
            said += [f"{len(odd):,} could not be read: {odd[0].why}."] if odd else []
            said += ["The carrier lists more SIMs. Import the rest from a file."] if has_more else []
            return " ".join(said)

        about = "SIMs come into inventory. Status at the carrier stays as it is."
        return self.ask(
            request, import_form(carrier), act, title=carrier.name, button="Import SIMs", row=carrier, about=about
        )
