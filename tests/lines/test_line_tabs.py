"""The pages about one line: its device, its connections, what happened to it; carriers are asked rarely."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from simulator import Running, running

from accounts.models import Event
from accounts.policy import OPERATOR
from billing.commands import adjust
from lines.carriers.base import Device, Setting
from lines.commands import devices
from lines.commands.holders import assign
from lines.commands.tags import tag_lines
from lines.commands.wishes import enforce
from lines.models import Line, LineDevice, LineSecret, Sighting
from lines.queries.devices import destinations_of, events_of, sightings_of
from lines.work.clients import close_clients
from lines.work.devices import look, look_now
from tests.console.console_people import client_of, place_of
from tests.fleets import MB, Fleet, at
from tests.worlds import Story

TABS = ("", "usage/", "connections/", "connections.csv", "destinations/", "statistics/", "sms/", "audit/", "settings/")
POSTS = ("settings/ask/", "settings/throttle/", "settings/imei-lock/", "settings/codes/", "settings/location/")


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=1, iotportal=1, clock="2026-11-20T12:00:00Z") as served:
        yield served


@pytest.fixture
def story(simulators: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Story]:
    simulators.reset()
    close_clients()
    story = Story(simulators, monkeypatch, "2026-11-20T12:00")
    story.account("acme", credit="100")
    for kind in ("simbase", "iotportal"):
        story.carrier(kind, per_mb="0.01")
        story.lines("acme", kind, simulators.iccids(kind, 1))
    story.sync(compare=False)
    yield story
    close_clients()


def test_a_page_asks_the_carrier_once_and_then_remembers(story: Story) -> None:
    line = Line.objects.get(carrier__kind="simbase")
    assert line.payer is not None
    client = client_of(line.payer)
    path = f"/lines/{line.iccid}/settings/"
    assert "Ask now" in client.get(path).content.decode()
    for _ in range(3):
        assert client.post(f"{path}ask/").status_code == 302
    page = client.get(path).content.decode()
    assert "KPN" in page or "AT&amp;T" in page or "LTE" in page
    assert "Ask now" not in page
    assert len(story.sim.calls(carrier="simbase", name="get_sim")) == 1
    assert not any("lat" in name or name == "location" for name in LineDevice.objects.get(line=line).facts)
    shown = client.post(f"{path}location/").content.decode()
    assert "Of the radio cell" in shown
    assert (
        "does not tell where" in client.get(path.replace(line.iccid, story.sim.iccids("iotportal")[0])).content.decode()
    )
    assert Event.objects.get(verb="line.located").subject == f"line:{line.iccid}"


def test_sessions_are_the_carriers_and_a_stay_grows_with_each_look(story: Story) -> None:
    for minute in (0, 10, 20):
        story.at(f"2026-11-20T12:{minute:02}")
        story.sync(compare=False)
        for line in Line.objects.all():
            look_now(line)
    ours = Line.objects.get(carrier__kind="iotportal")
    assert Sighting.objects.filter(line=ours, is_session=True).exists()
    stay = Sighting.objects.get(line__carrier__kind="simbase")
    assert stay.country
    assert stay.ended_at == at("2026-11-20T12:20")


def test_lines_that_moved_have_their_turn_and_no_more_than_the_calls_allow(story: Story) -> None:
    carrier = Line.objects.get(carrier__kind="iotportal").carrier
    assert devices.plan_looks(carrier=carrier, seconds=60) == 1
    assert look(carrier, patience=5, stop=lambda: False) == 1
    assert devices.plan_looks(carrier=carrier, seconds=60) == 0  # its turn is over
    assert devices.plan_looks(carrier=carrier, seconds=60) == 0  # and nothing has moved
    carrier.calls_per_day = 0
    assert devices.plan_looks(carrier=carrier, seconds=60) == 0


def device(country: str = "NL", sessions: int = 3) -> Device:
    return Device(country=country, network="KPN", sessions=sessions, settings={Setting.THROTTLE: ""})


def seen(fleet: Fleet, line: Line, minute: int, total: int, country: str) -> None:
    when = at(f"2026-11-20T12:{minute:02}")
    fleet.read(line, f"2026-11-20T12:{minute:02}", total)
    devices.keep_device(line_id=line.pk, device=device(country), asked_at=when)


def test_destinations_add_up_to_what_was_used_and_belong_to_who_held_the_line(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    for minute, total, country in ((0, MB, "NL"), (5, 3 * MB, "NL"), (10, 10 * MB, "DE")):
        seen(fleet, line, minute, total, country)
    fleet.read(line, "2026-11-20T12:15", 11 * MB)
    found = destinations_of(place_of(account), line, dt.date(2026, 11, 1))
    assert [(one.country, one.used) for one in found] == [("DE", 7 * MB), ("NL", 2 * MB), ("", MB)]
    sub = fleet.account(parent=account)
    assign(line_ids=[line.pk], holder=sub, by=OPERATOR)
    line.refresh_from_db()
    assert not sightings_of(place_of(sub), line).exists()
    assert events_of(place_of(sub), line)[0] == []
    seen(fleet, line, 20, 12 * MB, "DE")
    assert sightings_of(place_of(sub), line).count() == 1


def test_codes_are_encrypted_and_each_look_is_written_down(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account)
    rows = [{"iccid": line.iccid, "pin": "1234", "puk": "12345678"}, {"iccid": "8" * 19, "pin": "0000"}]
    done = devices.keep_secrets(rows=list(enumerate(rows, 2)), by=OPERATOR)
    assert (done.kept, done.unknown, done.bad) == (1, ["8" * 19], [])
    assert "1234" not in LineSecret.objects.get().codes
    client = client_of(account)
    assert "12345678" not in client.get(f"/lines/{line.iccid}/settings/").content.decode()
    response = client.post(f"/lines/{line.iccid}/settings/codes/")
    assert "12345678" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert Event.objects.get(verb="line.codes_shown").actor_name == "owner1@acme.example"
    assert "PIN and PUK looked at" in client.get(f"/lines/{line.iccid}/audit/").content.decode()


def test_every_tab_is_there_for_its_own_and_nobody_else(fleet: Fleet) -> None:
    account = fleet.account()
    sub, stranger = fleet.account(parent=account), fleet.account()
    line = fleet.line(sub)
    fleet.read(line, "2026-11-20T08:00", MB)
    fleet.read(line, "2026-11-20T09:00", 3 * MB)
    owner, theirs, other = client_of(account), client_of(sub), client_of(stranger)
    for tab in TABS:
        path = f"/lines/{line.iccid}/{tab}"
        assert owner.get(path).status_code == 200, tab
        assert other.get(path).status_code == 404, tab
        response = theirs.get(path)
        assert response.status_code == (404 if tab == "audit/" else 200), tab
        said = b"".join(response).decode()
        assert "simbase" not in said.lower().replace("simbase.svg", ""), tab
        assert "$" not in said, tab
    for post in POSTS:
        assert other.post(f"/lines/{line.iccid}/{post}").status_code == 404, post
        if post != "settings/ask/":
            assert theirs.post(f"/lines/{line.iccid}/{post}").status_code == 404, post


def test_what_a_carrier_cannot_do_is_said(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(account, "iotportal")
    page = client_of(account).get(f"/lines/{line.iccid}/settings/").content.decode()
    for reason in (
        "cannot limit the speed",
        "cannot tie a SIM to its device",
        "does not tell where",
        "does not tell it",
    ):
        assert reason in page


def test_a_lines_timeline_tells_when_the_balance_stopped_and_started_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, stranger = fleet.account(credit="5"), fleet.account(credit="5")
    line = fleet.line(account)
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T13:00:00+00:00")
    for one in (account, stranger):
        adjust(account=one, amount=Decimal(-1), reason="a trial", by=OPERATOR)
    enforce()
    adjust(account=account, amount=Decimal(9), reason="back", by=OPERATOR)
    enforce()
    tag_lines(line_ids=[line.pk], account=account, names=["north", "van"], by=OPERATOR)
    page = client_of(account).get(f"/lines/{line.iccid}/audit/").content.decode()
    assert "Tagged: north, van" in page
    assert page.count("went below its minimum: lines that were on were suspended") == 1
    assert page.count("The balance recovered") == 1
    assert f"Came to {account.name}" in page
    assert not any(event.account_id == stranger.pk for event in events_of(place_of(account), line)[0])


def test_a_session_used_no_more_than_the_line_since_it_began(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), "iotportal")
    for day, total in ((10, 0), (11, 900 * MB), (20, 907 * MB)):
        fleet.read(line, f"2026-11-{day}T11:00", total)
    began = at("2026-11-20T08:00")
    devices.keep_device(line_id=line.pk, device=Device(session_started=began), asked_at=at("2026-11-20T12:00"))
    assert Sighting.objects.get().used <= 16 * MB
