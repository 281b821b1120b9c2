"""Owners hear that their card ends: 30 and 7 days before, once each, and anew of a new card."""

from __future__ import annotations

from billing import tasks
from billing.models import Customer
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401


def test_an_owner_hears_of_each_once(till: Till) -> None:
    till.give_card()
    Customer.objects.update(exp_year=2026, exp_month=12)
    told: list[list[str]] = []
    for day in ("2026-11-30", "2026-12-01", "2026-12-02", "2026-12-23", "2026-12-24", "2026-12-25", "2027-01-02"):
        till.at(f"{day}T12:00")
        before = len(till.mails())
        tasks.warn_of_cards()
        tasks.warn_of_cards()
        till.ring()
        told.append(till.mails()[before:])
    expires = ["Linekeeper: Your card expires on 31 December 2026"]
    assert told == [[], expires, [], [], expires, [], []]


def test_a_new_card_that_ends_soon_is_told_of_too(till: Till) -> None:
    till.give_card()
    Customer.objects.update(exp_year=2026, exp_month=11)
    till.at("2026-11-24T12:00")
    assert tasks.warn_of_cards() == 1
    Customer.objects.update(card_id="pm_another")
    assert tasks.warn_of_cards() == 1
    Customer.objects.update(exp_year=2031)
    assert tasks.warn_of_cards() == 0
