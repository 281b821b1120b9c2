"""How a carrier is changed once it is known: its address by two people, its credentials with a way back, its end."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.db import transaction
from django.db.models import ProtectedError
from kit import clock, crypto
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands import record
from accounts.policy import Actor, ActorKind
from lines.carriers import CLIENTS
from lines.models import AddressChange, BulkEdit, Carrier, CycleDay, FormerSecrets, Line, RatePlan

LONGEST_SECRET = 500


class OwnChange(Refusal):
    """Nobody decides about an address that they asked for."""


def needs_second_person(*, by: Actor) -> bool:
    """An address by whoever has the installation's shell is at once; in the back office two people agree on it."""
    return by.kind is ActorKind.BACK_OFFICE


def ask_address(*, carrier: Carrier, url: str, by: Actor) -> AddressChange:
    """Keeps an address for a second person; a new one takes the place of one that waits. In a transaction."""
    AddressChange.objects.filter(carrier=carrier, is_agreed=None).exclude(url=url, asked_by=by.name).delete()
    change, made = AddressChange.objects.get_or_create(
        carrier=carrier, url=url, is_agreed=None, defaults={"asked_by": by.name, "asker_id": by.person}
    )
    if made:
        detail = {"before": carrier.url, "after": url}
        record(by=by, verb="carrier.address_asked", subject=f"carrier:{carrier.name}", detail=detail)
    return change


@transaction.atomic
def decide_address(*, change_id: int, agreed: bool, by: Actor) -> Carrier:
    """A second person agrees, and the carrier is called there, or refuses. Raises NotFound, OwnChange, Refusal."""
    change = AddressChange.objects.select_for_update().filter(pk=change_id).first()
    if change is None:
        raise NotFound("There is no such change; a newer one may have taken its place")
    if change.asked_by == by.name or (by.person is not None and change.asker_id == by.person):
        raise OwnChange("You asked for this address. Somebody else of the back office decides.")
    if change.is_agreed is not None:
        raise Refusal(f"{change.decided_by} has decided already. Reload the page.")
    carrier = Carrier.objects.select_for_update().get(pk=change.carrier_id)
    change.is_agreed, change.decided_by, change.decided_at = agreed, by.name, clock.now()
    change.save(update_fields=["is_agreed", "decided_by", "decided_at"])
    detail = {"before": carrier.url, "after": change.url, "asked_by": change.asked_by}
    if agreed:
        carrier.url = change.url
        carrier.save(update_fields=["url"])
    verb = "carrier.address_changed" if agreed else "carrier.address_refused"
    record(by=by, verb=verb, subject=f"carrier:{carrier.name}", detail=detail)
    return carrier


def checked_secrets(*, kind: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """All that a carrier of this kind needs, and nothing else. Raises Invalid."""
    names = CLIENTS[kind].secret_names
    given = {name: value.strip() for name, value in secrets.items()}
    if missing := sorted(name for name in names if not given.get(name)):
        raise Invalid(f"Credentials of {CLIENTS[kind].title} need {' and '.join(missing)}")
    if extra := sorted(set(given) - names):
        raise Invalid(f"{CLIENTS[kind].title} has no {', '.join(extra)}")
    if any(len(value) > LONGEST_SECRET or not value.isprintable() for value in given.values()):
        raise Invalid(f"A credential has up to {LONGEST_SECRET} printable characters")
    return given


@transaction.atomic
def change_secrets(*, carrier: Carrier, secrets: Mapping[str, str], by: Actor) -> Carrier:
    """Keeps new credentials, which somebody has tried (see lines.work.trying), and the old ones for a way back.

    Harmless twice. Raises Invalid.
    """
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    given = checked_secrets(kind=carrier.kind, secrets=secrets)
    row = f"carrier:{carrier.pk}"
    if json.loads(crypto.decrypt(carrier.secrets, row=row)) == given:
        return carrier
    return _put(carrier, crypto.encrypt(json.dumps(given), row=row), by, verb="carrier.credentials_changed")


@transaction.atomic
def restore_secrets(*, carrier: Carrier, by: Actor) -> Carrier:
    """Puts the former credentials back; the present ones become the former. Raises NotFound."""
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    former = FormerSecrets.objects.filter(carrier=carrier).first()
    if former is None:
        raise NotFound(f"{carrier.name} has no former credentials")
    return _put(carrier, former.secrets, by, verb="carrier.credentials_restored")


def _put(carrier: Carrier, secrets: str, by: Actor, *, verb: str) -> Carrier:
    values = {"secrets": carrier.secrets, "by": by.name, "at": clock.now()}
    FormerSecrets.objects.update_or_create(carrier=carrier, defaults=values)
    carrier.secrets = secrets
    carrier.save(update_fields=["secrets"])
    record(by=by, verb=verb, subject=f"carrier:{carrier.name}")
    return carrier


@transaction.atomic
def pause_carrier(*, carrier: Carrier, paused: bool, by: Actor) -> Carrier:
    """Nothing more is read or asked of a paused carrier; what is wanted waits. Harmless twice."""
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    if carrier.is_active is paused:
        carrier.is_active = not paused
        carrier.save(update_fields=["is_active"])
        record(by=by, verb="carrier.paused" if paused else "carrier.resumed", subject=f"carrier:{carrier.name}")
    return carrier


@transaction.atomic
def remove_carrier(*, carrier: Carrier, by: Actor) -> None:
    """Forgets a carrier on which nothing hangs. Raises Refusal with what does."""
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    hangs = {
        "lines": Line.objects.filter(carrier=carrier).count(),
        "rate plans": RatePlan.objects.filter(carrier=carrier).count(),
        "bulk edits": BulkEdit.objects.filter(carrier=carrier).count(),
    }
    if some := [f"{count:,} {what}" for what, count in hangs.items() if count]:
        raise Refusal(f"{carrier.name} still has {' and '.join(some)}. Pause it instead.")
    name = carrier.name
    try:
        with transaction.atomic():
            CycleDay.objects.filter(carrier=carrier).delete()
            carrier.delete()
    except ProtectedError:
        raise Refusal(f"{name} is still named in what was used or charged. Pause it instead.") from None
    record(by=by, verb="carrier.removed", subject=f"carrier:{name}")
