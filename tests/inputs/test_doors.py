"""The same inputs at every door: adding, finding, importing, codes, coverage, search, rules and the API's addresses."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from kit.errors import Invalid

from accounts.models import Account
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.commands.adding import add_file, rows_of
from lines.commands.claims import reserve
from lines.commands.coverage import coverage_in, load_coverage
from lines.commands.lists import iccids_of
from lines.commands.stock import import_lines
from lines.models import Coverage, IccidList, Line, LineFile, LineSecret
from lines.queries import Asked, list_lines
from lines.queries.scope import iccids_kept
from tests.console.console_people import place_of
from tests.fleets import Fleet

STOCK = [
    "8988239000000000019", "8988239000000000027", "8988239000000000035", "8988239000000000043", "8988239000000000050",
    "8988239000000000068", "8988239000000000076", "8988239000000000084", "8988239000000000092",
]  # fmt: skip
SIM, OTHER = STOCK[:2]


@pytest.fixture
def account(fleet: Fleet) -> Account:
    """One for whom all of the stock is reserved; the plan is called World."""
    account, plan = fleet.account(), fleet.plans["simbase"]
    type(plan).objects.filter(pk=plan.pk).update(name="World")
    plan.refresh_from_db()
    rows = list(enumerate(STOCK, 2))
    import_lines(rows=rows, carrier=plan.carrier, plan=plan, account=None, active=False, by=OPERATOR)
    reserve(iccids=STOCK, account=account, by=OPERATOR)
    return account


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def operator(*arguments: object, code: int = 0, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    if code:
        with pytest.raises(SystemExit):
            call_command(*map(str, arguments), "--json")
    else:
        call_command(*map(str, arguments), "--json")
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    "cell", [f"{SIM}F", f"'{SIM}", f'"=""{SIM}"""', f"\u200b{SIM}", f"{SIM}.0", "89882390000000000193", f"ICCID {SIM}"]
)
def test_a_line_is_added_however_its_iccid_is_written(account: Account, cell: str) -> None:
    done = add_file(account=account, content=f"iccid,rate plan\n{cell},World\n".encode(), active=True, by=OPERATOR)
    assert (done.total, len(done.lines), done.bad) == (1, 1, [])
    assert Line.objects.get(payer=account).iccid == SIM
    again = add_file(account=account, content=f"iccid,rate plan\n{SIM},World\n".encode(), active=True, by=OPERATOR)
    assert (again.total, len(again.ours)) == (1, 1)


def test_five_thousand_rows_are_looked_at_and_confirmed(account: Account, fleet: Fleet) -> None:
    note = "Лифт в подъезде номер четыре; счётчик воды слева от двери; ключ у консьержа; этаж девятый"
    rows = [f"{iccid},World,{note}" for iccid in (*STOCK, *(f"89882390001{number:08}" for number in range(4991)))]
    text = "iccid,rate plan,notes\n" + "\n".join(rows)
    client = browser(account)
    page = client.post("/lines/add/many/", {"rows": text, "active": "1"}).content.decode()
    assert "<dd>5,000" in page
    assert "Add 9 lines" in page
    kept = LineFile.objects.get().uuid.hex
    for _ in range(2):  # the second click
        page = client.post("/lines/add/many/", {"kept": kept, "active": "1", "sure": "1"}).content.decode()
        assert "<dd>5,000" in page
    assert Line.objects.filter(payer=account, notes=note).count() == 9
    stranger = browser(fleet.account())
    assert "expired" in stranger.post("/lines/add/many/", {"kept": kept, "sure": "1"}).content.decode()


