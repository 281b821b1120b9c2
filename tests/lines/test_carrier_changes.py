"""A carrier is changed: credentials are tried and have a way back, and an address wants two people."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from kit import crypto
from kit.errors import Invalid, NotFound, Refusal
from simulator.running import Running, running

from accounts.models import Event
from accounts.policy import OPERATOR, Actor, ActorKind
from lines.commands.carriers import (
    OwnChange,
    change_secrets,
    decide_address,
    pause_carrier,
    remove_carrier,
    restore_secrets,
)
from lines.commands.stock import add_carrier
from lines.commands.tuning import tune_carrier
from lines.models import AddressChange, Carrier, FormerSecrets
from lines.work.clients import client_for, close_clients
from lines.work.trying import try_secrets
from tests.fleets import SECRETS, Fleet

ANN = Actor(ActorKind.BACK_OFFICE, "ann@office.example", 1)
BOB = Actor(ActorKind.BACK_OFFICE, "bob@office.example", 2)
THERE = "https://elsewhere.example"


def secrets_of(carrier: Carrier) -> dict[str, str]:
    carrier.refresh_from_db()
    found: dict[str, str] = json.loads(crypto.decrypt(carrier.secrets, row=f"carrier:{carrier.pk}"))
    return found


def test_one_person_of_the_back_office_sends_our_credentials_nowhere_else(fleet: Fleet) -> None:
    """Alone they got the key with the next call."""
    carrier = fleet.carriers["simbase"]
    before = carrier.url
    tuned = tune_carrier(carrier=carrier, url=THERE, read_every=60, by=ANN)
    assert (tuned.url, tuned.read_every) == (before, 60)
    change = AddressChange.objects.get(is_agreed=None)
    tune_carrier(carrier=carrier, url=THERE, by=ANN)  # the second click
    assert AddressChange.objects.count() == 1
    for same in (ANN, Actor(ActorKind.BACK_OFFICE, "renamed@office.example", 1)):
        with pytest.raises(OwnChange):
            decide_address(change_id=change.pk, agreed=True, by=same)
    assert decide_address(change_id=change.pk, agreed=True, by=BOB).url == THERE
    with pytest.raises(Refusal, match="bob@office"):
        decide_address(change_id=change.pk, agreed=False, by=BOB)
    assert set(Event.objects.filter(verb__startswith="carrier.address").values_list("verb", flat=True)) == {
        "carrier.address_asked",
        "carrier.address_changed",
    }


def test_a_newer_address_takes_the_place_of_one_that_waits_and_a_refused_one_changes_nothing(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    tune_carrier(carrier=carrier, url=THERE, by=ANN)
    old = AddressChange.objects.get()
    tune_carrier(carrier=carrier, url="https://third.example", by=ANN)
    with pytest.raises(NotFound):
        decide_address(change_id=old.pk, agreed=True, by=BOB)
    assert decide_address(change_id=AddressChange.objects.get().pk, agreed=False, by=BOB).url == carrier.url
    assert tune_carrier(carrier=carrier, url=THERE, by=OPERATOR).url == THERE  # who has the shell has the database


def test_credentials_have_a_way_back_and_a_client_of_the_old_ones_is_not_used_again(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    before = client_for(carrier, patience=1.0)
    new = {"api_key": "n" * 16}
    change_secrets(carrier=carrier, secrets=new, by=ANN)
    change_secrets(carrier=carrier, secrets=new, by=ANN)
    assert secrets_of(carrier) == new
    assert client_for(carrier, patience=1.0) is not before
    restore_secrets(carrier=carrier, by=ANN)
    assert secrets_of(carrier) == SECRETS["simbase"]
    restore_secrets(carrier=carrier, by=ANN)
    assert secrets_of(carrier) == new
    assert "nnnn" not in FormerSecrets.objects.get().secrets
    for wrong in ({}, {"api_key": ""}, {"api_key": "x", "other": "y"}, {"api_key": "x\ny"}):
        with pytest.raises(Invalid):
            change_secrets(carrier=carrier, secrets=wrong, by=ANN)
    with pytest.raises(NotFound):
        restore_secrets(carrier=fleet.carriers["iotportal"], by=ANN)
    close_clients()


def test_calls_pause_and_end(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    tuned = tune_carrier(carrier=carrier, calls_per_second=2, calls_per_day=0, by=ANN)
    assert (tuned.calls_per_second, tuned.calls_per_day) == (2.0, None)
    assert tune_carrier(carrier=carrier, calls_per_day=9_000, by=ANN).calls_per_day == 9_000
    with pytest.raises(Invalid):
        tune_carrier(carrier=carrier, calls_per_second=0, by=ANN)
    assert not pause_carrier(carrier=carrier, paused=True, by=ANN).is_active
    assert pause_carrier(carrier=carrier, paused=False, by=ANN).is_active
    with pytest.raises(Refusal, match="1 rate plans"):
        remove_carrier(carrier=carrier, by=ANN)
    bare = add_carrier(name="bare", kind="simbase", url=THERE, secrets=SECRETS["simbase"], by=OPERATOR)
    remove_carrier(carrier=bare, by=ANN)
    assert not Carrier.objects.filter(name="bare").exists()


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=1, iotportal=1) as served:
        yield served


def test_credentials_are_tried_before_they_are_kept(
    simulators: Running, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    right: dict[str, dict[str, Any]] = {
        "simbase": {"api_key": "simbase-demo-key"},
        "iotportal": {"client_id": "iotportal-demo-client", "secret_key": "iotportal-demo-secret"},
    }
    for kind, secrets in right.items():
        carrier = add_carrier(name=kind, kind=kind, url=getattr(simulators, kind), secrets=secrets, by=OPERATOR)
        try_secrets(carrier, secrets)
        with pytest.raises(Invalid, match="does not take"):
            try_secrets(carrier, secrets | {sorted(secrets)[-1]: "wrong-wrong-wrong"})
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"api_key": "wrong-wrong-wrong"})))
    with pytest.raises(CommandError, match="does not take"):
        call_command("carrier_credentials", "simbase")
    assert secrets_of(Carrier.objects.get(name="simbase")) == right["simbase"]
