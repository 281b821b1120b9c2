"""What SIMs are called at their carriers, and states of SIMs that are not in use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError
from django.test import Client
from kit.errors import Invalid
from simulator import Running, running

from accounts.commands.people import Unconfirmed
from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.carriers.base import Setting, tags_text
from lines.commands.naming import LineInUse, ask_state, drop_states, plan_names, share_names
from lines.commands.settings import CannotBeSet, set_on_line
from lines.commands.tags import tag_lines
from lines.commands.tuning import tune_carrier
from lines.commands.wishes import activate, deactivate, edit_notes
from lines.models import Carrier, Line, LineSetting, LineState, NameSharing
from lines.work.clients import close_clients
from tests.fleets import Fleet
from tests.worlds import Story, operator


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=3, iotportal=2, quiet=True, clock="2026-11-20T12:00:00Z") as served:
        yield served


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


@pytest.fixture
def story(simulators: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Story]:
    simulators.reset()
    close_clients()
    story = Story(simulators, monkeypatch, "2026-11-20T12:00")
    for kind in ("simbase", "iotportal"):
        story.carrier(kind, per_mb="0.01")
    story.account("acme", credit="100")
    for kind in ("simbase", "iotportal"):
        story.lines("acme", kind, simulators.iccids(kind, 2))
    story.sync(compare=False)
    yield story
    close_clients()


def edits(story: Story, iccid: str) -> dict[str, Any]:
    found: dict[str, Any] = story.sim.ask("GET", f"/sims/{iccid}")["history"].get("edits", {})
    return found


def test_names_and_tags_follow_an_accounts_own_where_it_wants_that(story: Story) -> None:
    account, (line, other) = Account.objects.get(), Line.objects.filter(carrier__kind="simbase").order_by("iccid")
    edit_notes(line=line, notes="Pump 7", by=OPERATOR)
    tag_lines(line_ids=[line.pk], account=account, names=["north", "Äußere"], by=OPERATOR)
    story.sync(compare=False)
    assert edits(story, line.iccid) == {}  # nobody asked for it
    for _ in range(2):
        share_names(account=account, wanted=True, by=OPERATOR)
    assert Event.objects.filter(verb="names.shared").count() == 1
    story.sync(compare=False)
    assert edits(story, line.iccid) == {"device_name": "Pump 7", "tags": ["north", "Äußere"]}
    assert edits(story, other.iccid) == {}  # it has nothing to say, and what stands there stays
    assert plan_names(carrier=line.carrier) == 0
    edit_notes(line=line, notes="", by=OPERATOR)
    story.sync(compare=False)
    assert edits(story, line.iccid)["device_name"] == ""
    share_names(account=account, wanted=False, by=OPERATOR)
    edit_notes(line=line, notes="secret", by=OPERATOR)
    story.sync(compare=False)
    assert edits(story, line.iccid)["device_name"] == ""
    assert not NameSharing.objects.exists()


def test_accounts_take_turns_in_being_renamed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that renames all of its lines again and again kept everybody's after it waiting."""
    greedy, quiet = fleet.account(), fleet.account()
    many, (one,) = fleet.lines(greedy, 6), fleet.lines(quiet, 1)
    for account in (greedy, quiet):
        share_names(account=account, wanted=True, by=OPERATOR)
    for line in (*many, one):
        edit_notes(line=line, notes="renamed", by=OPERATOR)
    monkeypatch.setattr("lines.commands.naming.AT_ONCE", 3)
    assert plan_names(carrier=fleet.carriers["simbase"]) == 3
    assert LineSetting.objects.filter(line=one, wanted="renamed").exists()
    assert LineSetting.objects.filter(line__in=many, wanted="renamed").count() == 2


