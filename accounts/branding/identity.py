"""In which name and colours an account's people meet us: pages, mails, papers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.utils import formataddr, parseaddr

from django.conf import settings
from kit import crypto

from accounts.branding import colours
from accounts.models import Account, Brand, BrandLogo

OURS = "Linekeeper"
ACCENT = "#5b4be0"  # static/tokens.css has the same


@dataclass(frozen=True, slots=True)
class Branding:
    """What a page, a mail or a paper shows of whom it is from. `accent` can be read on white, `on_accent` on it."""

    name: str
    is_ours: bool  # the installation's own: nobody's white label
    sender: str  # the From of mails
    support_mail: str = ""
    host: str = ""  # the domain that shows it
    accent: str = ACCENT
    on_accent: str = colours.WHITE
    key: str = ""  # of its style sheet and logo
    style_version: str = ""
    logo_version: str = ""  # empty: the name stands in its place
    apn: str = ""  # in the place of the carrier's, for who types it into a device
    apn_user: str = ""
    apn_password: str = ""
    apn_text: str = ""


def branding_of(account: Account | None) -> Branding:
    """An account's own; a sub-account's is its own, its parent's, or its parent's bare name: never ours."""
    if account is None:
        return _ours()
    parent = account.parent
    brand = brand_of(account) or (brand_of(parent) if parent else None)
    if brand is not None:
        return branding_from(brand)
    return _plain(parent.name) if parent else _ours()


def branding_from(brand: Brand) -> Branding:
    """The branding that a brand makes."""
    tone = colours.light_tone(brand.accent or ACCENT)
    host = brand.domain if brand.domain and brand.domain_live_at else ""
    return Branding(
        name=brand.name,
        is_ours=False,
        sender=_sender(brand.name, host),
        support_mail=brand.support_mail,
        host=host,
        accent=tone.accent,
        on_accent=tone.on_accent,
        key=str(brand.key),
        style_version=hashlib.sha256(style_sheet(brand).encode()).hexdigest()[:12] if brand.accent or brand.bar else "",
        logo_version=brand.logo_digest[:12],
        apn=brand.apn,
        apn_user=brand.apn_user,
        apn_password=brand_password(brand),
        apn_text=brand.apn_text,
    )


def style_sheet(brand: Brand) -> str:
    """The brand's colours over the console's tokens, in both themes."""
    rules = []
    if brand.accent:
        light, dark = colours.light_tone(brand.accent), colours.dark_tone(brand.accent)
        rules.append(
            f":root{{--accent:light-dark({light.accent},{dark.accent});"
            f"--accent-soft:light-dark({light.soft},{dark.soft});"
            f"--on-accent:light-dark({light.on_accent},{dark.on_accent});"
            f"--fill:{light.accent};--on-fill:{light.on_accent};--s1:light-dark({light.accent},{dark.accent})}}"
        )
    if brand.bar:
        bar = colours.bar(brand.bar)
        rules.append(f".side{{--bar:{bar.ground};--bar-ink:{bar.ink};--bar-here:{bar.here}}}")
    return "\n".join(rules)


def logo_png(branding: Branding) -> bytes | None:
    """The branding's logo, or None where its name stands in type."""
    logo = BrandLogo.objects.filter(brand__key=branding.key).first() if branding.logo_version else None
    return bytes(logo.image) if logo else None


def brand_of(account: Account) -> Brand | None:
    return getattr(account, "brand", None)


def brand_password(brand: Brand) -> str:
    """The APN's, opened."""
    return crypto.decrypt(brand.apn_password, row=f"brand:{brand.key.hex}") if brand.apn_password else ""


def _ours() -> Branding:
    return Branding(OURS, is_ours=True, sender=_sender(OURS, ""))


def _plain(name: str) -> Branding:
    return Branding(name, is_ours=False, sender=_sender(name, ""))


def _sender(name: str, host: str) -> str:
    """In the brand's name, from its own domain once that is live."""
    address = f"no-reply@{host}" if host else parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return formataddr((" ".join(name.split()), address))
