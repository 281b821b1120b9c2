"""Stock is taken by who proves that it is theirs: guessing gets nothing, learns nothing and is counted."""

from __future__ import annotations

import datetime as dt
import uuid
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.test import Client
from kit import clock
from kit.errors import Invalid

from accounts.commands import sign_up
from accounts.commands.people import Unconfirmed
from accounts.models import Account, User
from accounts.policy import OPERATOR, Actor, ActorKind
from accounts.queries import credential_of, owner_of
from billing.commands.refills import turn_on
from lines.carriers.base import Setting
from lines.commands.adding import NewLine, add_lines
from lines.commands.claims import (
    GUESSES_AN_ACCOUNT,
    GUESSES_AN_ADDRESS,
    NOT_HERE,
    TOO_MANY,
    confirm_lines,
    keep_claim_codes,
    release,
    reserve,
)
from lines.commands.devices import LineNotProved, keep_secrets, show_secrets
from lines.commands.settings import set_on_line
from lines.commands.sms import send_sms
from lines.commands.wishes import activate
from lines.models import ClaimCode, ClaimGuess, Line, Reservation
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import ON, Fleet, reading_of
from tests.proofs import log_in, with_factor

ANN = Actor(ActorKind.PERSON, "ann@acme.example")


def claim(
    account: Account, *lines: Line | str, code: str = "", address: str = "203.0.113.9", look: bool = False
) -> list[str]:
    """What is said of each card that a person of the account tries to add; empty where it is taken."""
    iccids = [line if isinstance(line, str) else line.iccid for line in lines]
    rows = [NewLine(number, iccid, "simbase", code=code) for number, iccid in enumerate(iccids, 2)]
    done = add_lines(account=account, rows=rows, active=False, by=ANN, address=address, only_look=look)
    wrong = {row.number: why for row, why in done.bad}
    return [wrong.get(number, "") for number in range(2, 2 + len(lines))]


def strangers(count: int, first: int = 0) -> list[str]:
    return [f"894923{number:012}1" for number in range(first, first + count)]


def test_a_stranger_with_one_card_gets_none_of_the_batch_by_counting(fleet: Fleet) -> None:
    """Consecutive numbers were enough to take the whole stock."""
    stock = fleet.lines(None, 10)
    thief = fleet.account()
    assert set(claim(thief, *stock)) == {NOT_HERE}
    assert not Line.objects.filter(payer=thief).exists()


def test_a_reserved_line_is_taken_by_its_account_alone_and_without_a_code(fleet: Fleet) -> None:
    acme, beta, line = fleet.account(), fleet.account(), fleet.line(None)
    assert reserve(iccids=[line.iccid], account=acme, batch="first 10", by=OPERATOR).kept == 1
    assert claim(beta, line) == [NOT_HERE]
    assert claim(acme, line) == [""]
    assert not Reservation.objects.exists()


def test_the_code_of_the_card_is_a_proof_however_it_is_spelled(fleet: Fleet) -> None:
    account, (one, two) = fleet.account(), fleet.lines(None, 2)
    keep_claim_codes(rows=[(one.iccid, "7KQ2-M4XP"), (two.iccid, "ZZZZ9999")], by=OPERATOR)
    assert claim(account, one, code="ZZZZ9999") == [NOT_HERE]
    assert claim(account, one, code=" 7kq2 m4xp ") == [""]
    assert list(ClaimCode.objects.values_list("line", flat=True)) == [two.pk]  # it is good for nothing more


def test_codes_are_hashed_with_a_secret_and_bad_ones_keep_nothing(fleet: Fleet) -> None:
    one, two = fleet.lines(None, 2)
    taken = fleet.line(fleet.account())
    kept = keep_claim_codes(rows=[(one.iccid, "7KQ2M4XP"), (taken.iccid, "ABCDEF"), ("123", "ABCDEF")], by=OPERATOR)
    assert (kept.kept, len(kept.refused)) == (1, 2)
    found = ClaimCode.objects.get()
    assert "7KQ2M4XP" not in found.digest
    with pytest.raises(Invalid, match="Row 3"):
        keep_claim_codes(rows=[(one.iccid, "NEWCODE1"), (two.iccid, "short")], by=OPERATOR)
    assert ClaimCode.objects.get().digest == found.digest


