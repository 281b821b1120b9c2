"""A white label is chosen by an account's people: checked, kept, and its picture made anew."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from kit.errors import Invalid, NotFound
from PIL import Image, PngImagePlugin

from accounts.branding import images
from accounts.commands import DomainTaken, Look, brand_account, change_logo, put_domain_live
from accounts.models import Account, Brand, Event
from accounts.policy import OPERATOR, Actor, ActorKind
from accounts.queries import owner_of
from tests.fleets import Fleet

JANE = Actor(ActorKind.PERSON, "jane@acme.example")


@pytest.fixture
def account(db: None) -> Account:
    return Fleet().account()


def picture(kind: str = "PNG", size: tuple[int, int] = (1200, 300)) -> bytes:
    out, told = io.BytesIO(), PngImagePlugin.PngInfo()
    told.add_text("secret", "who made it")
    Image.new("RGB", size, "#8a2be2").save(out, kind, **({"pnginfo": told} if kind == "PNG" else {}))
    return out.getvalue()


def test_a_look_is_kept_and_said_once(account: Account) -> None:
    look = Look("  Nord  licht ", accent="#FFCC00", support_mail="Help@Nord.example", domain="SIMS.nord.example")
    for _ in range(2):
        brand = brand_account(account=account, look=look, by=JANE)
    assert (brand.name, brand.accent, brand.domain) == ("Nord licht", "#ffcc00", "sims.nord.example")
    event = Event.objects.get(verb="brand.changed")
    assert (event.actor_name, event.detail["name"]) == (JANE.name, ["", "Nord licht"])


@pytest.mark.parametrize(
    "bad",
    [
        {"name": " "},
        {"accent": "red"},
        {"bar": "#12345"},
        {"accent": "#123456;}body{display:none"},
        {"support_mail": "nobody"},
        {"domain": "https://x.example"},
        {"domain": "localhost"},
        {"domain": "-x.example"},
        {"domain": "x.example\n"},
        {"apn_text": "x" * 1001},
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_refused(account: Account, bad: dict[str, str]) -> None:
    if bad.get("domain") == "x.example\n":  # a line's end is no part of it
        assert brand_account(account=account, look=Look("Nord", domain=bad["domain"]), by=JANE).domain == "x.example"
        return
    with pytest.raises(Invalid):
        brand_account(account=account, look=Look(**{"name": "Nord", **bad}), by=JANE)
    assert not Brand.objects.exists()


def test_a_domain_is_one_accounts_and_live_only_by_the_operator(account: Account) -> None:
    other = Account.objects.create(name="other", parent=account)
    brand = brand_account(account=account, look=Look("Nord", domain="sims.nord.example"), by=JANE)
    with pytest.raises(DomainTaken):
        brand_account(account=other, look=Look("Other", domain="sims.nord.example"), by=JANE)
    call_command("brand_domain", "sims.nord.example", "--live")
    brand.refresh_from_db()
    assert brand.domain_live_at is not None
    with pytest.raises(CommandError, match="No account has asked"):
        call_command("brand_domain", "evil.example", "--live")
    brand = brand_account(account=account, look=Look("Nord", domain="new.nord.example"), by=JANE)
    assert brand.domain_live_at is None
    with pytest.raises(NotFound):
        put_domain_live(domain="sims.nord.example", live=True, by=OPERATOR)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_encoded_anew_small_and_with_nothing_beside_the_picture(kind: str) -> None:
    made = images.logo(picture(kind))
    found = Image.open(io.BytesIO(made))
    assert (found.format, found.mode, found.size) == ("PNG", "RGBA", (480, 120))
    assert b"who made it" not in made
    assert found.info == {}


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""
    size = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "an SVG"),
        (b"GIF89a" + bytes(40), "not a picture that can be read"),
        (picture("BMP", (100, 100)), "not a picture that can be read"),
        (picture()[:200], "does not end where its picture ends"),
        (bytes(1_000_001), "1 MB is the most"),
        (picture(size=(20_000, 1_000)), "20000 x 1000 pixels"),
        (bomb(4_000_000, 4_000), "too many pixels"),
        (bomb(2_000, 2_000), "not a picture that can be read"),
        (picture() + b"<script>alert(1)</script>", "does not end where its picture ends"),
        (picture("JPEG") + b"PK\x05\x06" + bytes(17) + b"!", "does not end where its picture ends"),
        (picture("WEBP") + b"<?php ?>", "does not end where its picture ends"),
        (b"", "not a picture that can be read"),
    ],
    ids=["svg", "gif", "bmp", "half", "bytes", "pixels", "bomb", "hollow", "html", "zip", "php", "empty"],
)
def test_what_is_no_small_picture_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        images.logo(content)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(account: Account) -> None:
    client, at = Client(enforce_csrf_checks=True), f"/subaccounts/{account.uuid.hex}/white-label/"
    client.force_login(owner_of(account))

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("It was read")

    given: dict[str, Any] = {"wsgi.input": Unread(), "CONTENT_LENGTH": "5000000"}
    answer = client.post(at, content_type="multipart/form-data; boundary=x", **given)
    assert answer.status_code == 413
    said = " ".join(answer.content.decode().split())
    assert "What you sent has 5.0 MB; 1 MB is the most here. Nothing is changed." in said


def test_a_logo_is_put_and_taken_away(account: Account) -> None:
    brand = brand_account(account=account, look=Look("Nord"), by=JANE)
    for _ in range(2):
        change_logo(brand=brand, content=picture(), by=JANE)
    for _ in range(2):
        change_logo(brand=brand, content=b"", by=JANE)
    verbs = Event.objects.filter(verb__startswith="brand.logo").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["brand.logo_changed", "brand.logo_removed"]


def test_the_page_saves_shows_and_refuses(account: Account) -> None:
    client, at = Client(), f"/subaccounts/{account.uuid.hex}/white-label/"
    client.force_login(owner_of(account))
    assert client.get(at).status_code == 200
    logo = SimpleUploadedFile("evil.svg.png", picture(), "image/svg+xml")
    saved = client.post(at, {"name": "Nord", "accent": "#ffcc00", "bar": "#203040", "logo": logo})
    assert saved.status_code == 302
    body = client.get(at).content.decode()
    assert "is too light to be read on white" in body
    assert "· Nord</title>" in body
    assert client.get(f"/accounts/brand/{Brand.objects.get().key}/logo.png").content[:8] == b"\x89PNG\r\n\x1a\n"
    broken = SimpleUploadedFile("x.png", b"no picture", "image/png")
    answer = client.post(at, {"name": "Other", "logo": broken})
    assert (answer.status_code, "not a picture" in answer.content.decode()) == (422, True)
    assert Brand.objects.get().name == "Nord"  # nothing is half saved
