"""A passkey in a real Chromium: enrolled, used to come in without a password, and refused in words."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts.commands import open_account
from accounts.models import Event
from accounts.policy import OPERATOR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

PASSWORD = "orbit-lantern-42"
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_enrolled_lets_its_person_in_and_nobody_without_it(page: Page) -> None:
    cache.clear()
    open_account(name="Acme", owner_email="jane@acme.example", password=PASSWORD, by=OPERATOR)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    added = device.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})

    page.goto("/accounts/login/?next=/accounts/2fa/webauthn/add/")
    page.get_by_label("Email").fill("jane@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Is it you?").wait_for()  # before a login changes, the password once more
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile(r"//[^/]+/accounts/2fa/webauthn/add/$"))  # and its scripts, which ask for the passkey
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url(re.compile("recovery-codes"))
    kept = device.send("WebAuthn.getCredentials", {"authenticatorId": added["authenticatorId"]})["credentials"]
    assert [one["isResidentCredential"] for one in kept] == [True]
    assert Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN, user__email="jane@acme.example").count() == 1
    assert Event.objects.filter(verb="person.second_factor_added", detail__kind="passkey").count() == 1

    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r"//[^/]+/$"))
    assert page.context.request.get("/profile/", max_redirects=0).status == 200

    device.send("WebAuthn.clearCredentials", {"authenticatorId": added["authenticatorId"]})
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was given")
    assert page.url.endswith("/accounts/login/")
