"""ICCIDs, IMEIs and numbers as people, files and carriers write them: each with its right value."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import identifiers
from kit.identifiers import NotAnIccid, asked, doubt, iccids_in, read_iccid, read_iccids, sim_key, spellings

SIM = "8988239000000000019"
CHINA = "898600D21018F0012345"

ONE_SIM = [
    SIM,
    f"{SIM}F",
    f"{SIM}f",
    f"{SIM}FF",
    f"'{SIM}",
    f"’{SIM}",
    f'"{SIM}"',
    f"“{SIM}”",
    f"«{SIM}»",
    f'="{SIM}"',
    f'"=""{SIM}"""',
    f"={SIM}",
    f"\u200b{SIM}",
    f"\ufeff{SIM}",
    f"{SIM}\u200e",
    f"\u202d{SIM}\u202c",
    "89882390\u200b00000000019",
    f"{SIM}.0",
    f"{SIM},00",
    "8988 2390 0000 0000 019",
    "8988\u00a02390\u202f0000\u30000000\t019",
    "8988-2390-0000-0000-019",
    "8988‑2390–0000—0000−019",
    f"ICCID: {SIM}",
    f"iccid={SIM}",
    f"ICC-ID {SIM}",
    f"ICC {SIM}",
    f"SIM card no. {SIM}",
    f"SIM #{SIM}",
    f"Serial number: {SIM}",
    f"eSIM {SIM}",
    f"{SIM},",
    f"{SIM};",
    f"  {SIM}\r\n",
    "8.988239000000000019E+18",
    "8,988239000000000019e18",
    "８９８８２３９０００００００００００１９"[:17] + "19",
    "٨٩٨٨٢٣٩٠٠٠٠٠٠٠٠٠٠١٩",
]
OTHERS = [
    (CHINA, CHINA),
    (CHINA.lower(), CHINA),
    ("8986 00D2 1018 F001 2345", CHINA),
    ("898823900000000001", "898823900000000001"),
    ("8988239000000000012345", "8988239000000000012345"),
    ("89882390000000000193", "89882390000000000193"),
    ("89882390000000000193F", "89882390000000000193"),
    ("0000000000000000000", "0000000000000000000"),
]
NONE = [
    ("", "missing"),
    ("   ", "missing"),
    ("12345", "this one has 5"),
    ("89882390000000000", "this one has 17"),
    ("89882390000000000123456", "this one has 23"),
    ("not a sim", "18 to 22 digits"),
    ("8.98824E+18", "rounded"),
    ("8,98824E+18", "rounded"),
    ("8.98823900000000E+18", "rounded"),
    ("9E18", "rounded"),
    ("8988239000000000x19", "18 to 22 digits"),
    ("8988239000000000\x00019", "18 to 22 digits"),
    ("8988239000000000019.5", "18 to 22 digits"),
    ("8988239000000000019/8988239000000000027", "18 to 22 digits"),
    ("²²²²²²²²²²²²²²²²²²²", "18 to 22 digits"),
    ("1e999", "rounded"),
]
DOUBTS = [
    (SIM, ""),
    ("89882390000000000193", ""),
    (CHINA, ""),
    ("898823900000000001", ""),
    ("8988239111000000000", "rounded"),
    ("89882391130100000000", "rounded"),
    ("89882391130200000000", "rounded"),
    ("1234567890123456789", "begin with 89"),
    ("0000000000000000000", "begin with 89"),
    ("98882893000000000010", "swapped in pairs"),
    ("8988239000000000507", "check digit"),
    ("8988239000000000515", "check digit"),
    ("8988239000000000523", "check digit"),
    ("89882390000000000194", "check digit"),
]
IMEIS = [
    ("352099001761481", "352099001761481"),
    ("352099001761481.0", "352099001761481"),
    ("352099001761481,00", "352099001761481"),
    ("352099001761481/12", "352099001761481"),
    ("35-209900-176148-1", "352099001761481"),
    ("35 209900 176148 1", "352099001761481"),
    ("IMEI: 352099001761481", "352099001761481"),
    ("3520990017614823", "3520990017614823"),
    ("'352099001761481", "352099001761481"),
    ("000000000000000", None),
    ("999999999999999", None),
    ("111111111111111", None),
    ("00000000000000", None),
    ("0000000000000000", None),
    ("N/A", None),
    ("", None),
    (None, None),
    ("unknown", None),
    ("1234", None),
]
NUMBERS = [
    ("3197040000008", "3197040000008"),
    ("3197040000008.0", "3197040000008"),
    ("+3197040000008", "3197040000008"),
    ("003197040000008", "3197040000008"),
    ("+31 (0)97040000008", "3197040000008"),
    ("0031 (0) 970 4000 0008", "3197040000008"),
    ("+31-970-4000.0008", "3197040000008"),
    ("tel: +31 97040000008", "3197040000008"),
    ("+39 06 12345678", "390612345678"),
    ("+44 (0)7700 900123", "447700900123"),
    ('="3197040000008"', "3197040000008"),
    ("\u202a+3197040000008\u202c", "3197040000008"),
    ("000000000", None),
    ("99999999999", None),
    ("1111111", None),
    ("N/A", None),
    ("n.n.", None),
    ("", None),
    (None, None),
    ("+31+97", None),
]


