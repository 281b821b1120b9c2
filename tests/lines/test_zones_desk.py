"""The back office's desk of zones, and the pages on which their prices stand."""

from __future__ import annotations

import datetime as dt
import html
import re
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from kit import clock

from accounts.models import Account, User
from accounts.policy import OPERATOR
from lines.commands.coverage import coverage_in, load_coverage
from lines.models import Line, Price, RatePlan, Zone
from tests.console.test_back_office import enrolled, text_of
from tests.fleets import MB, Fleet, at
from tests.lines.test_zones import look, zoned
from tests.proofs import log_in
from tests.responses import ClientResponse

pytestmark = pytest.mark.django_db
SOON = "2099-01-01 00:00"
FILE = b"zone,country\nEurope,DE\nEurope,FR\nAsia,JP\n"


@pytest.fixture
def office() -> Client:
    return log_in(Client(), enrolled(), proved=("password", "mfa"))


def words(response: ClientResponse) -> str:
    """What a page says, and what it said on the way to it."""
    said = [str(one) for one in (response.context or {}).get("messages", ())]
    return " ".join([*html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split(), *said])


def load(office: Client, plan: RatePlan, content: bytes) -> str:
    given = {"file": SimpleUploadedFile("zones.csv", content), "carrier": plan.carrier_id, "since": SOON}
    return words(office.post(reverse("admin:lines_zone_load"), given, follow=True))


def test_zones_are_loaded_priced_and_changed_in_the_back_office(office: Client) -> None:
    plan = Fleet().plans["simbase"]
    assert "Nothing is changed. 1 bad rows: row 5: Germany is in Europe already" in load(
        office, plan, FILE + b"Asia,DE\n"
    )
    assert not Zone.objects.exists()
    assert "Countries by zone: Europe 2, Asia 1." in load(office, plan, FILE)
    europe, asia = Zone.objects.get(name="Europe"), Zone.objects.get(name="Asia")
    prices = {"per_mb": "0.01", "per_sms": "0.05", "per_day": "0", "since": "2098-01-01 00:00"}
    costs = {"cost_per_mb": "0.004", "cost_per_sms": "0.01", "cost_per_day": "0"}
    zones = {f"zone_{europe.pk}": "0.02", f"zone_cost_{europe.pk}": "0.007"}
    path = reverse("admin:lines_rateplan_set_price", args=[plan.pk])
    assert "Our price of a MB in Asia (1 countries)" in words(office.get(path))
    assert office.post(path, prices | costs | zones).status_code == 302
    rows = Price.objects.filter(plan=plan).exclude(country="").values_list("country", "per_mb", "cost_per_mb")
    assert set(rows) == {(code, Decimal("0.02"), Decimal("0.007")) for code in ("DE", "FR")}
    text = text_of(office, reverse("admin:lines_rateplan_change", args=[plan.pk]))
    assert "Asia: JP; Europe: DE FR" in text
    edit = reverse("admin:lines_zone_edit", args=[asia.pk])
    assert "Germany is in Europe already" in words(office.post(edit, {"countries": "JP DE", "since": SOON}))
    assert "isn’t a country code" in words(office.post(edit, {"countries": "XX", "since": SOON}))
    edit = reverse("admin:lines_zone_edit", args=[europe.pk])
    said = words(office.post(edit, {"countries": "DE, IT", "since": SOON}, follow=True))
    assert "New prices with them: simbase." in said
    latest = Price.objects.filter(plan=plan, valid_from=dt.datetime(2099, 1, 1, tzinfo=dt.UTC)).exclude(country="")
    assert sorted(latest.values_list("country", "per_mb")) == [("DE", Decimal("0.02")), ("IT", Decimal("0.02"))]
    assert text_of(office, reverse("admin:lines_zone_changelist")).count("simbase") >= 2
    assert text_of(office, reverse("admin:lines_price_changelist"))


def of_owner(account: Account) -> Client:
    return log_in(Client(), User.objects.get(memberships__account=account))


def used_abroad() -> Line:
    """10 MB in Japan on the 11th, at the zone's $0.50."""
    fleet = Fleet()
    zoned(fleet)
    line = fleet.line(fleet.account())
    fleet.read(line, "2026-11-11T00:00", 0)
    look(line, "2026-11-11T00:01", "JP")
    fleet.read(line, "2026-11-11T01:00", 10 * MB)
    return line


def test_destinations_explain_and_coverage_show_countries_and_zone_prices() -> None:
    line = used_abroad()
    rows = b"rate plan,country,code,network\nsimbase,Japan,JP,Docomo\nsimbase,Italy,IT,TIM\n"
    load_coverage(table=coverage_in(content=rows), by=OPERATOR)
    assert line.payer is not None
    client = of_owner(line.payer)
    with clock.frozen(at("2026-11-11T03:00")):
        text = words(client.get(reverse("line-destinations", args=[line.iccid])))
        assert "Charged by country" in text
        assert "Data counts in Japan now." in text
        text = words(client.get(f"{reverse('explain')}?day=2026-11-11"))
        assert "Asia, JP" in text
        text = words(client.get(reverse("coverage")))
        assert "$0.50 Asia" in text
        assert text.index("$0.01") < text.index("$0.50 Asia")


def test_a_carrier_that_tells_no_country_says_so() -> None:
    fleet = Fleet()
    zoned(fleet, "iotportal")
    line = fleet.line(fleet.account(), "iotportal")
    fleet.read(line, "2026-11-11T00:00", 0)
    fleet.read(line, "2026-11-11T01:00", 10 * MB)
    assert line.payer is not None
    with clock.frozen(at("2026-11-11T03:00")):
        text = words(of_owner(line.payer).get(reverse("line-destinations", args=[line.iccid])))
    assert "Because this carrier doesn’t tell the country, all data costs the default price." in text
