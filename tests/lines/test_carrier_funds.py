"""The operator's own money with a carrier: read once an hour, shown, and warned about before it runs dry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from kit import clock
from simulator.running import Running, running

from accounts.models import User
from accounts.policy import OPERATOR
from lines import tasks
from lines.carriers.base import CallKind, Funds
from lines.carriers.fields import Unreadable
from lines.carriers.simbase_funds import funds_in
from lines.commands.funds import keep_funds
from lines.commands.stock import add_carrier
from lines.models import Breaker, Carrier, CarrierFunds
from lines.policy.budget import SHARES
from lines.policy.funds import Left, lasts, warning
from lines.queries.funds import funds_of, running_dry
from lines.work.clients import close_clients
from tests.fleets import Fleet, at
from tests.proofs import log_in, with_factor

START = at("2026-11-01T00:00")


def left(
    balances: Sequence[float | int], *, every: float = 24, auto: bool = False, under: int | None = 10
) -> list[Left]:
    """A balance every so many hours."""
    threshold = None if under is None else Decimal(under)
    return [
        Left(START + dt.timedelta(hours=every * nth), Decimal(str(one)), threshold, auto)
        for nth, one in enumerate(balances)
    ]


@pytest.mark.parametrize(
    ("readings", "said"),
    [
        ([], ""),
        (left([100]), ""),
        (left([0]), "used up"),
        (left([-3], auto=True), "used up"),
        (left([10]), "under its threshold"),
        (left([100, 90, 80]), ""),  # eight days
        (left([100, 70, 40]), "lasts about a day"),
        (left([100, 80, 60]), "lasts about 3 days"),
        (left([100, 80, 60], auto=True), ""),  # it is topped up
        (left([100, 200, 190, 180]), ""),  # a top-up is no spending
        (left([30, 9], auto=True, every=1), ""),  # just now
        (left([30, 9, 8, 8, 8], auto=True, every=1), "not topped up automatically"),
        (left([30, 9, 8, 30, 9], auto=True, every=1), ""),
        (left([50, 40], under=None, every=1), ""),  # too short to tell a pace
        (left([50, 25], under=None), "lasts about a day"),
    ],
)
def test_a_warning_comes_before_it_runs_dry(readings: list[Left], said: str) -> None:
    now = readings[-1].at if readings else START
    assert warning(readings, now=now) == said
    if readings and not said:
        assert warning(readings, now=now + dt.timedelta(hours=25)) == "not read for a day"


def test_it_lasts_as_long_as_the_last_weeks_pace() -> None:
    assert lasts(left([1000, 100, 95, 90, 85, 80, 75, 70, 65, 60, 55])) == dt.timedelta(days=11)
    assert lasts(left([5, 5])) is None


@pytest.mark.parametrize(
    "body", [b'{"balance": "NaN", "currency": "USD"}', b'{"balance": 1e15, "currency": "USD"}', b'{"balance": 1}',
             b'{"currency": "USD"}', b'{"balance": 1, "currency": "dollars"}', b"[]"],
)  # fmt: skip
def test_what_is_no_balance_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        funds_in(body)


def test_a_balance_as_text_is_read_to_the_last_digit() -> None:
    assert funds_in(b'{"balance": "0.1", "currency": "eur"}') == Funds(Decimal("0.1"), "EUR")


@pytest.fixture
def simulator(transactional_db: None) -> Iterator[Running]:
    with running(simbase=1, iotportal=1, quiet=True) as served:
        yield served
    close_clients()


def test_it_is_asked_once_an_hour_by_its_own_kind_of_call(simulator: Running) -> None:
    simbase = add_carrier(
        name="simbase", kind="simbase", url=simulator.simbase, secrets={"api_key": Running.api_key}, by=OPERATOR
    )
    secrets = {"client_id": Running.client_id, "secret_key": Running.secret_key}
    add_carrier(name="portal", kind="iotportal", url=simulator.iotportal, secrets=secrets, by=OPERATOR)
    with clock.frozen(START):
        assert tasks.read_funds() == 1
        assert tasks.read_funds() == 0  # the second bell
    assert len(simulator.calls(carrier="simbase")) == 1
    with clock.frozen(START + dt.timedelta(hours=1)):
        assert tasks.read_funds() == 1
    assert CarrierFunds.objects.filter(carrier=simbase, balance=Decimal("256.9469"), threshold=10).count() == 2
    simulator.fault("error", carrier="simbase", path="/balance", status=500, count=5)
    with clock.frozen(START + dt.timedelta(hours=2)):
        assert tasks.read_funds() == 0
        assert funds_of([simbase])[simbase.pk].row.read_at == START + dt.timedelta(hours=1)
    assert not Breaker.objects.exclude(kind=CallKind.FUNDS).filter(failures__gt=0).exists()
    assert SHARES["funds"] * 5000 >= 24


def test_the_back_office_shows_it_and_its_first_page_warns(fleet: Fleet, admin_user: User) -> None:
    simbase = fleet.carriers["simbase"]
    office = log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))
    page = reverse("admin:lines_carrier_change", args=[simbase.pk])
    keep_funds(carrier=simbase, funds=Funds(Decimal("256.9469"), "USD", None, Decimal(10), Decimal(20), True))
    assert "256.95 USD" in (seen := office.get(page).content.decode())
    assert "threshold 10.00, topped up automatically to 20.00" in seen
    assert running_dry() == []
    with clock.frozen(clock.now() + dt.timedelta(minutes=1)):
        keep_funds(carrier=simbase, funds=Funds(Decimal("9"), "USD", None, Decimal(10), Decimal(20), False))
        assert running_dry() == [simbase.pk]
        assert "Under its threshold" in office.get(page).content.decode()
        assert "Balances with carriers that run dry" in office.get(reverse("admin:index")).content.decode()
        Carrier.objects.update(is_active=False)
        assert running_dry() == []


def test_the_back_office_takes_a_networks_words(fleet: Fleet, admin_user: User) -> None:
    portal = fleet.carriers["iotportal"]
    office = log_in(Client(), with_factor(admin_user), proved=("password", "mfa"))
    page = f"/back-office/lines/carrier/{portal.pk}/words/"
    assert "Live = on" in office.get(page).content.decode()
    for wrong in ("Live", "Live = running", "Live = on\nlive = off", "ACTIVATED = off"):
        office.post(page, {"words": wrong, "sms_version": ""})
        portal.refresh_from_db()
        assert portal.words == {}, wrong
    office.post(page, {"words": "Live = ON\n\nCeased = ended\n", "sms_version": "v2"})
    portal.refresh_from_db()
    assert (portal.words, portal.sms_version) == ({"live": "on", "ceased": "ended"}, "v2")
    assert "ceased = ended\nlive = on" in office.get(page).content.decode()
