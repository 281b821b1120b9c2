"""Files and texts that people really sent in, one fault each, at the door that each was sent to. See docs/inputs.md."""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from kit.errors import Invalid
from kit.money import BadAmount, parse
from kit.names import checked_name, refuse_address

from accounts.models import Account
from accounts.policy import OPERATOR
from automation.policy import says
from lines.carriers.iotportal_answers import usage_in
from lines.carriers.simbase_answers import page_in
from lines.commands.adding import add_file
from lines.commands.claims import reserve
from lines.commands.lists import iccids_of
from lines.commands.sms import checked_text
from lines.models import Coverage, Line, LineSecret
from lines.queries.scope import iccids_kept
from lines.texts import Likeness, likeness
from tests.fleets import Fleet
from tests.inputs.test_doors import operator
from tests.inputs.test_guests import NOW
from tests.inputs.test_papers import letters, printed

FILES = Path(__file__).parent / "files"
SIM = "8988239000000000019"


def sent(name: str) -> Path:
    (found,) = FILES.glob(f"{name}*")
    return found


@pytest.fixture
def account(fleet: Fleet) -> Account:
    """One for whom the stock of stock.csv is reserved."""
    plan = fleet.plans["simbase"]
    type(plan).objects.filter(pk=plan.pk).update(name="World")
    call_command("import_lines", str(sent("stock")), "--carrier", "simbase", "--rate-plan", "World", stdout=StringIO())
    assert Line.objects.count() == 12
    account = fleet.account()
    reserve(iccids=list(Line.objects.values_list("iccid", flat=True)), account=account, by=OPERATOR)
    return account


ADDED = {
    "a01": "Gate", "a02": "Gate", "a03": "Gate", "a04": "Lager München", "a05": "Gate", "a06": "Gate", "a07": "x",
    "a08": "",
    "c01": "Gate", "c02": "Gate", "c03": "Gate", "c04": "Gate", "c05": "Gate", "c06": "Gate",
}  # fmt: skip


@pytest.mark.parametrize("name", ADDED)
def test_a_file_of_lines_is_added_whole(account: Account, name: str) -> None:
    done = add_file(account=account, content=sent(name).read_bytes(), active=False, by=OPERATOR)
    assert (done.total, done.bad) == (1, [])
    line = Line.objects.get(payer=account)
    assert (line.iccid, line.notes) == (SIM, ADDED[name])


