"""Messages: charged once when the carrier takes them, never when it refuses; whose outcome is unknown is looked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from kit.errors import Invalid
from simulator import Running, running

from accounts.models import Event
from accounts.policy import OPERATOR
from billing.models import Entry
from lines.carriers.base import Sms
from lines.commands.inbox import received
from lines.commands.sms import LineNotActive, claim_sms, send_sms, sms_accepted, sms_refused
from lines.commands.wishes import deactivate
from lines.models import Carrier, Drive, Line, LineState, SmsLook, SmsMessage
from lines.policy import SMS_MOVES, SmsState, Wanted
from lines.queries.sms import count_unread, list_sms, texts_of
from lines.work.clients import close_clients
from lines.work.messages import handle_messages
from tests.console.console_people import place_of
from tests.fleets import ON, Fleet, at, available, books_hold, state
from tests.worlds import Story, usd

KINDS = ["simbase", "iotportal"]
World = tuple[Story, Line, Carrier]
Tell = Callable[[str], World]
PRICE = Decimal("0.05")


@pytest.fixture(scope="module")
def simulators() -> Iterator[Running]:
    with running(simbase=3, iotportal=3, quiet=True, clock="2026-11-20T12:00:00Z") as served:
        yield served


@pytest.fixture
def telling(simulators: Running, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Tell]:
    """A carrier in the simulator with one active line that it has confirmed."""
    simulators.reset()
    close_clients()

    def tell(kind: str) -> World:
        story = Story(simulators, monkeypatch, "2026-11-20T12:00")
        story.carrier(kind, per_mb="0.01")
        story.account("acme", credit="100")
        iccid = simulators.iccids(kind, 1)[0]
        story.lines("acme", kind, [iccid])
        story.sync(compare=False)
        line = Line.objects.get(iccid=iccid)
        assert state(line).reported == 1
        return story, line, line.carrier

    yield tell
    close_clients()


def handle(carrier: Carrier) -> int:
    return handle_messages(carrier, patience=5, stop=lambda: False).sent


def sent(line: Line, text: str = "reboot", **more: str) -> SmsMessage:
    return send_sms(line=line, text=text, by=OPERATOR, **more)


def rows() -> list[tuple[str, Decimal]]:
    return list(Entry.objects.filter(kind="sms").order_by("id").values_list("key", "amount"))


def held(message: SmsMessage) -> SmsState:
    message.refresh_from_db()
    return SmsState(message.state)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_charged_once_when_the_carrier_takes_it_and_followed_to_its_end(telling: Tell, kind: str) -> None:
    story, line, carrier = telling(kind)
    story.sim.settings(**{kind: {"sms_delay_seconds": 60}})
    message = sent(line)
    assert (held(message), rows()) == (SmsState.QUEUED, [])
    assert handle(carrier) == 1
    assert handle(carrier) == 0
    assert rows() == [(f"sms:{message.pk}", -PRICE)]
    assert held(message) is SmsState.SENT
    assert available(line.payer) == usd("99.95")
    story.at("2026-11-20T12:05")
    handle(carrier)
    # Simbase never says whether a message arrived
    assert held(message) is (SmsState.DELIVERED if kind == "iotportal" else SmsState.SENT)
    assert not message.is_open
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_carrier_refuses_costs_nothing_and_says_why(telling: Tell, kind: str) -> None:
    story, line, carrier = telling(kind)
    message = sent(line)
    story.sim.event("status", iccid=line.iccid, status="disabled" if kind == "simbase" else "DEACTIVATED", open=False)
    handle(carrier)
    assert held(message) is SmsState.REFUSED
    assert "not" in message.last_error
    assert rows() == []
    assert Event.objects.filter(verb="sms.refused", subject=f"line:{line.iccid}").count() == 1
    assert books_hold()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("acted", [True, False], ids=["it went out", "it did not"])
def test_an_unknown_outcome_is_looked_for_before_anything_else(telling: Tell, kind: str, acted: bool) -> None:
    story, line, carrier = telling(kind)
    sent(line, "other")
    handle(carrier)
    message = sent(line)
    story.sim.fault("drop_after" if acted else "drop_before", carrier=kind, path="[sS][mM][sS]", iccid=line.iccid)
    handle(carrier)
    assert held(message) is SmsState.QUEUED
    assert message.ask_first
    assert len(rows()) == 1
    story.sim.ask("DELETE", "/faults")
    story.at("2026-11-20T12:00:30")
    handle(carrier)
    assert held(message) is (SmsState.SENT if acted else SmsState.QUEUED)
    story.at("2026-11-20T12:10")
    handle(carrier)
    assert held(message) in (SmsState.SENT, SmsState.DELIVERED)
    taken = story.sim.calls(carrier=kind, name="send_sms", iccid=line.iccid)
    assert len(taken) == (2 if acted else 3)
    assert len(rows()) == 2
    assert books_hold()


def test_a_killed_workers_message_is_looked_for_by_the_next(telling: Tell) -> None:
    story, line, carrier = telling("simbase")
    message = sent(line)
    assert [one.ask_first for one in claim_sms(carrier=carrier, limit=8)] == [False]  # and here the worker dies
    SmsMessage.objects.update(leased_until=None)
    story.at("2026-11-20T12:00:10")
    handle(carrier)
    assert held(message) is SmsState.QUEUED
    assert [call["name"] for call in story.sim.calls(carrier="simbase", iccid=line.iccid)][-1] == "list_sms"
    story.at("2026-11-20T12:02")
    handle(carrier)
    assert held(message) is SmsState.SENT
    assert len(rows()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_messages_from_devices_are_collected_when_their_count_moves(telling: Tell, kind: str) -> None:
    story, line, _ = telling(kind)
    story.uses(line.iccid, 1)  # a carrier counts in the month of the last record
    story.sync(compare=False)
    for _ in range(2):  # two of one second and one text are two
        story.sim.event("sms", iccid=line.iccid, text="door open")
    story.at("2026-11-20T12:06")
    assert story.sync(compare=False)["messages_received"] == 2
    story.at("2026-11-20T12:12")
    assert story.sync(compare=False)["messages_received"] == 0
    assert line.payer is not None
    place = place_of(line.payer)
    shown, more = list_sms(place, q="door")
    assert [(one.text, one.state, one.price) for one in shown] == [("door open", SmsState.RECEIVED, None)] * 2
    assert not more
    assert count_unread(place) == 2
    events = Event.objects.filter(verb="sms.received", subject=f"line:{line.iccid}", account=line.account)
    assert [set(event.detail) for event in events] == [{"sms", "text_digest", "length"}] * 2
    assert texts_of(list(events)) == {event.pk: {"text": "door open"} for event in events}
    assert rows() == []
    assert not SmsLook.objects.filter(is_due=True).exists()


@pytest.fixture
def line(fleet: Fleet) -> Line:
    line = fleet.line(fleet.account())
    LineState.objects.filter(pk=line.pk).update(reported=ON.switch, confirmed_at=at("2026-11-20"))
    return line


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 71, "\N{GRINNING FACE}" * 36, "a\x07b", "\ud800"])
def test_a_text_that_no_phone_takes_is_refused(line: Line, text: str) -> None:
    with pytest.raises(Invalid):
        sent(line, text)
    assert not SmsMessage.objects.exists()


def test_seventy_characters_are_allowed(line: Line) -> None:
    assert sent(line, "x" * 70).pk
    assert sent(line, "\N{GRINNING FACE}" * 35).pk


def test_only_an_activated_line_gets_messages(line: Line) -> None:
    LineState.objects.filter(pk=line.pk).update(reported=0)
    with pytest.raises(LineNotActive):
        sent(line)
    LineState.objects.filter(pk=line.pk).update(reported=1, blocked=True)
    with pytest.raises(LineNotActive):
        sent(line)


def test_the_same_key_twice_is_one_message(line: Line) -> None:
    assert sent(line, key="click").pk == sent(line, key="click").pk
    assert SmsMessage.objects.count() == 1


def test_a_line_switched_off_meanwhile_gets_no_message(line: Line) -> None:
    message = sent(line)
    deactivate(line=line, by=OPERATOR)
    assert claim_sms(carrier=line.carrier, limit=8) == []
    assert held(message) is SmsState.REFUSED
    assert books_hold()


def test_accepted_twice_is_charged_once_and_the_last_dollar_stops_the_line(fleet: Fleet) -> None:
    line = fleet.line(fleet.account(credit="5.04"))
    LineState.objects.filter(pk=line.pk).update(reported=1, confirmed_at=at("2026-11-20"))
    message = sent(line)
    for _ in range(2):
        sms_accepted(message_id=message.pk, sms=Sms("7", True, "reboot", None), follow=True)
    assert available(line.payer) == usd("4.99")
    assert state(line).wanted == Wanted.SUSPENDED
    assert Drive.objects.filter(pk=line.pk).exists()
    assert books_hold()


def test_messages_from_before_a_line_was_ones_own_are_nobodys_or_the_payers(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.line(fleet.account(parent=account))
    now = at("2026-11-20T12:00")
    Line.objects.filter(pk=line.pk).update(added_at=now, held_since=now + dt.timedelta(hours=1))
    SmsLook.objects.create(line=line, carrier=line.carrier)
    listed = [
        Sms(str(n), False, text, now + dt.timedelta(minutes=m))
        for n, (text, m) in enumerate([("a stranger's", -1), ("the last holder's", 30), ("ours", 90)])
    ]
    for _ in range(2):
        received(line_id=line.pk, listed=listed, looked_at=now + dt.timedelta(hours=2))
    assert [one.text for one in list_sms(place_of(account))[0]] == ["ours", "the last holder's"]
    assert line.account is not None
    assert [one.text for one in list_sms(place_of(line.account))[0]] == ["ours"]


def test_every_state_of_a_message_says_where_it_leads() -> None:
    assert set(SMS_MOVES) == set(SmsState)


def test_a_message_of_any_characters_is_kept_and_holds_up_no_other(fleet: Fleet) -> None:
    line = fleet.line(fleet.account())
    SmsLook.objects.create(line=line, carrier=line.carrier)
    now = line.added_at + dt.timedelta(hours=1)
    listed = [Sms("7", False, "a\0b\x1b\ufffe", now, None, "od\0d")]
    assert received(line_id=line.pk, listed=listed, looked_at=now) == 1
    assert SmsMessage.objects.get().text == "ab\x1b\ufffe"
    event = Event.objects.get(verb="sms.received")
    assert (event.detail["length"], set(event.detail)) == (4, {"sms", "text_digest", "length"})


def test_late_news_of_a_message_that_has_ended_changes_and_costs_nothing(line: Line) -> None:
    """Two workers had it: what the first one wrote down stays, whatever the second one hears."""
    gone, taken = sent(line, "one"), sent(line, "two")
    went = Sms(text="two", to_device=True, at=None, ref="r1", word="sent")
    sms_refused(message_id=gone.pk, reason="no")
    sms_accepted(message_id=gone.pk, sms=went, follow=False)
    sms_accepted(message_id=taken.pk, sms=went, follow=False)
    SmsMessage.objects.filter(pk=taken.pk).update(state=SmsState.DELIVERED)
    sms_accepted(message_id=taken.pk, sms=went, follow=True)
    sms_refused(message_id=taken.pk, reason="no")
    assert (held(gone), held(taken)) == (SmsState.REFUSED, SmsState.DELIVERED)
    assert rows() == [(f"sms:{taken.pk}", -PRICE)]
    assert books_hold()