def test_a_carrier_that_keeps_a_name_alone_gets_the_name(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.lines(account, 1)[0]
    share_names(account=account, wanted=True, by=OPERATOR)
    edit_notes(line=line, notes="Pump 7", by=OPERATOR)
    tag_lines(line_ids=[line.pk], account=account, names=["north"], by=OPERATOR)
    for kind, wanted in (("soracom", {"device_name": "Pump 7"}), ("keepgo", {})):
        LineSetting.objects.all().delete()
        Carrier.objects.filter(pk=line.carrier_id).update(kind=kind)
        carrier = Carrier.objects.get(pk=line.carrier_id)
        assert plan_names(carrier=carrier) == len(wanted)
        assert dict(LineSetting.objects.values_list("name", "wanted")) == wanted
        assert plan_names(carrier=carrier) == 0


def test_an_unconfirmed_account_names_nothing_at_a_carrier(fleet: Fleet) -> None:
    account = fleet.account()
    EmailAddress.objects.filter(email=owner_of(account).email).update(verified=False)
    with pytest.raises(Unconfirmed):
        share_names(account=account, wanted=True, by=owner_of(account).actor)
    share_names(account=account, wanted=False, by=owner_of(account).actor)


def test_tags_are_one_text_in_one_order_and_never_too_long() -> None:
    assert tags_text(["b", "a", "b"]) == '["a", "b"]'
    many = json.loads(tags_text([f"tag {number:03} {'x' * 30}" for number in range(100)]))
    assert 0 < len(many) < 100


def test_what_a_portal_keeps_of_a_sim_is_shown_and_written_where_our_account_may(story: Story) -> None:
    line = Line.objects.filter(carrier__kind="iotportal").order_by("iccid")[0]
    with pytest.raises(CannotBeSet):
        set_on_line(line=line, setting=Setting.DEVICE_ID, value="Pump 7", by=OPERATOR)
    operator("tune_carrier", "iotportal", "--device-edits", "yes")
    line = Line.objects.select_related("carrier").get(pk=line.pk)
    story.sim.settings(edit_allowed=True)
    for setting, value in ((Setting.DEVICE_ID, "Pump 7"), (Setting.SIM_NOTES, "shed"), (Setting.END_CONSUMER, "c-9")):
        set_on_line(line=line, setting=setting, value=value, by=OPERATOR)
    story.sync(compare=False)
    assert edits(story, line.iccid) == {"deviceID": "Pump 7", "simNotes": "shed", "endConsumerId": "c-9"}
    assert not LineSetting.objects.filter(is_open=True).exists()
    browser = Client()
    browser.force_login(owner_of(Account.objects.get()))
    assert browser.post(f"/lines/{line.iccid}/settings/ask/").status_code == 302
    page = browser.get(f"/lines/{line.iccid}/settings/").content.decode()
    for shown in ("Pump 7", "c-9", "Communication plan", "Data pool", "1 GB", "1-Current", "#1001 Demo", "Shipped"):
        assert shown in page
    assert browser.post(f"/lines/{line.iccid}/settings/edit/", {"name": "sim_notes", "value": ""}).status_code == 302
    assert browser.post(f"/lines/{line.iccid}/settings/edit/", {"name": "tags", "value": "x"}).status_code == 404
    story.sync(compare=False)
    assert edits(story, line.iccid)["simNotes"] == ""
    with pytest.raises(Invalid):
        set_on_line(line=line, setting=Setting.DEVICE_ID, value="x" * 201, by=OPERATOR)


def test_a_portal_that_does_not_let_us_edit_is_asked_once(story: Story) -> None:
    line = Line.objects.filter(carrier__kind="iotportal").order_by("iccid")[0]
    tune_carrier(carrier=line.carrier, device_edits=True, by=OPERATOR)
    line = Line.objects.select_related("carrier").get(pk=line.pk)
    set_on_line(line=line, setting=Setting.DEVICE_ID, value="Pump 7", by=OPERATOR)
    story.sync(compare=False)
    row = LineSetting.objects.get(line=line)
    assert (row.is_open, "403" in row.last_error) == (False, True)
    assert Event.objects.filter(verb="line.device_id_refused").count() == 1
    with pytest.raises(Invalid):
        tune_carrier(carrier=Carrier.objects.get(kind="simbase"), device_edits=True, by=OPERATOR)


def test_states_of_a_sim_that_is_not_in_use_are_asked_for_and_shown(story: Story) -> None:
    line = Line.objects.filter(carrier__kind="iotportal").order_by("iccid")[0]
    with pytest.raises(LineInUse):
        ask_state(line=line, state="RETIRED", by=OPERATOR)
    deactivate(line=line, by=OPERATOR)
    story.sync(compare=False)
    for _ in range(2):
        answer = operator("line_state", line.iccid, "retired")
    assert answer["asked"] == "RETIRED"
    assert Event.objects.filter(verb="line.state_asked").count() == 1
    story.sync(compare=False)
    assert story.word(line.iccid) == "RETIRED"
    assert not LineSetting.objects.filter(is_open=True).exists()
    story.sync(compare=False)
    assert LineState.objects.get(pk=line.pk).reported_word == "RETIRED"
    browser = Client()
    browser.force_login(owner_of(Account.objects.get()))
    browser.post(f"/lines/{line.iccid}/settings/ask/")
    assert "RETIRED" in browser.get(f"/lines/{line.iccid}/settings/").content.decode()


def test_a_state_that_lets_the_device_in_is_for_stock_alone(fleet: Fleet) -> None:
    held, stock = fleet.line(fleet.account(), "iotportal", active=False), fleet.line(None, "iotportal")
    ask_state(line=stock, state="test_ready", by=OPERATOR)
    assert LineSetting.objects.get().wanted == "TEST_READY"
    for state, refusal in (("TEST_READY", LineInUse), ("ACTIVATED", Invalid), ("", Invalid)):
        with pytest.raises(refusal):
            ask_state(line=held, state=state, by=OPERATOR)
    with pytest.raises(CannotBeSet):
        ask_state(line=fleet.line(None, "simbase"), state="INVENTORY", by=OPERATOR)
    with pytest.raises(CommandError):
        operator("line_state", "8900000000000000001", "INVENTORY", code=1)


def test_a_line_that_is_activated_meanwhile_is_not_asked_for_it_any_more(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(), "iotportal", active=False)
    ask_state(line=line, state="RETIRED", by=OPERATOR)
    activate(line=line, by=OPERATOR)
    assert drop_states(carrier=line.carrier) == 1
    assert not LineSetting.objects.get().is_open
