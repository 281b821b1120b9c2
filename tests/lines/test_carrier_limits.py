"""A carrier's own limit of a month is asked for on a line's page and by the API, and its end is shown as the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from kit import clock
from simulator.running import Running, running

from accounts.commands import open_account
from accounts.models import Account, Event
from accounts.policy import OPERATOR
from lines.carriers.base import Setting
from lines.commands.settings import CannotBeSet, set_on_line
from lines.models import Line, LineSetting
from lines.policy import MEGABYTE
from lines.work.clients import close_clients
from lines.work.settings import set_due
from tests.carriers.conftest import NOW
from tests.console.console_people import client_of
from tests.evenly import evenly
from tests.fleets import at
from tests.lines.test_reset_connection import line_at


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=2, iotportal=2, others=2, clock=NOW, quiet=True) as served:
        yield served


@pytest.fixture
def line(simulators: Running, transactional_db: None) -> Iterator[Line]:
    simulators.reset()
    with clock.frozen(at("2026-11-20T12:00")):
        yield line_at(simulators, "onomondo", open_account(name="Acme", owner_email="owner@acme.example", by=OPERATOR))
    close_clients()


def card(browser: Client, page: str) -> str:
    """The words of the limit's card."""
    found = evenly(browser.get(page).content.decode()).split("Limit at the carrier")[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


def test_a_limit_is_asked_for_until_the_carrier_confirms_it(simulators: Running, line: Line) -> None:
    browser, page = client_of(Account.objects.get()), f"/lines/{line.iccid}/settings/"
    assert card(browser, page).startswith("Not known yet. Above it onomondo blocks")
    browser.post(f"{page}data-limit/", {"megabytes": "500"})
    assert "Requested: 500.0 MB" in card(browser, page)
    assert set_due(line.carrier, patience=5.0, stop=lambda: False) == 1
    assert card(browser, page).startswith("500.0 MB a month. Above")
    (event,) = Event.objects.filter(verb="line.data_limit_set")
    assert event.detail == {"before": None, "after": str(500 * MEGABYTE)}
    for wrong in ("", "0.1", "-5", "NaN", "1e99", "5 MB"):
        said = evenly(browser.post(f"{page}data-limit/", {"megabytes": wrong}, follow=True).content.decode())
        assert "The limit is a number of MB" in said or "The data limit has no such value" in said, wrong
    assert LineSetting.objects.get(name=Setting.DATA_LIMIT).wanted == str(500 * MEGABYTE)


def test_a_carrier_without_limits_is_not_asked(simulators: Running, line: Line) -> None:
    other = line_at(simulators, "emnify", Account.objects.get())
    with pytest.raises(CannotBeSet, match="cannot set the data limit"):
        set_on_line(line=other, setting=Setting.DATA_LIMIT, value="500000000", by=OPERATOR)
