"""What is set on SIMs, and what follows when a card sits in another device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from kit.errors import Invalid
from simulator import Running, running

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.carriers.base import Setting
from lines.commands import devices
from lines.commands.plans import change_plan_of_lines
from lines.commands.settings import CannotBeSet, claim_settings, set_on_line, set_on_lines, setting_failed
from lines.models import Line, LineSetting, RatePlan
from lines.policy import Verdict, Wanted, Why, is_other_device
from lines.work.clients import close_clients
from lines.work.devices import look
from tests.fleets import Fleet, reading_of, state
from tests.worlds import Story, operator


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=2, iotportal=1, quiet=True, clock="2026-11-20T12:00:00Z") as served:
        yield served


@pytest.fixture
def story(simulators: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Story]:
    simulators.reset()
    close_clients()
    story = Story(simulators, monkeypatch, "2026-11-20T12:00")
    story.carrier("simbase", per_mb="0.01")
    story.account("acme", credit="100")
    story.lines("acme", "simbase", simulators.iccids("simbase", 1))
    story.sync(compare=False)
    yield story
    close_clients()


def edits(story: Story, line: Line) -> dict[str, str]:
    found: dict[str, str] = story.sim.ask("GET", f"/sims/{line.iccid}")["history"].get("edits", {})
    return found


def test_what_is_set_reaches_the_carrier_once_and_is_confirmed(story: Story) -> None:
    line = Line.objects.get()
    for _ in range(2):
        set_on_line(line=line, setting=Setting.THROTTLE, value="200", by=OPERATOR)
    story.sim.fault("drop_after", verb="PATCH", count=1)
    story.sync(compare=False)
    assert LineSetting.objects.get().is_open
    story.at("2026-11-20T12:05")
    story.sync(compare=False)
    row = LineSetting.objects.get()
    assert (row.confirmed, row.is_open) == ("200", False)
    assert edits(story, line) == {"throttle": "SPEED_200_KBPS"}
    assert Event.objects.filter(verb="line.throttle_set", subject=f"line:{line.iccid}").count() == 1
    set_on_line(line=line, setting=Setting.THROTTLE, value="", by=OPERATOR)
    story.sync(compare=False)
    assert edits(story, line) == {"throttle": "NO_LIMIT"}


def test_a_plan_with_a_carriers_code_puts_its_lines_on_it(story: Story) -> None:
    line = Line.objects.get()
    operator("add_rate_plan", "USA", "--carrier", "simbase", "--per-mb", "0.02", "--carrier-plan", "def-usd.us-1")
    change_plan_of_lines(line_ids=[line.pk], plan=RatePlan.objects.get(name="USA"), by=OPERATOR)
    story.sync(compare=False)
    assert edits(story, line) == {"plan_id": "def-usd.us-1"}


def test_what_the_imei_lock_stopped_is_not_started_again_by_us(story: Story) -> None:
    line = Line.objects.get()
    set_on_line(line=line, setting=Setting.IMEI_LOCK, value="on", by=OPERATOR)
    story.sync(compare=False)
    story.sim.event("imei", iccid=line.iccid, imei="359091101234567")
    story.at("2026-11-20T12:05")
    story.sync(compare=False)
    found = state(line)
    assert (found.wanted, found.why) == (Wanted.DEACTIVATED, Why.CARRIER)
    assert story.word(line.iccid) == "disabled"
    devices.plan_looks(carrier=line.carrier, seconds=60)
    look(line.carrier, patience=5.0, stop=lambda: False)
    assert state(line).why_who == "359091101234567"  # the other device is the reason
    browser = Client()
    browser.force_login(owner_of(Account.objects.get()))
    page = browser.get(f"/lines/{line.iccid}/").content.decode()
    assert "the SIM is in another device, IMEI 359091101234567" in page


def test_what_a_carrier_cannot_set_is_refused(fleet: Fleet) -> None:
    account = fleet.account()
    ours, other = fleet.line(account), fleet.line(account, "iotportal")
    with pytest.raises(CannotBeSet):
        set_on_line(line=other, setting=Setting.IMEI_LOCK, value="on", by=OPERATOR)
    for value in ("7", "-100", "fast"):
        with pytest.raises(Invalid):
            set_on_line(line=ours, setting=Setting.THROTTLE, value=value, by=OPERATOR)
    verdicts = set_on_lines(line_ids=[ours.pk, other.pk, 0], setting=Setting.IMEI_LOCK, value="on", by=OPERATOR)
    assert verdicts == {ours.pk: Verdict.DO, other.pk: Verdict.OTHER_CARRIER, 0: Verdict.GONE}


def test_what_a_carrier_refused_may_be_wanted_again_and_ends_no_other_wish(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    simbase = fleet.carriers["simbase"]
    set_on_line(line=line, setting=Setting.THROTTLE, value="100", by=OPERATOR)
    (claimed,) = claim_settings(carrier=simbase, limit=8)
    setting_failed(setting_id=claimed.pk, value=claimed.value, error="not now", give_up=True)
    assert claim_settings(carrier=simbase, limit=8) == []
    assert set_on_lines(line_ids=[line.pk], setting=Setting.THROTTLE, value="100", by=OPERATOR)[line.pk] is Verdict.DO
    (claimed,) = claim_settings(carrier=simbase, limit=8)
    set_on_line(line=line, setting=Setting.THROTTLE, value="500", by=OPERATOR)  # during the call
    setting_failed(setting_id=claimed.pk, value=claimed.value, error="never", give_up=True)
    (claimed,) = claim_settings(carrier=simbase, limit=8)
    assert claimed.value == "500"


def test_another_device_is_written_down_once_and_the_first_is_no_change(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), "iotportal")
    for minute, imei in enumerate(
        ("3590911012345601", "3590911012345601", "3590911012345602", "8613300585142338", "8613300585142338")
    ):
        fleet.apply("iotportal", f"2026-11-20T12:0{minute}", [reading_of(line, 5, imei=imei)])
    events = Event.objects.filter(verb="imei.changed", subject=f"line:{line.iccid}", account=line.account)
    assert [event.detail for event in events] == [{"before": "3590911012345602", "after": "8613300585142338"}]


def test_the_same_device_with_other_software_is_no_other_device() -> None:
    assert not is_other_device("", "359091101234567")
    assert not is_other_device("359091101234567", "3590911012345601")
    assert is_other_device("359091101234567", "359091101234667")