def test_unknown_anothers_not_claimable_and_a_wrong_code_are_one_answer_and_count_alike(fleet: Fleet) -> None:
    held, other = fleet.line(fleet.account()), fleet.line(None, "iotportal")
    stock, coded = fleet.lines(None, 2)
    keep_claim_codes(rows=[(coded.iccid, "7KQ2M4XP")], by=OPERATOR)
    account = fleet.account()
    cards: list[Line | str] = [held, stock, coded, other, *strangers(1)]
    for line in cards:
        before = ClaimGuess.objects.count()
        assert claim(account, line, code="WRONG123") == [NOT_HERE]
        assert claim(account, line, code="WRONG123") == [NOT_HERE]  # the second click is no new guess
        assert ClaimGuess.objects.count() == before + 1


def test_guesses_are_limited_for_the_account_and_looking_first_counts_too(fleet: Fleet) -> None:
    account, coded, kept, stock = fleet.account(), fleet.line(None), fleet.line(None), fleet.line(None)
    keep_claim_codes(rows=[(coded.iccid, "7KQ2M4XP")], by=OPERATOR)
    reserve(iccids=[kept.iccid], account=account, by=OPERATOR)
    said = claim(account, *strangers(GUESSES_AN_ACCOUNT + 5), look=True)
    assert said == [NOT_HERE] * GUESSES_AN_ACCOUNT + [TOO_MANY] * 5
    assert claim(account, coded, stock, "8949999999999999999", code="7KQ2M4XP") == [TOO_MANY] * 3  # also the right one
    assert claim(account, kept) == [""]  # what is theirs is no guess
    with clock.frozen(clock.now() + dt.timedelta(hours=25)):
        assert claim(account, coded, code="7KQ2M4XP") == [""]


