"""Mails to people: one function, plain and HTML from one pair of templates, in the branding of the account."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.mime.image import MIMEImage

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.branding.identity import Branding, branding_of, logo_png
from accounts.models import Account

LOGO = "logo"  # its Content-ID
URL = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says. Paragraphs are parted by an empty line; one that is a URL is a button, named by `button`."""

    subject: str
    text: str
    button: str = "Open"

    @property
    def paragraphs(self) -> list[tuple[str, bool]]:
        """Each with whether it is an address."""
        parts = [part.strip() for part in re.split(r"\n\s*\n", self.text.replace("\r\n", "\n").strip())]
        return [(part, URL.fullmatch(part) is not None) for part in parts if part]


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content: bytes
    type: str


def made(
    *,
    to: str | Sequence[str],
    letter: Letter,
    account: Account | None = None,
    attachments: Sequence[Attachment] = (),
    branding: Branding | None = None,
) -> EmailMultiAlternatives:
    """The mail, not sent yet, in the account's branding unless another is given."""
    branding = branding or branding_of(account)
    logo = logo_png(branding)
    said = {"letter": letter, "branding": branding, "account": account, "logo": LOGO if logo else ""}
    message = EmailMultiAlternatives(
        subject=_one_line(f"{branding.name}: {letter.subject}"),
        body=render_to_string("accounts/mail/letter.txt", said),
        from_email=branding.sender,
        to=[to] if isinstance(to, str) else list(to),
        reply_to=[branding.support_mail] if branding.support_mail else None,
    )
    message.attach_alternative(render_to_string("accounts/mail/letter.html", said), "text/html")
    if logo:
        message.attach(_logo(logo))
    for one in attachments:
        message.attach(one.name, one.content, one.type)
    return message


def console_url(path: str, account: Account | None = None) -> str:
    """The whole address of a page of the console, at the account's own domain where it has one that is live.

    Empty where the installation does not say where it is.
    """
    host = branding_of(account).host
    base = f"https://{host}" if host else settings.CONSOLE_URL
    return f"{base}{path}" if base else ""


def _logo(content: bytes) -> MIMEImage:
    image = MIMEImage(content, _subtype="png")
    image.add_header("Content-ID", f"<{LOGO}>")
    image.add_header("Content-Disposition", "inline")
    return image


def _one_line(text: str) -> str:
    return " ".join(text.split())