def test_an_import_refuses_what_can_hardly_be_right_unless_told(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubtful = ["8988239111000000000", "89882391130100000000", "1234567890123456789", "8988239000000000507"]
    file = tmp_path / "sims.csv"
    file.write_text("iccid;note\n" + "\n".join(f"{iccid};n" for iccid in [SIM, *doubtful, "8.98824E+18"]))
    where = ("import_lines", file, "--carrier", "simbase", "--rate-plan", "simbase")
    first = operator(*where, capsys=capsys)
    assert (first["rows"], first["added"], first["already_there"], first["refused"]) == (6, 1, 0, 5)
    second = operator(*where, "--unchecked", capsys=capsys)
    assert (second["rows"], second["added"], second["already_there"], second["refused"]) == (6, 4, 1, 1)


def test_nineteen_digits_and_twenty_are_one_sim_in_a_file_and_in_stock(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sims.csv"
    where = ("import_lines", file, "--carrier", "simbase", "--rate-plan", "simbase")
    file.write_text("iccid\n8988239000000000092\n89882390000000000920\n")
    both = operator(*where, capsys=capsys)
    assert (both["added"], both["refused"]) == (1, 1)
    file.write_text("iccid\n89882390000000000920\n")
    assert operator(*where, capsys=capsys)["already_there"] == 1


def test_of_two_rows_with_codes_for_one_sim_neither_is_believed(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(f"ICCID;PIN;PUK\n{SIM};1111;12345678\n{OTHER};0000;12345678\n{SIM}F;2222;12345678\n12;1;\n")
    answer = operator("import_codes", file, code=1, capsys=capsys)
    assert (answer["rows"], answer["kept"], answer["refused"]) == (4, 1, 3)
    assert [secret.line.iccid for secret in LineSecret.objects.select_related("line")] == [OTHER]


def test_a_list_is_found_and_what_is_no_iccid_in_it_is_said(account: Account) -> None:
    found = iccids_of(rows=enumerate((SIM, "8.98824E+18", "not a sim", OTHER, f"{SIM}F", ""), 1))
    assert (found.iccids, [number for number, _ in found.unread]) == ([SIM, OTHER], [2, 3])
    page = browser(account).post("/lines/find/", {"iccids": f"{SIM}\n8.98824E+18\nnot a sim\n"}, follow=True)
    assert "Row 2: A spreadsheet has rounded" in page.content.decode().replace("&#x27;", "'")
    assert IccidList.objects.get().total == 1


@pytest.mark.parametrize(
    "words",
    [
        f"ICCID: {SIM}", f"{SIM}F", f"'{SIM}", f'"{SIM}"', "89882390000000000193", "003197040000008",
        "+31 (0)97040000008", "0000 0000 019", "97040000008",
    ],
)  # fmt: skip
def test_a_line_is_found_by_what_people_type(account: Account, fleet: Fleet, words: str) -> None:
    add_file(account=account, content=f"iccid,plan\n{SIM},World\n{OTHER},World".encode(), active=False, by=OPERATOR)
    Line.objects.filter(iccid=SIM).update(msisdn="3197040000008")
    found = list_lines(place_of(account), Asked(q=words), today=dt.date(2026, 11, 20))
    assert [row.iccid for row in found.rows] == [SIM]


def test_rules_and_addresses_know_a_line_by_every_spelling(account: Account) -> None:
    add_file(account=account, content=f"iccid,plan\n{SIM},World".encode(), active=False, by=OPERATOR)
    assert iccids_kept(account, ["8988 2390 0000 0000 019", "89882390000000000193"]) == [SIM]
    client = browser(account)
    for spelling in (SIM, "89882390000000000193", f"{SIM}F"):
        assert client.get(f"/lines/{spelling}/").status_code == 200
    assert client.get("/lines/898600d21018f0012345/").status_code == 404


COVERAGE = "rate_plan,country,code,network,technologies\n"


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ("World,Austria,AT,3,3G 4G\nWorld,Austria,AT,3,4G 5G\n", [("AT", "Austria", "3", "3G 4G 5G")]),
        ("World,Kosovo,XK,IPKO,4G\n", [("XK", "Kosovo", "IPKO", "4G")]),
        ('World,Austria,at,A1,"2G, 4G"\n', [("AT", "Austria", "A1", "2G 4G")]),
        ("World,Austria,AUT,Drei,2g/4g\n", [("AT", "Austria", "Drei", "2G 4G")]),
        ("World,Austria,AT,Magenta,LTE CAT-M1\n", [("AT", "Austria", "Magenta", "LTE-M")]),
        (
            "World,Guadeloupe,GP/MQ,Orange,4G\n",
            [("GP", "Guadeloupe", "Orange", "4G"), ("MQ", "Martinique", "Orange", "4G")],
        ),
        ("World,Satellite,n/a,Sat,4G\nWorld,Kenya,KE,Safaricom,\n", [("KE", "Kenya", "Safaricom", "")]),
    ],
)
def test_coverage_is_taken_as_countries_and_networks_are(
    account: Account, rows: str, kept: list[tuple[str, ...]]
) -> None:
    loaded = load_coverage(table=coverage_in(content=(COVERAGE + rows).encode()), by=OPERATOR)
    assert loaded.bad_rows == []
    found = Coverage.objects.order_by("code").values_list("code", "country", "network", "technologies")
    assert list(found) == kept


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("World,United Kingdom,UK,EE,4G\n", "write GB"),
        ("World,Nowhere,ZZ,Nonet,4G\n", "isn’t a country code"),
        ("World,Austria,AU,A1,4G\n", "Austria is AT"),
        ("World,Greece,EL,Cosmote,4G\n", "write GR"),
        ("World,Austria,AT,A1,6G\n", "“6G”"),
        ("Nothing,Austria,AT,A1,4G\n", "no rate plan"),
        ("World,Austria,AT,A1,4G,5G\n", "6 cells"),
    ],
)
def test_coverage_that_cannot_be_right_changes_nothing(account: Account, row: str, said: str) -> None:
    loaded = load_coverage(table=coverage_in(content=(COVERAGE + row).encode()), by=OPERATOR)
    assert [said in str(bad["why"]) for bad in loaded.bad_rows] == [True]
    assert not Coverage.objects.exists()


