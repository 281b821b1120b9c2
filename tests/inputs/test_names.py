"""Names in any script: what may be written, and what looks like something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import Invalid
from kit.names import checked_name, look_alike, refuse_address, skeleton

GOOD = [
    "深圳市物联网科技有限公司",
    'שלום תקשורת בע"מ',
    "شركة الاتصالات",
    "บริษัท ไอโอที จำกัด",
    "हिन्दी संचार",
    "한국통신 주식회사",
    "株式会社エヌ・ティ・ティ",
    "Ελληνική Εταιρεία",
    "Товарищество",
    "Smart 📡 Farms",
    "👩\u200d🔧 Repairs",
    "علی\u200cرضا",
    "क्\u200dष",
    "❤\ufe0f Care",
    "Müller GmbH & Co.KG",
    "Acme B.V.",
    "S.p.A. Roma",
    "St.Gallen Verkehr",
    "John v. Neumann Inc.",
    "No.5 Ltd",
    "3M",
    "O’Neil & Söhne, «Nord»",
    "Tiê\u0301ng Vie\u0323\u0302t",
]
BAD = [
    ("", "Enter"),
    ("   ", "Enter"),
    ("\u200b\u200b", "can’t be seen"),
    ("\u3164", "can’t be seen"),
    ("\u2800\u2800", "can’t be seen"),
    ("Harbour\u200b Security", "can’t be seen"),
    ("Acme \u202egnp.exe", "can’t be seen"),
    ("\u2066Acme\u2069", "can’t be seen"),
    ("Acme\u200f", "can’t be seen"),
    ("Ac\u00adme", "can’t be seen"),
    ("Acme\x07", "can’t be seen"),
    ("Acme\ue000", "can’t be seen"),
    ("A\u200dB", "can’t be seen"),
    ("\ufe0fAcme", "can’t be seen"),
    ("Acme\U000e0041", "can’t be seen"),
    ("★☆★", "letter or a digit"),
    ("📡", "letter or a digit"),
    ("---", "letter or a digit"),
    ("Z" + "\u0301" * 9, "too many marks"),
    ("x" * 61, "at most 60"),
]
ADDRESSES = [
    "URGENT: verify at https://evil.example",
    "http://10.0.0.1",
    "Pay at evil.example",
    "Pay at evil。com",
    "ｅｖｉｌ．ｃｏｍ",
    "www.evil",
    "evil.ru/pay",
    "Bills evil.co.uk",
    "write to a@b.example",
    "mailto:me",
    "call 192.0.2.7 now",
]
ALIKE = [
    ("Acme", "\u0410cme"),
    ("Linekeeper", "Linekee\u0440er"),
    ("PayPal", "PayPaI"),
    ("PAYPAL", "paypal"),
    ("full", "ｆｕｌｌ"),
    ("Straße", "Strasse"),
    ("Acme 1", "Acme l"),
    ("modern", "modem"),
    ("Harbour Ltd", "Harbour  Ltd"),
    ("café", "cafe\u0301"),
]
UNLIKE = [("Harbour", "Harbor"), ("Alpha", "Beta"), ("北京", "東京"), ("Site 1", "Site 2")]


@pytest.mark.parametrize("name", GOOD)
def test_names_of_every_script_are_taken(name: str) -> None:
    assert refuse_address(checked_name(name, longest=60))
    assert checked_name(f"  {name} ", longest=60) == checked_name(name, longest=60)


@pytest.mark.parametrize(("name", "said"), BAD)
def test_what_hides_or_turns_is_refused(name: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        checked_name(name, longest=60)


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_looks_like_an_address_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="address"):
        refuse_address(name)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_look_alike_are_found(one: str, other: str) -> None:
    assert look_alike(one, other)
    assert look_alike(other, one)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_names_that_differ_stay_apart(one: str, other: str) -> None:
    assert not look_alike(one, other)


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_name_or_refused(text: str) -> None:
    skeleton(text)
    try:
        name = refuse_address(checked_name(text, longest=60))
    except Invalid:
        return
    assert checked_name(name, longest=60) == name
