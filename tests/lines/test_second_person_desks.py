"""The desks where somebody else decides: one kind of page for credits, refunds, counters and carriers' addresses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from kit import clock
from kit.second_person import SecondPersonDesk

from accounts.commands.desk import let_into_back_office
from accounts.commands.erasing import ask_erasure
from accounts.models import User
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands.credits import ask_credit
from billing.models import Payment, Refund
from billing.policy import Decision, EntryKind, PaymentState
from lines.commands.rebasing import ask_rebase
from lines.commands.tuning import tune_carrier
from lines.models import AddressChange
from tests.fleets import MB, Fleet
from tests.proofs import log_in, with_factor

pytestmark = pytest.mark.django_db


def a_credit(fleet: Fleet, by: Actor) -> Model:
    given: dict[str, Any] = {"amount": Decimal(500), "reason": "a late card", "key": uuid.uuid4(), "by": by}
    return ask_credit(account=fleet.account(), kind=EntryKind.ADJUSTMENT, **given)


def a_refund(fleet: Fleet, by: Actor) -> Model:
    payment = Payment.objects.create(
        account=fleet.account(), amount=500, state=PaymentState.SUCCEEDED, last4="4242", ended_at=clock.now(), by="jane"
    )
    return Refund.objects.create(
        payment=payment, amount=500, reason="a mistake", by=by.name, asker_id=by.person, state=Decision.WAITING
    )


def a_counter(fleet: Fleet, by: Actor) -> Model:
    line = fleet.line(fleet.account(credit="5000"))
    for hour in range(5):
        fleet.read(line, f"2026-11-20T0{hour}:00", hour * 4000 * MB)
    return ask_rebase(iccid=line.iccid, counter=0, reason="kB for MB", key=uuid.uuid4(), by=by)


def an_address(fleet: Fleet, by: Actor) -> Model:
    tune_carrier(carrier=fleet.carriers["simbase"], url="https://elsewhere.example", by=by)
    return AddressChange.objects.get()


def an_erasure(fleet: Fleet, by: Actor) -> Model:
    return ask_erasure(account=fleet.account(), reason="a letter of 3 November", by=by)


ASKED = {
    "accounts_erasure": an_erasure,
    "billing_creditrequest": a_credit,
    "billing_refund": a_refund,
    "lines_rebaserequest": a_counter,
    "lines_addresschange": an_address,
}


def test_these_are_all_of_them() -> None:
    desks = [model for model, desk in admin.site._registry.items() if isinstance(desk, SecondPersonDesk)]
    assert {f"{model._meta.app_label}_{model._meta.model_name}" for model in desks} == set(ASKED)


def person(name: str) -> tuple[User, Client]:
    user = let_into_back_office(email=f"{name}@office.example", password="orbit-lantern-42", by=OPERATOR)
    return user, log_in(Client(), with_factor(user), proved=("password", "mfa"))


def said(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.mark.parametrize("desk", ASKED)
def test_whoever_asked_decides_nothing_and_a_second_person_once(fleet: Fleet, desk: str) -> None:
    (anna, asker), (_, second) = person("anna"), person("ben")
    make: Callable[[Fleet, Actor], Model] = ASKED[desk]
    row = make(fleet, Actor(ActorKind.BACK_OFFICE, anna.email, anna.pk))
    approve, reject = (reverse(f"admin:{desk}_{answer}", args=[row.pk]) for answer in ("approve", "reject"))
    assert "anna@office.example" in said(second.get(approve))
    for path in (approve, reject):
        answer = asker.post(path)
        assert (answer.status_code, "omebody else of the back office decides" in said(answer)) == (422, True)
    done = second.post(reject, follow=True)
    assert (done.status_code, len(done.redirect_chain)) == (200, 1)
    again = second.post(approve)
    assert (again.status_code, "decided already" in said(again)) == (422, True)