def network(country: str | None, code: str | None, operator: str | None, status: str, bands: str | None) -> object:
    return {
        "type": "National", "countryName": country, "countryCode": code, "mcc": "289", "mnc": "67", "brand": None,
        "operator": operator, "status": status, "bands": bands, "notes": None,
    }  # fmt: skip


# Public tables of the world's networks, in their shapes and with a few of their rows: the one by ISO codes in small
# letters as CSV and as JSON, the other by names as JSON, with parts of countries and networks that have ended.
TABLES = {
    "MCC,MCC (int),MNC,MNC (int),ISO,Country,Country Code,Network\n"
    "289,649,88,2191,ge,Abkhazia,7,A-Mobile\n"
    "901,2305,13,319,n/a,International Networks,882,Antarctica\n"
    "221,545,02,47,xk,Kosovo,383,IPKO\n": (3, ["GE", "XK"], [""]),
    "MCC;MNC;PLMN;Region;Country;ISO;Operator;Brand;TADIG;Bands\n"
    "340;01;34001;America;French Antilles (France);BL/GF/GP/MF/MQ;Orange Caraïbe;Orange;FRAF1;GSM 900 / LTE 1800\n"
    "221;02;22102;Europe;Kosovo;XK;IPKO;IPKO;;5G 3500\n": (2, ["BL", "GF", "GP", "MF", "MQ", "XK"], ["2G 4G", "5G"]),
    json.dumps(
        [
            {"mcc": "289", "mnc": "88", "iso": "ge", "country": "Abkhazia", "country_code": "7", "network": "A-Mobile"},
            {"mcc": "276", "mnc": "01", "iso": "al", "country": "Albania", "country_code": "355", "network": "ONE"},
        ],
        indent=4,
    ): (2, ["AL", "GE"], [""]),
    json.dumps(
        [
            network("Abkhazia", "GE-AB", "Aquafon JSC", "Operational", "GSM 900 / GSM 1800 / UMTS 2100 / LTE 800"),
            network("French Antilles (France)", "BL/GF/GP/MF/MQ", "Free Caraïbe", "Not operational", "UMTS 900"),
            network("French Antilles (France)", "BL/GF/GP/MF/MQ", "UTS Caraïbe", "Operational", "GSM 900 / LTE 1800"),
            network("Russian Federation", "RU", "Beeline", "Unknown", "MVNO on MegaFon base"),
            network("United States of America", "US", "AT&T", "Operational", "TDMA 850 / UTMS / mmWave / 5G 700"),
            network(None, None, "Maritime", "Operational", "GSM 1800"),
            network("Albania", "AL", None, "Operational", None),
        ],
        indent=2,
        ensure_ascii=False,
    ): (7, ["BL", "GE", "GF", "GP", "MF", "MQ", "RU", "US"], ["", "2G 3G 4G", "2G 4G", "5G"]),
}


@pytest.mark.parametrize("text", TABLES)
def test_public_tables_of_the_worlds_networks_load_for_a_plan(account: Account, fleet: Fleet, text: str) -> None:
    plan = fleet.plans["simbase"]
    plan.refresh_from_db()
    loaded = load_coverage(table=coverage_in(content=text.encode()), plan=plan, by=OPERATOR)
    rows, codes, technologies = TABLES[text]
    assert loaded.bad_rows == []
    assert sorted(Coverage.objects.values_list("code", flat=True)) == codes
    assert sorted(set(Coverage.objects.values_list("technologies", flat=True))) == technologies
    assert loaded.rows == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"country": "Austria", "iso": "AT", "network": "A1"}', "Row 1: this isn’t valid JSON"),
        ('[{"country": "Austria", "iso": "AT"}]', "No heading was found"),
        ('[{"country": "Austria", "iso": "AT", "iso": "DE", "network": "A1"}]', "has “iso” 2 times"),
        ('[{"country": "Austria", "iso": "AT", "network": "A1"}, 7]', "Record 2 has no named cells"),
        ('[{"country": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_records_that_are_none_change_nothing(account: Account, text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        coverage_in(content=text.encode())


def test_lines_may_come_as_records(account: Account) -> None:
    """A number in JSON keeps all its digits."""
    records = f'[{{"ICCID": {SIM}, "Rate plan": "World", "Notes": "=1"}}, {{"iccid": "x", "rate plan": "World"}}]'
    with pytest.raises(Invalid, match="heading has iccid 2 times"):
        rows_of(content=records.encode())
    (row,) = rows_of(content=records.split(", {")[0].encode() + b"]").rows
    assert (row.number, row.iccid, row.plan, row.notes) == (1, SIM, "World", "=1")


def test_claim_codes_of_one_sim_twice_are_not_taken(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(f"iccid,code\n{SIM},ABCD1234\n{SIM}F,EFGH5678\n")
    with pytest.raises(CommandError, match="Row 3: the same SIM stands in row 2"):
        call_command("import_claim_codes", str(file))