def test_guesses_are_limited_for_the_address_whoever_asks(fleet: Fleet) -> None:
    accounts = [fleet.account() for _ in range(GUESSES_AN_ADDRESS // GUESSES_AN_ACCOUNT + 1)]
    for number, account in enumerate(accounts[:-1]):
        claim(account, *strangers(GUESSES_AN_ACCOUNT, first=1000 * number))
    assert claim(accounts[-1], *strangers(1, first=9000)) == [TOO_MANY]
    assert claim(accounts[-1], *strangers(1, first=9000), address="198.51.100.7") == [NOT_HERE]


def test_a_reservation_is_not_taken_over_and_can_be_released(fleet: Fleet) -> None:
    acme, beta, line, held = fleet.account(), fleet.account(), fleet.line(None), fleet.line(fleet.account())
    reserve(iccids=[line.iccid], account=acme, by=OPERATOR)
    kept = reserve(iccids=[line.iccid, held.iccid, "1"], account=beta, by=OPERATOR)
    assert (kept.kept, len(kept.refused)) == (0, 3)
    assert release(iccids=[line.iccid], by=OPERATOR) == 1
    assert reserve(iccids=[line.iccid], account=beta, by=OPERATOR).kept == 1
    with pytest.raises(Invalid):
        reserve(iccids=[line.iccid], account=fleet.account(parent=beta), by=OPERATOR)


def test_pin_and_puk_wait_for_the_carrier_or_the_back_office(fleet: Fleet) -> None:
    account, (coded, kept) = fleet.account(), fleet.lines(None, 2)
    keep_claim_codes(rows=[(coded.iccid, "7KQ2M4XP")], by=OPERATOR)
    reserve(iccids=[kept.iccid], account=account, by=OPERATOR)
    rows = [{"iccid": line.iccid, "pin": "1234", "puk": "12345678"} for line in (coded, kept)]
    keep_secrets(rows=list(enumerate(rows, 2)), by=OPERATOR)
    claim(account, coded, kept, code="7KQ2M4XP")
    coded.refresh_from_db()
    kept.refresh_from_db()
    assert show_secrets(line=kept, by=ANN)["pin"] == "1234"
    with pytest.raises(LineNotProved):
        show_secrets(line=coded, by=ANN)
    assert confirm_lines(iccids=[coded.iccid], by=OPERATOR) == 1
    assert show_secrets(line=coded, by=ANN)["puk"] == "12345678"


def test_a_line_that_its_carrier_confirmed_on_for_them_is_theirs(fleet: Fleet) -> None:
    account, line = fleet.account(), fleet.line(None)
    keep_claim_codes(rows=[(line.iccid, "7KQ2M4XP")], by=OPERATOR)
    keep_secrets(rows=[(2, {"iccid": line.iccid, "pin": "1234"})], by=OPERATOR)
    rows = [NewLine(2, line.iccid, "simbase", code="7KQ2M4XP")]
    add_lines(account=account, rows=rows, active=True, by=ANN)
    line.refresh_from_db()
    with pytest.raises(LineNotProved):
        show_secrets(line=line, by=ANN)
    fleet.apply("simbase", clock.now(), [reading_of(line, 1, clock.today().replace(day=1).isoformat(), status=ON)])
    assert show_secrets(line=line, by=ANN) == {"pin": "1234"}


def test_the_console_asks_who_it_is_before_it_shows_a_pin(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    keep_secrets(rows=[(2, {"iccid": line.iccid, "pin": "4711"})], by=OPERATOR)
    client, person = Client(), owner_of(account)
    person.set_password("a long password of Ann")
    person.save()
    client.force_login(person)
    answer = client.post(f"/lines/{line.iccid}/settings/codes/")
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert f"next=%2Flines%2F{line.iccid}%2Fsettings%2F" in answer["Location"]
    client.post("/accounts/reauthenticate/", {"password": "a long password of Ann"})
    assert "4711" in client.post(f"/lines/{line.iccid}/settings/codes/").content.decode()


def test_the_console_takes_a_code_and_lists_what_is_reserved(fleet: Fleet) -> None:
    account, (coded, kept) = fleet.account(), fleet.lines(None, 2)
    keep_claim_codes(rows=[(coded.iccid, "7KQ2M4XP")], by=OPERATOR)
    reserve(iccids=[kept.iccid], account=account, batch="Order of May", by=OPERATOR)
    client = Client()
    client.force_login(owner_of(account))
    page = client.get("/lines/add/").content.decode()
    assert kept.iccid in page
    assert "Order of May" in page
    assert coded.iccid not in page
    assert NOT_HERE in client.post("/lines/add/", {"iccid": coded.iccid, "plan": "simbase"}).content.decode()
    client.post("/lines/add/", {"iccid": coded.iccid, "plan": "simbase", "code": "7kq2 m4xp"})
    text = f"iccid,rate plan,code\n{kept.iccid},simbase,\n"
    client.post("/lines/add/many/", {"rows": text, "sure": "1"})
    assert Line.objects.filter(payer=account).count() == 2


def test_the_api_takes_a_code_and_counts_what_it_refuses(fleet: Fleet) -> None:
    """A refusal undoes all that the call wrote, but not that it was a guess."""
    account, (coded, kept) = fleet.account(), fleet.lines(None, 2)
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    account.refresh_from_db()
    keep_claim_codes(rows=[(coded.iccid, "7KQ2M4XP")], by=OPERATOR)
    reserve(iccids=[kept.iccid], account=account, by=OPERATOR)
    found = credential_of(account)
    client = KeepgoClient(account.uuid.hex, found.user_uuid, found.shared_key)
    body = {"iccid": coded.iccid, "rate_plan_id": fleet.plans["simbase"].pk, "activate": False}
    stamps = count(int(clock.now().timestamp()))

    def add(**more: object) -> int:
        return client.post("iot_sim_cards", body | more, timestamp=next(stamps)).status_code

    assert add() == 404
    assert ClaimGuess.objects.filter(account=account, address="127.0.0.1").count() == 1
    assert add(code="7KQ2M4XP") == 200
    assert add(iccid=kept.iccid) == 200  # as a client of Keepgo does
    assert [add(iccid=iccid) for iccid in strangers(GUESSES_AN_ACCOUNT)][-2:] == [404, 429]


def test_an_operator_reserves_and_loads_codes_from_files(fleet: Fleet, tmp_path: Path) -> None:
    account, (coded, kept) = fleet.account(), fleet.lines(None, 2)
    (tmp_path / "a.csv").write_text(f"ICCID\n{kept.iccid}\n8949999999999999999\n")
    (tmp_path / "b.csv").write_text(f"iccid,code\n{coded.iccid},7KQ2-M4XP\n")
    said = StringIO()
    call_command("reserve_lines", str(tmp_path / "a.csv"), "--account", account.uuid.hex, "--batch", "b1", stdout=said)
    assert "8949999999999999999" in said.getvalue()
    call_command("import_claim_codes", str(tmp_path / "b.csv"), stdout=StringIO())
    assert claim(account, kept) == [""]
    assert claim(account, coded, code="7KQ2M4XP") == [""]
    call_command("reserve_lines", str(tmp_path / "a.csv"), "--release", stdout=StringIO())


def test_a_new_account_takes_no_stock_before_its_address_is_confirmed(fleet: Fleet) -> None:
    acme = sign_up(name="Fresh", email="fresh@x.example", password="orbit-lantern-42", by=ANN)
    (line,) = fleet.lines(None, 1)
    reserve(iccids=[line.iccid], account=acme, by=OPERATOR)
    for look in (True, False):
        with pytest.raises(Unconfirmed):
            claim(acme, line, look=look)
    EmailAddress.objects.filter(email="fresh@x.example").update(verified=True)
    assert claim(acme, line) == [""]


def test_an_unconfirmed_account_is_told_so_by_every_door(fleet: Fleet) -> None:
    acme = sign_up(name="Fresh", email="fresh@x.example", password="orbit-lantern-42", by=ANN)
    (line,) = fleet.lines(None, 1)
    reserve(iccids=[line.iccid], account=acme, by=OPERATOR)
    client = Client()
    client.force_login(owner_of(acme))
    for path, form in (
        ("/lines/add/", {"iccid": line.iccid, "plan": str(line.plan_id)}),
        ("/billing/payment-method/card/", {}),
    ):
        page = client.post(path, form, follow=True)
        assert "Confirm your email address first." in page.content.decode(), path
    form = {"choice": "50", "key": str(uuid.uuid4())}
    assert client.post("/billing/add-funds/", form).status_code == Unconfirmed.status
    with pytest.raises(Unconfirmed):
        turn_on(account=acme, by=ANN)
    assert not Line.objects.filter(payer=acme).exists()


def test_an_unconfirmed_account_neither_activates_nor_texts_nor_sets_anything(fleet: Fleet) -> None:
    """Lines that the operator gave it stay as they are."""
    acme = sign_up(name="Fresh", email="fresh@x.example", password="orbit-lantern-42", by=ANN)
    on, off = fleet.line(acme, active=True), fleet.line(acme, active=False)
    by = owner_of(acme).actor
    for act in (
        lambda: send_sms(line=on, text="hello", by=by),
        lambda: set_on_line(line=on, setting=Setting.THROTTLE, value="64", by=by),
        lambda: activate(line=off, by=by),
    ):
        with pytest.raises(Unconfirmed):
            act()


def test_the_desk_of_stock_says_for_whom_a_card_is_kept(fleet: Fleet, admin_user: User) -> None:
    """Each half of the stock looked the same there."""
    reserved, coded, bare = fleet.lines(None, 3)
    account = fleet.account()
    reserve(iccids=[reserved.iccid], account=account, batch="Spring", by=OPERATOR)
    keep_claim_codes(rows=[(coded.iccid, "7KQ2M4XP")], by=OPERATOR)
    office = log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))
    page = office.get("/back-office/lines/line/?stock=yes").content.decode()
    rows = {iccid: page.split(iccid)[-1].split("</tr>")[0] for iccid in (reserved.iccid, coded.iccid, bare.iccid)}
    assert f"{account.name}, Spring" in rows[reserved.iccid]
    assert "the card’s code" in rows[coded.iccid]
    assert "nobody" in rows[bare.iccid]
