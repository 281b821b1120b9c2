"""Mails to people: one function, plain and HTML from one pair of templates, in the dress of the account."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.mime.image import MIMEImage
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.dress import Dress, dress_of
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


def send(
    *, to: str | Sequence[str], letter: Letter, account: Account | None = None, attachments: Sequence[Attachment] = ()
) -> None:
    """One mail, each address of `to` for itself to see the others: for one person, or the staff of one account.

    Raises what the mail server says; whoever must not lose a mail writes it down first and tries again.
    """
    made(to=to, letter=letter, account=account, attachments=attachments).send()


def made(
    *, to: str | Sequence[str], letter: Letter, account: Account | None = None, attachments: Sequence[Attachment] = ()
) -> EmailMultiAlternatives:
    """The mail, not sent yet."""
    dress = dress_of(account)
    said = {"letter": letter, "dress": dress, "account": account, "logo": LOGO}
    message = EmailMultiAlternatives(
        subject=_one_line(f"{dress.name}: {letter.subject}"),
        body=render_to_string("accounts/mail/letter.txt", said),
        from_email=_sender(dress),
        to=[to] if isinstance(to, str) else list(to),
        reply_to=[dress.support_mail] if dress.support_mail else None,
    )
    message.attach_alternative(render_to_string("accounts/mail/letter.html", said), "text/html")
    if dress.logo:
        message.attach(_logo(dress.logo, dress.logo_type))
    for one in attachments:
        message.attach(one.name, one.content, one.type)
    return message


def console_url(path: str) -> str:
    """The whole address of a page of the console; empty where the installation does not say where it is."""
    return f"{settings.CONSOLE_URL}{path}" if settings.CONSOLE_URL else ""


def _sender(dress: Dress) -> str:
    """Our address, in the name of the dress."""
    return formataddr((_one_line(dress.name), parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))


def _logo(content: bytes, media_type: str) -> MIMEImage:
    image = MIMEImage(content, _subtype=media_type.partition("/")[2])
    image.add_header("Content-ID", f"<{LOGO}>")
    image.add_header("Content-Disposition", "inline")
    return image


def _one_line(text: str) -> str:
    return " ".join(text.split())
