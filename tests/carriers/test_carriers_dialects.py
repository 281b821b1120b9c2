"""Networks behind IoT Portal that speak otherwise: their words, their version of messages, their shapes of answers."""

from __future__ import annotations

import json
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from kit import clock
from kit.errors import Invalid

from accounts.policy import OPERATOR
from lines.carriers import iotportal_answers as answers
from lines.carriers import open_client
from lines.carriers.base import MEANINGS, Dialect, Status, Switch
from lines.carriers.fields import Unreadable
from lines.commands.readings import apply_readings
from lines.commands.sms import is_active, send_sms
from lines.commands.tuning import tune_carrier
from lines.models import Carrier, Line, LineState
from lines.queries.scope import STOPPED
from lines.work.clients import client_for, close_clients
from lines.work.trying import try_words
from tests.carriers.conftest import OddCarrier
from tests.fleets import SECRETS, Fleet
from tests.worlds import operator

SIM = "8944000000000000001"
FULL = {"smsMsgId": 7, "msgType": "MO", "messageText": "hi", "status": "Received"}


@pytest.mark.parametrize(
    "shape",
    [
        [1, 12, 2],
        ["1", "12", "2"],
        [{"smsMsgId": 1}, {"smsMsgId": 12}, {"smsMsgId": 2}],
        {"data": [1, 12, 2]},
        {"smsMsgIds": [1, 12, 2]},
        {"iccid": SIM, "smsMsgIds": [1, 12, 2]},
        {"data": {"smsMsgIds": [1, 12, 2]}},
        {"smsMsgIds": {"data": [1, 12, 2]}},
    ],
    ids=json.dumps,
)
def test_ids_of_messages_are_read_in_every_likely_shape(shape: object) -> None:
    assert answers.ids_in(json.dumps(shape).encode(), iccid=SIM) == ["12", "2", "1"]


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"data": None},
        {"data": "1"},
        [None],
        [[1]],
        [True],
        [1.5],
        ["../1"],
        [{"id": 1}],
        {"smsMsgIds": {"iccid": SIM}},
        {"iccid": "8944000000000000002", "data": [1]},
        {"iccid": "8944000000000000002", "smsMsgIds": []},
    ],
    ids=json.dumps,
)
def test_what_names_no_messages_or_those_of_another_sim_is_unreadable(shape: object) -> None:
    with pytest.raises(Unreadable):
        answers.ids_in(json.dumps(shape).encode(), iccid=SIM)


@pytest.mark.parametrize(
    "shape",
    [FULL, {"data": FULL}, [FULL], {"data": [FULL]}, [{"data": FULL}]],
    ids=["bare", "data", "[]", "d[]", "d"],
)
def test_a_message_is_read_in_every_likely_shape(shape: object) -> None:
    assert answers.message_in(json.dumps(shape).encode(), iccid=SIM, ref="7").text == "hi"


@pytest.mark.parametrize("shape", [[], [FULL, FULL], {"data": []}, {"data": FULL, "iccid": "1"}, "hi", None])
def test_what_is_no_message_or_one_of_another_sim_is_unreadable(shape: object) -> None:
    with pytest.raises(Unreadable):
        answers.message_in(json.dumps(shape).encode(), iccid=SIM, ref="7")


def test_a_networks_word_means_what_the_operator_says_and_the_documents_stay() -> None:
    words = Dialect((("live", "on"), ("activated", "off"), ("gone", "ended"))).words_with(answers.WORDS)
    assert answers.status_in(b"Live", iccid=SIM, words=words) == Status(Switch.ON, "Live")
    assert answers.status_in(b"Gone", iccid=SIM, words=words) == Status(Switch.OFF, "Gone", blocked=True)
    assert answers.status_in(b"ACTIVATED", iccid=SIM, words=words) == Status(Switch.ON, "ACTIVATED")
    assert answers.status_in(b"Live", iccid=SIM) == Status(None, "Live")


def network(odd: OddCarrier, word: str = "Live") -> OddCarrier:
    """One that says this word of every SIM."""

    def play(handler: Any) -> None:
        iccid = handler.path.rsplit("/", 1)[-1]
        bodies: dict[str, object] = {
            "/Login": {"data": {"token": "a-token"}},
            "/ctdUsage": [{"iccid": iccid, "ctdDataUsage": 5, "status": word}],
        }
        first = "/" + handler.path.split("/")[1]
        body = word.encode() if first == "/getStatus" else json.dumps(bodies.get(first, {})).encode()
        odd.answering(body, Content_Type="application/json")(handler)

    odd.play = play
    return odd


def test_the_version_of_messages_is_a_setting(odd: OddCarrier) -> None:
    network(odd)
    for dialect, version in ((None, "v1"), (Dialect(sms_version="2.0"), "2.0")):
        with closing(open_client("iotportal", url=odd.url, secrets=SECRETS["iotportal"], dialect=dialect)) as client:
            client.send_sms(SIM, "reboot")
        assert odd.received[-1][1] == f"/SendSMS/{SIM}/{version}"


@pytest.fixture
def line(transactional_db: None, odd: OddCarrier) -> Line:
    """A running line of a network that says Live."""
    fleet = Fleet()
    tune_carrier(carrier=fleet.carriers["iotportal"], url=network(odd).url, by=OPERATOR)
    line = fleet.line(fleet.account(), "iotportal")
    read(line)
    return line


