"""The branding of an account and of its sub-accounts: chosen by its people; its domain is put live by the operator."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, fields

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from kit import clock, crypto
from kit.errors import Invalid, NotFound, Refusal
from kit.names import checked_name, refuse_address

from accounts.branding import hosts, images
from accounts.branding.identity import brand_password
from accounts.commands.events import record
from accounts.models import COLOUR, Account, Brand, BrandLogo
from accounts.policy import Actor

HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


class DomainTaken(Refusal):
    """Another account has asked for this domain."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a brand shows; empty is ours, or none."""

    name: str
    accent: str = ""  # #rrggbb
    bar: str = ""
    support_mail: str = ""
    domain: str = ""
    apn: str = ""
    apn_user: str = ""
    apn_password: str = ""
    apn_text: str = ""


LONGEST = {"name": 60, "support_mail": 254, "apn": 100, "apn_user": 100, "apn_password": 100, "apn_text": 1000}


@transaction.atomic
def brand_account(*, account: Account, look: Look, by: Actor) -> Brand:
    """Give an account its own branding, or change it. A new domain waits for the operator. Raises Invalid, DomainTaken.

    Harmless twice.
    """
    look = _checked(look)
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    brand = Brand.objects.filter(account=account).first() or Brand(account=account)
    before = {field.name: getattr(brand, field.name) or "" for field in fields(Look)}
    before["apn_password"] = brand_password(brand)
    after = asdict(look)
    if before == after:
        return brand
    if after["domain"] != before["domain"]:
        brand.domain_live_at = None
    for name, value in after.items():
        setattr(brand, name, value)
    if look.apn_password:
        brand.apn_password = crypto.encrypt(look.apn_password, row=f"brand:{brand.key.hex}")
    brand.domain = look.domain or None
    try:
        with transaction.atomic():
            brand.save()
    except IntegrityError:
        raise DomainTaken(f"{look.domain} is taken; ask whoever runs this installation if it is yours.") from None
    transaction.on_commit(hosts.forget)
    changed = [name for name in after if after[name] != before[name] and name != "apn_password"]
    _note(account, "brand.changed", by, {name: [before[name], after[name]] for name in changed})
    return brand


@transaction.atomic
def change_logo(*, brand: Brand, content: bytes, by: Actor) -> Brand:
    """Put a picture in the place of the name; no bytes at all take it away. Raises Invalid. Harmless twice."""
    image = images.logo(content) if content else b""
    brand = _locked(brand)
    digest = hashlib.sha256(image).hexdigest() if image else ""
    if digest != brand.logo_digest:
        brand.logo_digest = digest
        brand.save(update_fields=["logo_digest"])
        if image:
            BrandLogo.objects.update_or_create(brand=brand, defaults={"image": image})
        else:
            BrandLogo.objects.filter(brand=brand).delete()
        _note(brand.account, "brand.logo_changed" if image else "brand.logo_removed", by, {"sha256": digest})
    return brand


@transaction.atomic
def put_domain_live(*, domain: str, live: bool, by: Actor) -> Brand:
    """The domain leads here and has its certificate: show the brand there; or take it down. Raises NotFound.

    Harmless twice.
    """
    brand = Brand.objects.select_for_update().filter(domain=domain.strip().lower()).first()
    if brand is None:
        raise NotFound(f"No account has asked for the domain {domain}.")
    if (brand.domain_live_at is not None) != live:
        brand.domain_live_at = clock.now() if live else None
        brand.save(update_fields=["domain_live_at"])
        _note(brand.account, "brand.domain_live" if live else "brand.domain_down", by, {"domain": brand.domain})
        transaction.on_commit(hosts.forget)
    return brand


def _checked(look: Look) -> Look:
    values = {name: value.strip() for name, value in asdict(look).items()}
    values["name"] = " ".join(values["name"].split())
    for name in ("accent", "bar", "domain", "support_mail"):
        values[name] = values[name].lower()
    values["name"] = refuse_address(checked_name(values["name"], longest=LONGEST["name"]))
    for name, longest in LONGEST.items():
        if len(values[name]) > longest:
            raise Invalid(f"The {name.replace('_', ' ')} has {len(values[name])} characters; {longest} are the most.")
    for name in ("accent", "bar"):
        if not re.fullmatch(COLOUR, values[name]):
            raise Invalid(f"{values[name][:20]} is not a colour; write it like #5b4be0.")
    if values["support_mail"]:
        try:
            validate_email(values["support_mail"])
        except ValidationError:
            raise Invalid(f"{values['support_mail']} is not a mail address.") from None
    if values["domain"]:
        _check_domain(values["domain"])
    return Look(**values)


def _check_domain(domain: str) -> None:
    if not HOST.fullmatch(domain):
        raise Invalid(f"{domain[:80]} is not a domain; write it like sims.example.com, without https://.")
    if domain in {host.lstrip(".") for host in list.__iter__(settings.ALLOWED_HOSTS)}:
        raise Invalid(f"{domain} is this installation's own; give one of yours.")


def _locked(brand: Brand) -> Brand:
    return Brand.objects.select_for_update(of=("self",)).select_related("account").get(pk=brand.pk)


def _note(account: Account, verb: str, by: Actor, detail: dict[str, object]) -> None:
    record(by=by, verb=verb, account_id=account.pk, subject=f"account:{account.uuid.hex}", detail=detail)
