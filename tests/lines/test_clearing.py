"""Both systems side by side: what differs is listed, settled once or dismissed with a note, in the back office too."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from kit import clock
from kit.errors import Invalid

from accounts.models import Account, Event, User
from accounts.policy import OPERATOR
from billing.models import Entry
from lines import tasks
from lines.carriers.base import Refused
from lines.commands import clearing
from lines.models import Carrier, Line, Move, MoveDay, RatePlan
from lines.queries.clearing import differing
from lines.work import moving
from tests.fleets import MB, Fleet, available, books_hold
from tests.keepgos import FakeKeepgo
from tests.lines.moved import ON, an_account, at_keepgo, keepgo_carrier, our_plan, run, stand_at, told
from tests.proofs import log_in, with_factor

OFFICE = "/back-office/lines"


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return an_account(fleet)


@pytest.fixture
def plan(fleet: Fleet) -> RatePlan:
    return our_plan(keepgo_carrier())


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, plan: RatePlan) -> FakeKeepgo:
    return at_keepgo(monkeypatch)


@pytest.fixture
def office(account: Account, admin_user: User, there: FakeKeepgo) -> Client:
    return log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))


@pytest.fixture
def moved(account: Account, there: FakeKeepgo, monkeypatch: pytest.MonkeyPatch) -> FakeKeepgo:
    """One day after the move: 2 MB here, of which Keepgo says 3."""
    run(account)
    stand_at(monkeypatch, "2026-11-22T12:00")
    told(ON, 14 * MB, "2026-11-21T12:00")
    there.sims[ON].days["2026-11-21"] = 3 * MB
    there.sims[ON].costs["2026-11-21"] = "0.030000"
    return there


def differences() -> list[tuple[str, int, int]]:
    rows = differing(MoveDay.objects.filter(settled=""), today=clock.today())
    return [(f"{row.day}", row.here, row.used) for row in rows.order_by("day")]


def test_what_agrees_is_no_difference(moved: FakeKeepgo, account: Account) -> None:
    moved.sims[ON].days["2026-11-21"] = 2 * MB
    moved.sims[ON].costs["2026-11-21"] = "0.020000"
    said = run(account, "--compare")
    assert (said["differences"], said["compared"]) == (0, 12)
    assert (said["balance_here"], said["balance_there"]) == ("39.980000", "40.000000")


def test_the_day_of_the_move_is_compared_in_bytes_with_what_was_imported(moved: FakeKeepgo, account: Account) -> None:
    moved.sims[ON].days |= {"2026-11-20": 8 * MB, "2026-11-21": 2 * MB}
    moved.sims[ON].costs |= {"2026-11-20": "0.180000", "2026-11-21": "0.020000"}
    run(account, "--compare", code=1)
    assert differences() == [("2026-11-20", 7 * MB, 8 * MB)]
    row = MoveDay.objects.get(line__iccid=ON, day="2026-11-20")
    with pytest.raises(Invalid, match="is not known"):
        clearing.settle_days(days=[row], note="x", by=OPERATOR)


def test_a_difference_is_settled_once_by_who_says_so(moved: FakeKeepgo, account: Account) -> None:
    run(account, "--compare", code=1)
    assert differences() == [("2026-11-21", 2 * MB, 3 * MB)]
    row = MoveDay.objects.get(line__iccid=ON, day="2026-11-21")
    assert clearing.settle_days(days=[row], note="Agreed with Keepgo", by=OPERATOR) == Decimal("-0.01")
    with pytest.raises(clearing.IsSettled):
        clearing.settle_days(days=[row], note="again", by=OPERATOR)
    MoveDay.objects.filter(pk=row.pk).update(settled="", note="", settled_at=None)  # even where that was forgotten
    clearing.settle_days(days=[row], note="again", by=OPERATOR)
    entries = Entry.objects.filter(account=account, kind="adjustment").order_by("pk")
    assert [entry.amount for entry in entries] == [Decimal(40), Decimal("-0.01")]
    assert "0.020000 here, 0.030000 at Keepgo" in entries[1].note
    assert available(account) == Decimal("39.97")
    assert differences() == []
    run(account, "--compare")
    row.refresh_from_db()
    assert (row.settled, row.settled_by, row.entry) == ("credited", OPERATOR.name, entries[1])
    assert books_hold()


def test_a_difference_is_dismissed_with_a_note(moved: FakeKeepgo, account: Account) -> None:
    run(account, "--compare", code=1)
    row = MoveDay.objects.get(line__iccid=ON, day="2026-11-21")
    with pytest.raises(Invalid, match="note"):
        clearing.dismiss_days(days=[row], note=" ", by=OPERATOR)
    clearing.dismiss_days(days=[row], note="A cent", by=OPERATOR)
    assert differences() == []
    assert available(account) == Decimal("39.98")
    assert Event.objects.filter(verb="move.day_dismissed").exists()


def test_a_sim_that_is_not_answered_about_is_left_out(moved: FakeKeepgo, account: Account) -> None:
    moved.fails_at = {ON}
    assert run(account, "--compare")["compared"] == 9


def test_workers_bring_what_waits_and_compare_for_a_week(
    account: Account, there: FakeKeepgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Carrier.objects.get(name="keepgo")
    arranged = moving.arrange(
        there=moving.look(carrier), account=account, carrier=carrier, plans={"theirs": "ours"}, default=""
    )
    moving.begin(arranged=arranged, account=account, carrier=carrier, months=1, by=OPERATOR)
    assert tasks.move_lines() == 4
    assert tasks.move_lines() == 0, "another bell at once finds it taken"
    for when, compared in (("2026-11-20T13:00", 4), ("2026-11-20T15:00", 0), ("2026-11-28T13:00", 0)):
        stand_at(monkeypatch, when)
        assert tasks.move_lines() == compared, when


def said(answer: object) -> str:
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))  # type: ignore[attr-defined]


def test_an_account_is_moved_compared_and_confirmed_in_the_back_office(
    office: Client, account: Account, admin_user: User, there: FakeKeepgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "carrier": Carrier.objects.get(name="keepgo").pk,
        "account": account.uuid.hex,
        "plans": "theirs = ours",
        "months": 12,
    }
    answer = office.post(f"{OFFICE}/move/begin/", given)
    assert "Lines to import: 4. Already here: 0. Opening balance $40.00, 2 payments." in said(answer)
    assert not Move.objects.exists()
    assert "Import started" in said(office.post(f"{OFFICE}/move/begin/", given | {"go": "on"}))
    move = Move.objects.get()
    assert move.opening is not None
    assert "4 SIMs have not been imported yet" in office.post(f"{OFFICE}/move/{move.pk}/confirm/").content.decode()
    office.post(f"{OFFICE}/move/{move.pk}/again/")
    assert tasks.move_lines() == 4
    assert "4 of 4" in office.get(f"{OFFICE}/move/").content.decode()
    stand_at(monkeypatch, "2026-11-22T12:00")
    office = log_in(Client(), admin_user, proved=("password", "mfa"))  # two days later
    there.sims[ON].days["2026-11-21"] = MB
    there.sims[ON].costs["2026-11-21"] = "0.010000"
    assert "1 differ" in said(office.post(f"{OFFICE}/move/{move.pk}/compare/"))
    page = office.get(f"{OFFICE}/moveday/").content.decode()
    assert ON in page
    row = MoveDay.objects.get(line__iccid=ON, day=dt.date(2026, 11, 21))
    office.post(f"{OFFICE}/moveday/{row.pk}/dismiss/", {"note": "Read the day after"})
    row.refresh_from_db()
    assert (row.settled, row.settled_by != "") == ("dismissed", True)
    office.get(f"{OFFICE}/moveday/")  # says that it was dismissed
    assert ON not in office.get(f"{OFFICE}/moveday/").content.decode()
    assert ON in office.get(f"{OFFICE}/moveday/?which=settled").content.decode()
    assert "apply to 4 lines" in said(office.post(f"{OFFICE}/move/{move.pk}/confirm/"))


def test_a_file_is_looked_at_and_imported_in_the_back_office(
    office: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_carrier: Carrier) -> FakeKeepgo:
        raise Refused("nobody is asked")

    monkeypatch.setattr(moving, "keepgo_of", silent)
    given = {
        "carrier": Carrier.objects.get(name="keepgo").pk, "account": account.uuid.hex, "plan": "ours", "months": 0,
        "file": SimpleUploadedFile("lines.csv", f"SIM,Notes\n{ON},Van\n".encode()), "go": "on",
    }  # fmt: skip
    assert "Lines to import: 1." in said(office.post(f"{OFFICE}/move/begin/", given))
    tasks.move_lines()
    assert Line.objects.get().notes == "Van"
