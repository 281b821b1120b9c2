"""A message whose answer was lost: found again by its text, or a person is asked; the device never gets it twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from kit import clock

from accounts.keys import make_key
from accounts.models import Account, Event
from accounts.policy import OPERATOR, Scope
from accounts.queries import owner_of
from billing.models import Entry, Notice
from lines.carriers.base import Sms
from lines.commands.sms import (
    AlreadySettled,
    Doubt,
    claim_sms,
    found_again,
    send_sms,
    settle_sms,
    sms_doubted,
    sms_postponed,
)
from lines.models import Line, Price, SmsMessage
from lines.policy import SmsState
from tests.fleets import Fleet, books_hold


@pytest.fixture
def line(fleet: Fleet) -> Line:
    line = fleet.line(fleet.account())
    Price.objects.filter(plan=line.plan).update(per_sms=Decimal("0.05"))
    line.state.__class__.objects.filter(pk=line.pk).update(reported=1)
    return line


def lost(line: Line, text: str) -> SmsMessage:
    """A message that was handed over, and whose answer never came."""
    message = send_sms(line=line, text=text, by=OPERATOR)
    assert [one.pk for one in claim_sms(carrier=line.carrier, limit=9)] == [message.pk]
    sms_postponed(message_id=message.pk, error="lost", outcome_unknown=True, wait=0)
    return message


def listed(text: str, ref: str = "r1") -> Sms:
    return Sms(ref, True, text, clock.now())


@pytest.mark.parametrize(
    ("sent", "there"),
    [("Reset the pump’s relay", "Reset the pump's relay"), ("reboot\nnow", "reboot\r\nnow"), ("  getinfo", "getinfo")],
)
def test_it_is_found_by_what_the_network_made_of_it(line: Line, sent: str, there: str) -> None:
    message = lost(line, sent)
    assert message.text == sent
    assert found_again(message_id=message.pk, listed=[listed(there)]) == listed(there)
    assert found_again(message_id=message.pk, listed=[]) is None


def doubted(line: Line, text: str = "Größe 5", there: str = "Gr??e 5") -> SmsMessage:
    message = lost(line, text)
    doubt = found_again(message_id=message.pk, listed=[listed(there)])
    assert isinstance(doubt, Doubt)
    sms_doubted(message_id=message.pk, doubt=doubt)
    sms_doubted(message_id=message.pk, doubt=doubt)
    message.refresh_from_db()
    assert claim_sms(carrier=line.carrier, limit=9) == []
    return message


def test_in_doubt_a_person_is_asked_and_says_it_was_sent(line: Line) -> None:
    message = doubted(line)
    settle_sms(message_id=message.pk, was_sent=True, by=OPERATOR)
    message.refresh_from_db()
    assert (message.state, message.ref, message.doubt) == (SmsState.SENT, "r1", "")
    assert [row.amount for row in Entry.objects.filter(kind="sms")] == [Decimal("-0.05")]
    with pytest.raises(AlreadySettled):
        settle_sms(message_id=message.pk, was_sent=False, by=OPERATOR)
    said = Event.objects.filter(verb__in=("sms.sent", "sms.doubted", "sms.settled"))
    assert said.count() == 3
    assert not any("Größe" in str(event.detail) or "Gr??e" in str(event.detail) for event in said)
    assert books_hold()


def test_or_says_it_was_not_and_it_goes_again_once(line: Line) -> None:
    message = doubted(line, "status please", "something else of another system")
    client = Client()
    assert line.account is not None
    client.force_login(owner_of(line.account))
    page = client.get(f"/lines/{line.iccid}/sms/").content.decode()
    assert "is this your message?" in page
    assert "No, send again" in page
    for _ in range(2):  # the second click
        client.post(f"/lines/{line.iccid}/sms/settle/", {"message": message.pk, "do": "again"})
    assert [one.ask_first for one in claim_sms(carrier=line.carrier, limit=9)] == [False]
    assert not Entry.objects.filter(kind="sms").exists()


def test_a_message_of_ours_that_waits_beside_it_is_no_doubt(line: Line) -> None:
    first = lost(line, "one")
    SmsMessage.objects.filter(pk=first.pk).update(is_open=False)
    second = lost(line, "two")
    assert found_again(message_id=second.pk, listed=[listed("one")]) is None


def test_nobody_settles_the_message_of_another(line: Line, fleet: Fleet) -> None:
    message = doubted(line)
    client = Client()
    client.force_login(owner_of(fleet.account()))
    answer = client.post(f"/lines/{line.iccid}/sms/settle/", {"message": message.pk, "do": "sent"})
    message.refresh_from_db()
    assert (answer.status_code, bool(message.doubt)) == (404, True)


def test_the_owner_is_told_once_for_each_doubt(line: Line) -> None:
    message = doubted(line)
    (notice,) = Notice.objects.filter(key__startswith="sms-doubt:")
    assert (notice.account, notice.page) == (line.payer, f"/lines/{line.iccid}/sms/")
    assert "Größe 5" in notice.text
    assert "Gr??e 5" in notice.text
    settle_sms(message_id=message.pk, was_sent=False, by=OPERATOR)
    assert claim_sms(carrier=line.carrier, limit=9)
    doubt = found_again(message_id=message.pk, listed=[listed("Gr??e 5", "r2")])
    assert isinstance(doubt, Doubt)
    sms_doubted(message_id=message.pk, doubt=doubt)


def api_of(account: Account) -> Callable[..., tuple[int, Any]]:
    """Calls with a bearer key of the account's."""
    key = make_key(account=account, name="sms", scopes=[*Scope], days=7, by=OPERATOR)[1]
    headers = {"Authorization": f"Bearer {key}"}

    def call(verb: str, path: str, body: object = None) -> tuple[int, Any]:
        data = "" if body is None else json.dumps(body)
        address = f"/api/{account.uuid.hex}/{path}"
        answer = Client().generic(verb, address, data, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    return call


@pytest.fixture
def professional(line: Line) -> Callable[..., tuple[int, Any]]:
    assert line.payer is not None
    Account.objects.filter(pk=line.payer.pk).update(is_professional=True)
    return api_of(line.payer)


def test_by_api_it_is_in_doubt_and_settled_once(line: Line, professional: Callable[..., tuple[int, Any]]) -> None:
    message = doubted(line)
    status, found = professional("GET", "sms?which=doubtful")
    assert (status, [one["id"] for one in found["data"]]) == (200, [message.pk])
    assert (found["data"][0]["status"], found["data"][0]["price"]) == ("in-doubt", None)
    assert "Gr??e 5" in found["data"][0]["why"]
    status, settled = professional("POST", "sms/settle", {"id": message.pk, "was_sent": True})
    assert (status, settled["status"], settled["why"], settled["price"]) == (200, "sent", "", 0.05)
    assert professional("POST", "sms/settle", {"id": message.pk, "was_sent": False})[0] == 409
    assert professional("GET", "sms?which=doubtful")[1]["total"] == 0
    assert [row.amount for row in Entry.objects.filter(kind="sms")] == [Decimal("-0.05")]
    assert books_hold()


def test_by_api_it_goes_again(line: Line, professional: Callable[..., tuple[int, Any]]) -> None:
    message = doubted(line)
    status, again = professional("POST", "sms/settle", {"id": message.pk, "was_sent": False})
    assert (status, again["status"], again["price"]) == (200, "queued", None)
    assert [one.ask_first for one in claim_sms(carrier=line.carrier, limit=9)] == [False]


def test_by_api_nobody_settles_the_message_of_another(line: Line, fleet: Fleet) -> None:
    message, stranger = doubted(line), fleet.account()
    Account.objects.filter(pk=stranger.pk).update(is_professional=True)
    status, _ = api_of(stranger)("POST", "sms/settle", {"id": message.pk, "was_sent": True})
    message.refresh_from_db()
    assert (status, bool(message.doubt)) == (404, True)