def read(line: Line) -> LineState:
    """The line is read as a pass reads it, with what its carrier is set to now."""
    carrier = Carrier.objects.get(pk=line.carrier_id)
    client = client_for(carrier, patience=2.0)
    now = clock.now()
    apply_readings(carrier=carrier, readings=[client.read_line(line.iccid, now=now)], read_at=now, has_finals=False)
    return LineState.objects.get(pk=line.pk)


def test_a_running_line_with_a_word_of_theirs_is_activated_and_can_be_texted(line: Line) -> None:
    """It stood as waiting for ever, and its device could be sent nothing."""
    assert Line.objects.filter(pk=line.pk, state__reported=None, state__reported_word="Live").exists()
    out = StringIO()
    call_command("tune_carrier", "iotportal", "--word", "Live=on", "--sms-version", "v2", stdout=out)
    assert "says so" in out.getvalue()
    carrier = Carrier.objects.get(name="iotportal")
    assert (carrier.words, carrier.sms_version) == ({"live": "on"}, "v2")
    state = read(line)
    assert (state.reported, state.reported_word) == (Switch.ON, "Live")
    assert is_active(state=state)
    assert send_sms(line=line, text="reboot", by=OPERATOR).pk
    assert not Line.objects.filter(STOPPED, pk=line.pk).exists()
    call_command("tune_carrier", "iotportal", "--word", "Live=", stdout=StringIO())
    assert Carrier.objects.get(name="iotportal").words == {}
    call_command("tune_carrier", "iotportal", "--word", "live=ended", stdout=StringIO())
    read(line)
    assert Line.objects.filter(STOPPED, pk=line.pk).exists()
    close_clients()


def test_words_are_tried_before_they_are_kept(line: Line, odd: OddCarrier) -> None:
    carrier = Carrier.objects.get(pk=line.carrier_id)
    assert try_words(carrier, {"Live": "on", "Ceased": "ended"}) == [
        "ceased = ended: no line has it now",
        f"live = on: 1 lines, {line.iccid} says so",
    ]
    odd.play = odd.answering(b"<html>", status=503)
    with pytest.raises(CommandError, match="could not be tried"):
        call_command("tune_carrier", "iotportal", "--word", "Live=on")
    network(odd, "Ceased")
    assert try_words(carrier, {"Live": "on"}) == [f"live = on: 1 lines, {line.iccid} says Ceased now"]
    carrier.refresh_from_db()
    assert carrier.words == {}
    close_clients()


def test_a_table_that_cannot_be_is_refused(db: None) -> None:
    fleet = Fleet()
    portal = fleet.carriers["iotportal"]
    for words in ({"Live": "running"}, {"ACTIVATED": "off"}, {"": "on"}, {"x" * 41: "on"}, {"a\nb": "on"}):
        with pytest.raises(Invalid):
            tune_carrier(carrier=portal, words=words, by=OPERATOR)
    with pytest.raises(Invalid, match="two meanings"):
        tune_carrier(carrier=portal, words={"Live": "on", "live": "off"}, by=OPERATOR)
    with pytest.raises(Invalid, match="50"):
        tune_carrier(carrier=portal, words={f"w{n}": "on" for n in range(51)}, by=OPERATOR)
    for version in ("v1/../x", "v 1", "x" * 33, ".."):
        with pytest.raises(Invalid):
            tune_carrier(carrier=portal, sms_version=version, by=OPERATOR)
    for given in ({"words": {"live": "on"}}, {"sms_version": "v2"}):
        with pytest.raises(Invalid):
            tune_carrier(carrier=fleet.carriers["simbase"], by=OPERATOR, **given)
    tuned = tune_carrier(carrier=portal, words={word: word for word in MEANINGS}, by=OPERATOR)
    assert tune_carrier(carrier=portal, words=dict(tuned.words), by=OPERATOR).words == tuned.words


def test_a_network_is_asked_with_its_own_words(odd: OddCarrier, db: None) -> None:
    """It answered ACTIVATED with a refusal, and its lines waited for ever."""

    fleet = Fleet()
    network(odd)
    operator("tune_carrier", "iotportal", "--ask", "on=LIVE", "--ask", "off=Ceased")
    carrier = Carrier.objects.get(kind="iotportal")
    secrets = SECRETS["iotportal"]
    for dialect, words in ((carrier.dialect, ("LIVE", "Ceased")), (Dialect(), ("ACTIVATED", "DEACTIVATED"))):
        with closing(open_client("iotportal", url=odd.url, secrets=secrets, dialect=dialect)) as client:
            for on, word in zip((True, False), words, strict=True):
                client.set_switch("8944000000000000001", on=on)
                assert json.loads(odd.received[-1][3]) == {"status": word}
                client.set_switches(["8944000000000000001"], on=on, name="q", callback="https://us.example/")
                assert json.loads(odd.received[-1][3])["update"] == {"status": word}
    operator("tune_carrier", "iotportal", "--ask", "on=")
    assert Carrier.objects.get(kind="iotportal").asks == {"off": "Ceased"}
    for wrong in ({"ready": "x"}, {"on": "x" * 41}):
        with pytest.raises(Invalid):
            tune_carrier(carrier=carrier, asks=wrong, by=OPERATOR)
    with pytest.raises(Invalid):
        tune_carrier(carrier=fleet.carriers["simbase"], asks={"on": "x"}, by=OPERATOR)