@pytest.mark.parametrize("text", ONE_SIM)
def test_one_sim_is_read_however_it_is_written(text: str) -> None:
    assert read_iccid(text) == SIM


@pytest.mark.parametrize(("text", "right"), OTHERS)
def test_iccids_stay_as_their_carrier_prints_them(text: str, right: str) -> None:
    assert read_iccid(text) == right


@pytest.mark.parametrize(("text", "said"), NONE)
def test_what_is_no_iccid_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(NotAnIccid, match=said):
        read_iccid(text)


@pytest.mark.parametrize(("iccid", "said"), DOUBTS)
def test_what_can_hardly_be_an_iccid_is_explained(iccid: str, said: str) -> None:
    assert (said in doubt(iccid)) if said else doubt(iccid) == ""


@pytest.mark.parametrize(("text", "right"), IMEIS)
def test_a_placeholder_is_no_imei(text: str | None, right: str | None) -> None:
    assert identifiers.read_imei(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27", "27112026", "20261127", "11272026", "27.11.2026", "27/11/2026", "11/27/2026", "27-11-26",
        "2026-1-7", "1.2.2026", "2026/11/27", "'2026-11-27", '="27112026"', " 27.11.26 ",
    ],
)  # fmt: skip
def test_a_date_is_no_number(text: str) -> None:
    assert identifiers.read_msisdn(text) is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("+27112026", "27112026"),
        ("31970400001", "31970400001"),
        ("4930.1234.567", "49301234567"),
        ("31021998", "31021998"),
    ],
)
def test_what_only_looks_like_a_date_stays_a_number(text: str, right: str) -> None:
    assert identifiers.read_msisdn(text) == right


@pytest.mark.parametrize(("text", "right"), NUMBERS)
def test_a_number_is_read_however_it_is_written(text: str | None, right: str | None) -> None:
    assert identifiers.read_msisdn(text) == right


def test_nineteen_digits_and_twenty_with_their_check_digit_are_one_sim() -> None:
    assert set(spellings(SIM)) == {SIM, "89882390000000000193"} == set(spellings("89882390000000000193"))
    assert sim_key("89882390000000000920") == sim_key("8988239000000000092") == "8988239000000000092"
    assert spellings("89882390000000000194") == ("89882390000000000194",)  # no check digit of the first nineteen
    assert spellings("898823900000000001") == ("898823900000000001",)
    assert asked("anything") == ("anything",)


def test_many_are_read_from_lines_commas_and_groups() -> None:
    other = "8988239000000000027"
    assert read_iccids(f"8988 2390 0000 0000 019\n{other}, {SIM}F;89882390000000000193") == [SIM, other]
    assert read_iccids(f"{SIM} {other}") == [SIM, other]
    assert iccids_in(f"ref 7: {SIM}; {other} (blue)") == [SIM, other]
    assert iccids_in("not a sim") == iccids_in("8.98824E+18") == []
    with pytest.raises(NotAnIccid):
        read_iccids(f"{SIM}\nhello")


@given(st.text())
def test_whatever_is_written_is_an_iccid_or_refused(text: str) -> None:
    try:
        found = read_iccid(text)
    except NotAnIccid:
        return
    assert identifiers.is_iccid(found)
    assert read_iccid(found) == found
    assert sim_key(found) in spellings(found)


@given(st.text(alphabet="0123456789Ff .,-+()'\"=Ee\u200b\u202e\x00０٣", max_size=40))
def test_readers_of_numbers_never_fail(text: str) -> None:
    for read in (identifiers.read_imei, identifiers.read_msisdn):
        found = read(text)
        assert found is None or (found.isascii() and found.isdigit())
    for found in iccids_in(text):
        assert identifiers.is_iccid(found)
    with contextlib.suppress(NotAnIccid):
        assert all(map(identifiers.is_iccid, read_iccids(text)))


@given(
    st.from_regex(r"89[0-9]{17}", fullmatch=True), st.sampled_from(["{}F", "'{}", '="{}"', " {} ", "ICCID {}", "{}.0"])
)
def test_dressing_changes_no_iccid(iccid: str, dressed: str) -> None:
    assert read_iccid(dressed.format(iccid)) == iccid
