"""Secrets at rest open only in their row, and come under a new key before the old one goes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import call_command
from kit import crypto, rotation
from pytest_django import Settings

from accounts.branding.identity import branding_of
from accounts.commands import Look, brand_account, open_account
from accounts.models import Account, ApiCredential, Brand
from accounts.policy import OPERATOR
from accounts.queries import credential_of, owner_of
from automation.commands.webhooks import add_webhook
from lines.commands.stock import add_carrier

pytestmark = pytest.mark.django_db
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def acme() -> Account:
    account = open_account(name="Acme", owner_email="jane@acme.example", by=OPERATOR)
    add_webhook(account=account, url="https://hooks.acme.example/", topics=["lines"], by=OPERATOR)
    add_carrier(name="S", kind="simbase", url="https://api.simbase.example", secrets={"api_key": "k"}, by=OPERATOR)
    brand_account(account=account, look=Look(name="Nordlicht", apn_password="apn-pass-1"), by=OPERATOR)
    secret = crypto.encrypt("TOTPSECRET", row="factor")
    Authenticator.objects.create(user=owner_of(account), type=Authenticator.Type.TOTP, data={"secret": secret})
    return account


def rotated() -> tuple[int, dict[str, Any]]:
    out, code = io.StringIO(), 0
    try:
        call_command("rotate_keys", "--json", stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, json.loads(out.getvalue())


def test_a_secret_opens_in_its_row_alone() -> None:
    token = crypto.encrypt("s3cret", row="credential:a")
    assert crypto.decrypt(token, row="credential:a") == "s3cret"
    for row in ("credential:b", "webhook:a", ""):
        with pytest.raises(crypto.CannotDecrypt):
            crypto.decrypt(token, row=row)


def test_a_ciphertext_that_was_moved_to_another_row_opens_nothing(acme: Account) -> None:
    other = open_account(name="Other", owner_email="olga@other.example", by=OPERATOR)
    ApiCredential.objects.filter(account=other).update(shared_key=ApiCredential.objects.get(account=acme).shared_key)
    with pytest.raises(crypto.CannotDecrypt):
        credential_of(other)


def test_every_secret_comes_under_the_new_key_and_then_the_old_one_may_go(acme: Account, settings: Settings) -> None:
    shared = credential_of(acme)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    code, told = rotated()
    assert (code, told["other_keys_may_go"], told["left"], told["cannot_be_opened"]) == (0, True, 0, [])
    assert told["other_keys"] == [crypto.key_id(OLD)]
    assert all(told["encrypted_anew"][f"{one.model}.{one.field}"] >= 0 for one in rotation.columns())
    assert told["encrypted_anew"]["accounts.Brand.apn_password"] == 1
    assert sum(rotated()[1]["encrypted_anew"].values()) == 0  # harmless twice
    settings.ENCRYPTION_KEYS = [NEW]
    assert credential_of(acme) == shared
    assert branding_of(Account.objects.get(pk=acme.pk)).apn_password == "apn-pass-1"
    assert Authenticator.objects.get().wrap()
    assert crypto.decrypt(Authenticator.objects.get().data["secret"], row="factor") == "TOTPSECRET"


def test_what_was_written_before_secrets_were_bound_opens_until_it_is_bound(acme: Account, settings: Settings) -> None:
    key = credential_of(acme).shared_key
    unbound = Fernet(OLD).encrypt(key.encode()).decode()
    ApiCredential.objects.filter(account=acme).update(shared_key=unbound)
    assert credential_of(acme).shared_key == key
    rotated()
    settings.UNBOUND_SECRETS = False
    assert credential_of(acme).shared_key == key
    with pytest.raises(crypto.CannotDecrypt):
        crypto.decrypt(unbound, row="anything")


def test_a_secret_that_no_key_opens_is_named_and_keeps_the_old_keys(acme: Account, settings: Settings) -> None:
    lost = crypto.encrypt("x", row="elsewhere")
    ApiCredential.objects.filter(account=acme).update(shared_key=lost)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    code, told = rotated()
    assert (code, told["other_keys_may_go"]) == (1, False)
    assert told["cannot_be_opened"] == [f"accounts.ApiCredential {ApiCredential.objects.get(account=acme).pk}"]
    assert Brand.objects.get().apn_password.startswith(f"v2.{crypto.key_id(NEW)}.")


def test_every_encrypted_column_is_known_to_the_rotation() -> None:
    """By what they are called; a new one is added to its app's secrets_at_rest or named here."""
    known = {(one.model.split(".")[1], one.field) for one in rotation.columns()}
    suspects = ("secret", "shared_key", "former_key", "codes", "apn_password", "password")
    plain = {("User", "password")}  # hashed
    found = {
        (model.__name__, field.name)
        for app in ("accounts", "billing", "lines", "automation", "subaccounts")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if field.name.startswith(suspects) and field.get_internal_type() in ("TextField", "CharField", "BinaryField")
    }
    assert found - known - plain == set()
