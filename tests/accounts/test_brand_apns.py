"""A white label has an APN for each carrier, and keys that name nobody."""

from __future__ import annotations

import pytest
from django.test import Client
from kit.errors import Invalid

from accounts import keys
from accounts.commands import Look, brand_account
from accounts.models import ApiKey, Event
from accounts.policy import OPERATOR, Scope
from accounts.queries import owner_of
from lines.commands.apns import set_brand_apn
from lines.models import BrandApn, Line
from tests.fleets import Fleet


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


def shown(line: Line) -> str:
    browser = Client()
    holder = line.account or line.payer
    assert holder is not None
    browser.force_login(owner_of(holder))
    return browser.get(f"/lines/{line.iccid}/settings/").content.decode()


def test_each_carriers_lines_show_the_apn_of_their_carrier(fleet: Fleet) -> None:
    """One APN for all gave the lines of one of two carriers a wrong one."""
    account = fleet.account()
    sub = fleet.account(parent=account)
    lines = {kind: fleet.line(sub, kind) for kind in ("simbase", "iotportal")}
    brand = brand_account(account=account, look=Look("Nord", apn="nord.all"), by=OPERATOR)
    for _ in range(2):
        set_brand_apn(
            brand=brand, carrier=fleet.carriers["iotportal"], apn="nord.iot", user="u1", password="p-77", by=OPERATOR
        )
    assert Event.objects.filter(verb="brand.changed", detail__carrier="iotportal").count() == 1
    portal, simbase = shown(lines["iotportal"]), shown(lines["simbase"])
    assert all(text in portal for text in ("nord.iot", "u1", "p-77"))
    assert "nord.all" not in portal
    assert "nord.all" in simbase
    assert "nord.iot" not in simbase
    assert "p-77" not in BrandApn.objects.get().apn_password
    for _ in range(2):
        set_brand_apn(brand=brand, carrier=fleet.carriers["iotportal"], apn="", by=OPERATOR)
    assert "nord.all" in shown(lines["iotportal"])
    for wrong in ({"apn": "not an apn"}, {"apn": "", "user": "u"}, {"apn": "a.b", "user": "u" * 101}):
        with pytest.raises(Invalid):
            set_brand_apn(brand=brand, carrier=fleet.carriers["iotportal"], by=OPERATOR, **wrong)


def test_each_carriers_lines_say_how_a_device_is_set_up(fleet: Fleet) -> None:
    """One text for all told people of two networks the steps of one."""
    account = fleet.account()
    lines = {kind: fleet.line(account, kind) for kind in ("simbase", "iotportal")}
    brand = brand_account(account=account, look=Look("Nord", apn="nord.all", apn_text="Reboot twice"), by=OPERATOR)
    portal = fleet.carriers["iotportal"]
    for _ in range(2):
        set_brand_apn(brand=brand, carrier=portal, apn="", setup_text="Turn PIN off\r\nReboot", by=OPERATOR)
    assert Event.objects.filter(verb="brand.changed", detail__carrier="iotportal").count() == 1
    page = shown(lines["iotportal"])
    assert "Turn PIN off<br>Reboot" in page
    assert "nord.all" in page  # it has no APN of its own
    assert "Reboot twice" not in page
    assert "Reboot twice" in shown(lines["simbase"])
    with pytest.raises(Invalid):
        set_brand_apn(brand=brand, carrier=portal, apn="", setup_text="x" * 1001, by=OPERATOR)
    browser, address = Client(), f"/subaccounts/{account.uuid.hex}/white-label/"
    browser.force_login(owner_of(account))
    given = {"name": "Nord", f"setup_text_{portal.pk}": "One\nTwo"}
    assert browser.post(address, given).status_code == 302
    assert BrandApn.objects.get().setup_text == "One\nTwo"
    assert browser.post(address, {"name": "Nord"}).status_code == 302
    assert not BrandApn.objects.exists()


def test_the_page_has_an_apn_for_each_carrier_that_the_account_has_lines_of(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.line(account, "simbase")
    browser, page = Client(), f"/subaccounts/{account.uuid.hex}/white-label/"
    browser.force_login(owner_of(account))
    assert "APN, simbase" not in browser.get(page).content.decode()  # one carrier: one APN
    fleet.line(account, "iotportal")
    portal, simbase = fleet.carriers["iotportal"], fleet.carriers["simbase"]
    given = {"name": "Nord", f"apn_{portal.pk}": "nord.iot", f"apn_password_{portal.pk}": "p-77"}
    assert browser.post(page, given).status_code == 302
    assert list(BrandApn.objects.values_list("carrier", "apn")) == [(portal.pk, "nord.iot")]
    body = browser.get(page).content.decode()
    assert "APN, simbase" in body
    assert 'value="p-77"' in body
    wrong = browser.post(page, {"name": "Other", f"apn_{simbase.pk}": "not an apn"})
    assert wrong.status_code == 422
    account.brand.refresh_from_db()
    assert account.brand.name == "Nord"  # nothing is half saved
    stranger = fleet.account()
    browser.force_login(owner_of(stranger))
    assert browser.post(page, given).status_code == 404


def test_a_new_key_names_nobody_and_an_old_one_goes_on(fleet: Fleet) -> None:
    account = fleet.account()
    row, key = keys.make_key(account=account, name="a", scopes=[Scope.READ_LINES], days=30, by=OPERATOR)
    assert key.startswith("api_")
    old = "lk_" + "o" * 43
    ApiKey.objects.filter(pk=row.pk).update(digest=keys.digest_of(old), hint=old[:9])
    assert keys.bearer(key=old, account_uuid=account.uuid.hex, address="10.0.0.7") is not None
