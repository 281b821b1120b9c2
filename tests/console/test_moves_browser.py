"""The desks of a move in Chromium: an account is previewed and imported, compared, a difference settled, the move
confirmed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.commands.desk import let_into_back_office
from accounts.models import User
from accounts.policy import OPERATOR
from lines.models import Line, Move, MoveDay
from lines.work import moving
from tests.console.console_people import PHONE, Visit, fits
from tests.fleets import MB, Fleet
from tests.keepgos import FakeKeepgo
from tests.lines.moved import ON, an_account, at_keepgo, keepgo_carrier, our_plan, stand_at, told
from tests.proofs import with_factor

WIDE = {"width": 1280, "height": 900}


@pytest.fixture
def anna(transactional_db: None) -> User:
    return with_factor(let_into_back_office(email="anna@office.example", password="orbit-lantern-42", by=OPERATOR))


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, anna: User) -> FakeKeepgo:
    our_plan(keepgo_carrier())
    return at_keepgo(monkeypatch)


def shot(page: Page, name: str) -> None:
    """A picture for whoever asks for pictures."""
    assert fits(page), name
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("viewport", "theme"),
    [(WIDE, "light"), (PHONE, "dark")],
    ids=["wide", "phone"],
)
def test_an_account_moves_by_pages_alone(
    visit: Visit,
    live_server: LiveServer,
    anna: User,
    there: FakeKeepgo,
    monkeypatch: pytest.MonkeyPatch,
    viewport: dict[str, int],
    theme: Any,
) -> None:
    account, desk = an_account(Fleet()), f"{live_server.url}/back-office/lines/move/"
    name = f"{viewport['width']}-{theme}"
    page = visit(login=anna.email, to=f"{desk}begin/", viewport=viewport, color_scheme=theme)
    page.get_by_label("Carrier", exact=True).select_option(label="keepgo")
    page.get_by_label("Account UUID").fill(account.uuid.hex)
    page.get_by_label("Matching rate plans").fill("theirs = ours")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Preview, nothing imported.")).to_be_visible()
    shot(page, f"{name}-preview")
    page.get_by_label("Start the import").check()  # the rest stands there still
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Import started.")).to_be_visible()
    shot(page, f"{name}-started")
    move = Move.objects.get()
    moving.bring(move=move, by=OPERATOR)
    assert Line.objects.filter(payer=account).count() == 4
    stand_at(monkeypatch, "2026-11-22T12:00")
    told(ON, 14 * MB, "2026-11-21T12:00")
    there.sims[ON].days["2026-11-21"], there.sims[ON].costs["2026-11-21"] = 3 * MB, "0.030000"
    page = visit(login=anna.email, to=desk, viewport=viewport, color_scheme=theme)  # two days later
    expect(page.get_by_text("4 of 4")).to_be_visible()
    shot(page, f"{name}-moves")
    page.goto(f"{desk}{move.pk}/change/")
    expect(page.get_by_text("Payments at Keepgo")).to_be_visible()
    shot(page, f"{name}-move")
    page.goto(f"{desk}{move.pk}/compare/")
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("1 differ.")).to_be_visible()
    differences = f"{live_server.url}/back-office/lines/moveday/"
    page.goto(differences)
    expect(page.get_by_role("link", name=ON)).to_be_visible()
    shot(page, f"{name}-differences")
    row = MoveDay.objects.get(line__iccid=ON, day="2026-11-21")
    page.goto(f"{differences}{row.pk}/change/")
    shot(page, f"{name}-difference")
    page.goto(f"{differences}{row.pk}/credit/")
    page.get_by_label("Note").fill("Agreed with Keepgo")
    shot(page, f"{name}-settle")
    page.get_by_role("button", name="Settle").click()
    expect(page.get_by_text(f"debited for {ON}.")).to_be_visible()
    page.goto(differences)
    expect(page.get_by_role("link", name=ON)).to_have_count(0)
    page.goto(f"{differences}?which=settled")
    expect(page.get_by_text("Agreed with Keepgo")).to_be_visible()
    shot(page, f"{name}-settled")
