"""The page of caps: how full they are, and what people do with them."""

from __future__ import annotations

from decimal import Decimal

from django.test import Client
from kit import clock

from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Role
from lines.commands.capping import check_caps
from lines.commands.caps import Draft, add_cap
from lines.models import Cap
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit
from tests.evenly import evenly
from tests.fleets import MB, Fleet, state

FORM = {"kind": "subaccount", "limit": "10", "unit": "mb", "period": "month", "action": "stop"}


def browser(account: Account, email: str) -> Client:
    owner = Membership.objects.filter(account=account).first()
    user = owner.user if owner else User.objects.create_user(email=email, password=None)
    if owner is None:
        Membership.objects.create(user=user, account=account, role=Role.USER)
    client = Client()
    client.force_login(user)
    return client


def test_a_cap_is_added_seen_full_raised_and_deleted(fleet: Fleet) -> None:
    acme = fleet.account(credit="100")
    harbour = fleet.account(parent=acme)
    line, mia = fleet.line(harbour), browser(acme, "mia@acme.example")
    assert "No caps yet" in evenly(mia.get("/automation/caps/").content.decode())
    refused = mia.post("/automation/caps/new/", FORM)
    assert refused.status_code == 422
    assert "Choose one" in evenly(refused.content.decode())
    assert mia.post("/automation/caps/new/", FORM | {"holder": harbour.pk}).status_code == 302
    now = f"{clock.now():%Y-%m-%dT%H:%M}"
    fleet.read(line, now, 0)
    fleet.read(line, now, 11 * MB)
    check_caps(today=clock.today())
    page = evenly(mia.get("/automation/caps/").content.decode())
    assert "11 MB of 10 MB" in page
    assert "110 %" in page
    assert "1 line stopped" in page
    of_line = evenly(mia.get(f"/lines/{line.iccid}/").content.decode())
    assert f"the cap of sub-account {harbour.name}, 10 MB a month, is full" in of_line
    key = Cap.objects.get().uuid.hex
    bad = mia.post(f"/automation/caps/{key}/change/", {"limit": "0", "action": "stop"}, follow=True)
    assert "Cap not changed. Give a number over 0" in evenly(bad.content.decode())
    mia.post(f"/automation/caps/{key}/change/", {"limit": "50", "action": "stop"})
    assert state(line).why == ""
    mia.post(f"/automation/caps/{key}/delete/")
    assert not Cap.objects.exists()


def test_a_sub_accounts_people_see_their_caps_alone(fleet: Fleet) -> None:
    acme = fleet.account(credit="100")
    harbour = fleet.account(parent=acme)
    for limit, unit, holder in (("77", CapUnit.MB, None), ("88", CapUnit.MB, harbour), ("99", CapUnit.USD, harbour)):
        kind = CapKind.SUBACCOUNT if holder else CapKind.ACCOUNT
        draft = Draft(kind, unit, CapPeriod.MONTH, Decimal(limit), CapAction.STOP, holder=holder)
        add_cap(account=acme, draft=draft, by=OPERATOR)
    client = browser(harbour, "ann@harbour.example")
    page = evenly(client.get("/automation/caps/").content.decode())
    assert "88 MB a month" in page
    assert "an amount a month" in page
    for hidden in ("77 MB", "$", "Add cap", "Rule Activity"):
        assert hidden not in page
    key = Cap.objects.filter(holder=harbour).values_list("uuid", flat=True)[0].hex
    assert client.post(f"/automation/caps/{key}/delete/").status_code == 404
    assert client.post("/automation/caps/new/", FORM).status_code == 404