@pytest.mark.parametrize(("name", "said"), [("b01", "ow 2"), ("b05", "notes")])
def test_a_doubtful_file_adds_nothing_and_says_where(account: Account, name: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        add_file(account=account, content=sent(name).read_bytes(), active=False, by=OPERATOR)
    assert not Line.objects.filter(payer=account).exists()


@pytest.mark.parametrize(("name", "added", "row"), [("b03", 0, 2), ("b04", 1, 5)])
def test_a_bad_row_is_named_by_its_number_in_the_file(account: Account, name: str, added: int, row: int) -> None:
    done = add_file(account=account, content=sent(name).read_bytes(), active=False, by=OPERATOR)
    assert (done.total, len(done.lines)) == (added + 1, added)
    assert str(row) in str(done.bad[0])


def test_five_thousand_rows_with_long_notes_are_all_counted(account: Account) -> None:
    done = add_file(account=account, content=gzip.decompress(sent("b07").read_bytes()), active=False, by=OPERATOR)
    assert done.total == 5000 == len(done.lines) + len(done.ours) + len(done.bad)


@pytest.mark.parametrize(
    ("name", "rows", "added", "there", "refused"),
    [
        ("a09", 3, 0, 3, 0), ("a10", 3, 0, 3, 0), ("c07", 2, 0, 1, 1), ("c08", 3, 0, 0, 3), ("c09", 3, 0, 0, 3),
        ("c10", 2, 0, 0, 2), ("c11", 3, 0, 0, 3),
    ],
)  # fmt: skip
def test_an_operators_file_adds_up(
    account: Account, capsys: pytest.CaptureFixture[str], name: str, rows: int, added: int, there: int, refused: int
) -> None:
    where = ("import_lines", sent(name), "--carrier", "simbase", "--rate-plan", "World")
    done = operator(*where, code=int(refused > 0), capsys=capsys)  # 1: nothing was added, and something refused
    assert (done["rows"], done["added"], done["already_there"], done["refused"]) == (rows, added, there, refused)
    assert Line.objects.count() == 12


def test_an_operators_file_with_an_unclosed_quote_adds_nothing(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="ow 2"):
        operator("import_lines", sent("b02"), "--carrier", "simbase", "--rate-plan", "World", capsys=capsys)
    assert Line.objects.count() == 12


@pytest.mark.parametrize(("name", "kept"), [("a12", 1), ("a13", 1), ("b06", 0)])
def test_codes_are_kept_or_of_two_neither(
    account: Account, capsys: pytest.CaptureFixture[str], name: str, kept: int
) -> None:
    done = operator("import_codes", sent(name), code=1 - kept, capsys=capsys)
    assert (done["kept"], done["refused"]) == (kept, 2 - 2 * kept)
    assert LineSecret.objects.count() == kept


COVERED = {
    "a11": [("NA", "MTC", "4G")],
    "i01": [("AT", "3", "3G 4G 5G")],
    "i03": [(code, "Orange", "4G") for code in ("BL", "GF", "GP", "MF", "MQ")],
    "i04": [("AT", "A1", "2G 4G"), ("AT", "Drei", "2G 4G"), ("AT", "Magenta", "LTE-M")],
    "i05": [("XK", "IPKO", "4G")],
}


@pytest.mark.parametrize("name", COVERED)
def test_coverage_is_loaded(account: Account, capsys: pytest.CaptureFixture[str], name: str) -> None:
    operator("import_coverage", sent(name), capsys=capsys)
    found = Coverage.objects.order_by("code", "network").values_list("code", "network", "technologies")
    assert list(found) == COVERED[name]


def test_codes_that_are_no_countrys_load_nothing(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    said = json.dumps(operator("import_coverage", sent("i02"), code=1, capsys=capsys), ensure_ascii=False)
    assert "write GB" in said
    assert "Austria is AT" in said
    assert not Coverage.objects.exists()


def test_lists_and_rules_read_iccids_as_they_were_pasted(account: Account) -> None:
    found = iccids_of(rows=enumerate(sent("c12").read_text().splitlines(), 1))
    assert (found.iccids, [number for number, _ in found.unread]) == ([SIM, "8988239000000000027"], [2, 3])
    add_file(account=account, content=f"iccid,plan\n{SIM},World".encode(), active=False, by=OPERATOR)
    assert iccids_kept(account, sent("c14").read_text().splitlines()) == [SIM]


@pytest.mark.parametrize(("name", "read", "odd"), [("d01", 3, 0), ("d02", 2, 1), ("d03", 3, 0), ("d04", 3, 0)])
def test_a_carriers_page_costs_its_odd_record_alone(name: str, read: int, odd: int) -> None:
    found = page_in(sent(name).read_bytes(), number=1, now=NOW)
    assert (len(found.readings), len(found.odd)) == (read, odd)


def test_an_imei_of_zeros_is_not_told() -> None:
    reading = usage_in(sent("d05").read_bytes(), iccid=SIM)
    assert (reading.imei, reading.msisdn) == (None, "3197000000001")


def test_messages_are_commands_and_are_found_again() -> None:
    assert checked_text(text=json.loads(sent("e01").read_text())["text"]) == "  getinfo"
    for name in ("e02", "e03"):
        told = json.loads(sent(name).read_text())
        assert likeness(told["sent"], told["carrier lists"]) is Likeness.SAME
    for pair in json.loads(sent("e04").read_text()):
        assert says(pair["message"], pair["word"].removesuffix(" (composed)")), pair
    with pytest.raises(Invalid, match="nothing in it that can be seen"):
        checked_text(text=json.loads(sent("e05").read_text())["text"])


@pytest.mark.parametrize("name", sent("g01").read_text().splitlines())
def test_names_that_hide_turn_or_look_like_an_address_are_refused(name: str) -> None:
    with pytest.raises(Invalid):
        refuse_address(checked_name(name, longest=100, what="account name"), what="account name")


@pytest.mark.parametrize("name", sent("g02").read_text().splitlines())
def test_buyers_names_are_printed_whole(name: str) -> None:
    text = printed(name)
    assert all(text.count(one) >= name.count(one) for one in set(letters(name)))


@pytest.mark.parametrize("text", sent("h01").read_text().splitlines())
def test_what_is_no_amount_to_pay_is_refused(text: str) -> None:
    if text == "-50":  # an amount, and never one to pay
        assert parse(text) == -50
        return
    with pytest.raises(BadAmount):
        parse(text, places=2)
