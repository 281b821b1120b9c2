"""Figures and states as the carrier gives them: what it does not report is null, what it stops is not on."""

from __future__ import annotations

from kit import clock

from accounts.models import Account
from lines.carriers.base import Status, Switch
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import ON, Fleet, reading_of


def test_the_carriers_figures_and_null_for_what_it_does_not_report(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    portal, simbase = fleet.line(account, "iotportal"), fleet.line(account)
    when = clock.now()
    fleet.apply("iotportal", when, [reading_of(portal, 5, sms_usage=7, sessions=249)])
    fleet.apply("simbase", when, [reading_of(simbase, 5, f"{when:%Y-%m}-01", sms_sent=3)])
    of_portal, of_simbase = (client.get(f"sim_card/{line.iccid}").json() for line in (portal, simbase))
    assert (of_portal["card"]["count_of_sessions"], of_portal["card"]["sms_sent"]) == (249, None)
    assert (of_portal["sms_usage"], of_portal["voice_usage"]) == (7, None)
    assert (of_simbase["card"]["count_of_sessions"], of_simbase["card"]["sms_sent"]) == (None, 3)
    assert (of_simbase["sms_usage"], of_simbase["voice_usage"]) == (None, None)


def test_what_the_carrier_stops_is_not_on(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    lines = fleet.lines(account, 3)
    told = (ON, Status(Switch.ON, "Blocked - enabled", blocked=True), Status(None, "limbo"))
    for line, status in zip(lines, told, strict=True):
        fleet.apply("simbase", clock.now(), [reading_of(line, 0, f"{clock.now():%Y-%m}-01", status=status)])
    found = [client.get(f"sim_card/{line.iccid}").json() for line in lines]
    assert [one["reported"] for one in found] == ["on", "blocked", "unknown"]
    assert [one["reported_word"] for one in found] == ["on", "Blocked - enabled", "limbo"]
