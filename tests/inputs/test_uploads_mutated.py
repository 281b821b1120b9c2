"""Files that were whole once, broken anywhere, at every door that takes one: never an error of ours, nothing kept of
what is not a picture, and no line without a right to it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from PIL import Image

from accounts.models import Account, BrandLogo
from accounts.queries import owner_of
from lines.models import Line
from tests import proofs
from tests.fleets import Fleet
from tests.profiles import examples

FILES = Path(__file__).parent / "files"


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "#8a2be2").save(out, kind)
    return out.getvalue()


def workbook() -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.append(["iccid", "rate plan", "notes"])
    book.active.append(["8988239000000000019", "World", "=HYPERLINK(1)"])
    book.save(out)
    return out.getvalue()


TABLES = [path.read_bytes() for path in sorted(FILES.glob("[abc]*.csv"))] + [workbook()]
PICTURES = [picture(kind) for kind in ("PNG", "JPEG", "WEBP")]
ODD = [b"", b"\x00", b"PK\x03\x04", b"\xff\xfe", b"<svg onload=x>", b"<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///'>",
       b"GIF89a", b"%PDF-1.4", b"MZ", b"../../etc/passwd", b"=cmd|' /C calc'!A0", "\u202egnp.exe".encode()]  # fmt: skip
NAMES = ["a.csv", "a.xlsx", "../../a.csv", "a\x00.csv", "a.png", "<b>.csv", "C:\\a.csv", ".htaccess", "a" * 300]
DOORS = {
    "lines-find": ("file", {}, TABLES),
    "lines-add-many": ("file", {}, TABLES),
    "white_label": ("logo", {"name": "Nord"}, PICTURES),
}


@st.composite
def broken(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """One of them, cut, doubled, with bytes changed or strange ones put in."""
    content = bytearray(draw(st.sampled_from([*seeds, *ODD])))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["flip", "cut", "put", "twice"])):
            case "flip" if at < len(content):
                content[at] ^= draw(st.integers(1, 255))
            case "cut":
                del content[at:]
            case "put":
                content[at:at] = draw(st.one_of(st.sampled_from(ODD), st.binary(max_size=20)))
            case "twice":
                content[at:at] = content[:at]
    return bytes(content[:200_000])


@pytest.fixture
def account(db: None) -> Account:
    fleet = Fleet()
    account = fleet.account()
    fleet.line(account)
    return account


@pytest.mark.parametrize("door", DOORS)
def test_a_broken_file_is_read_or_refused(account: Account, door: str) -> None:
    client = proofs.log_in(Client(raise_request_exception=True), owner_of(account))
    part, form, seeds = DOORS[door]
    address = reverse(door, args=[account.uuid.hex] if door == "white_label" else [])
    before = Line.objects.filter(payer=account).count()

    @given(content=broken(seeds), name=st.sampled_from(NAMES), kind=st.sampled_from(["text/csv", "image/png", "x/y"]))
    @settings(
        max_examples=40 if examples() <= 100 else examples() // 4,
        suppress_health_check=[*HealthCheck],
    )
    def run(content: bytes, name: str, kind: str) -> None:
        file = SimpleUploadedFile(name, content, kind)
        answer = client.post(address, form | {part: file})
        assert answer.status_code in (200, 302, 413, 422), answer.status_code
        for kept in BrandLogo.objects.all():
            with Image.open(io.BytesIO(bytes(kept.image))) as found:
                assert (found.format, found.info) == ("PNG", {})
        BrandLogo.objects.all().delete()

    run()
    assert Line.objects.filter(payer=account).count() == before
