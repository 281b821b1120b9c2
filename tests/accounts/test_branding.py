"""In whose name people are met."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client
from kit import clock

from accounts.branding.identity import branding_of
from accounts.commands.invitations import invite
from accounts.models import Account, Brand, Invitation
from accounts.policy import OPERATOR, Role, token_hash
from tests.fleets import Fleet


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


def again(account: Account) -> Account:
    return Account.objects.get(pk=account.pk)


def test_an_account_without_a_brand_meets_the_installation(fleet: Fleet, settings: LazySettings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Linekeeper <post@keeper.example>"
    for account in (fleet.account(), None):
        branding = branding_of(account)
        assert (branding.name, branding.is_ours, branding.sender) == (
            "Linekeeper",
            True,
            "Linekeeper <post@keeper.example>",
        )


def test_a_subaccount_never_meets_us(fleet: Fleet, settings: LazySettings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Linekeeper <post@keeper.example>"
    parent = fleet.account()
    sub = fleet.account(parent=parent)
    branding = branding_of(again(sub))
    assert (branding.name, branding.is_ours, branding.sender) == (
        parent.name,
        False,
        f"{parent.name} <post@keeper.example>",
    )
    Brand.objects.create(account=parent, name="Nordlicht", accent="#ffcc00", support_mail="help@nordlicht.example")
    assert (branding_of(again(sub)).name, branding_of(again(sub)).support_mail) == (
        "Nordlicht",
        "help@nordlicht.example",
    )
    Brand.objects.create(account=sub, name="Küste")
    assert branding_of(again(sub)).name == "Küste"
    assert branding_of(again(parent)).name == "Nordlicht"


def test_an_invitation_is_opened_in_the_branding_of_the_account_that_asks(fleet: Fleet) -> None:
    parent = fleet.account()
    sub = fleet.account(parent=parent)
    asked = invite(account=sub, email="kim@quay.example", role=Role.USER, address="http://h", by=OPERATOR)
    Invitation.objects.filter(pk=asked.pk).update(token_hash=token_hash("t" * 40))
    body = Client().get(f"/accounts/invitation/{'t' * 40}/", follow=True).content.decode()
    assert f"· {parent.name}</title>" in body
    assert "linekeeper" not in body.lower()


def test_a_domain_counts_once_it_is_live(fleet: Fleet, settings: LazySettings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Linekeeper <post@keeper.example>"
    account = fleet.account()
    brand = Brand.objects.create(account=account, name="Nordlicht", domain="sims.nordlicht.example")
    branding = branding_of(again(account))
    assert (branding.host, branding.sender) == ("", "Nordlicht <post@keeper.example>")
    Brand.objects.filter(pk=brand.pk).update(domain_live_at=clock.now())
    branding = branding_of(again(account))
    expected = ("sims.nordlicht.example", "Nordlicht <no-reply@sims.nordlicht.example>")
    assert (branding.host, branding.sender) == expected
