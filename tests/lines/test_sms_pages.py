"""The pages of messages: written once, shown to whom they belong, without prices for who sees no money."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.commands.holders import assign
from lines.commands.sms import send_sms, sms_refused
from lines.models import Line, LineState, SmsMessage
from lines.policy import SmsState
from tests.console.console_people import client_of
from tests.evenly import evenly
from tests.fleets import Fleet, holders_of


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.account()


@pytest.fixture
def line(fleet: Fleet, account: Account) -> Line:
    line = fleet.line(account)
    LineState.objects.filter(pk=line.pk).update(reported=1)
    return line


def inbox(line: Line, text: str) -> SmsMessage:
    return SmsMessage.objects.create(
        line=line, carrier=line.carrier, **holders_of(line), to_device=False, text=text,
        state=SmsState.RECEIVED, is_open=False,
    )  # fmt: skip


def post(client: Client, line: Line, **data: str) -> str:
    return client.post(f"/lines/{line.iccid}/sms/send/", data, follow=True).content.decode()


def test_the_price_and_the_count_stand_before_the_button_and_a_second_click_is_no_second_message(
    account: Account, line: Line
) -> None:
    client = client_of(account)
    page = evenly(client.get(f"/lines/{line.iccid}/sms/").content.decode())
    assert "of 70 characters; $0.05 when simbase takes it" in page
    for _ in range(2):
        assert "Waiting for the carrier" in post(client, line, text="reboot <now>", key="once")
    assert SmsMessage.objects.get().by == "owner1@acme.example"
    assert "reboot &lt;now&gt;" in client.get("/sms/?q=reb").content.decode()
    assert "No message matches" in client.get("/sms/?q=reset").content.decode()
    assert "reboot" in client.get(f"/sms/?q={line.iccid[-6:]}").content.decode()


def test_another_text_from_a_page_that_was_gone_back_to_is_another_message(account: Account, line: Line) -> None:
    for text in ("one", "two", "two", "th\0ree"):
        post(client_of(account), line, text=text, key="on\0ce")
    assert list(SmsMessage.objects.order_by("pk").values_list("text", flat=True)) == ["one", "two"]


def test_what_is_refused_comes_back_with_its_text(account: Account, line: Line) -> None:
    client = client_of(account)
    page = post(client, line, text="x" * 71)
    assert "1 to 70 characters; this one has 71" in page
    assert "x" * 71 in page
    LineState.objects.update(reported=0)
    assert "not activated" in post(client, line, text="hello")
    assert not SmsMessage.objects.exists()


def test_messages_from_devices_are_new_until_somebody_marks_them(account: Account, line: Line) -> None:
    client, message = client_of(account), inbox(line, "door open")
    assert "Mark 1 as read" in client.get("/sms/").content.decode()
    assert client.post("/sms/seen/", {"message": [message.pk], "next": "//evil.example"})["Location"] == "/sms/"
    assert "Mark" not in client.get("/sms/").content.decode()
    message.refresh_from_db()
    assert message.seen_by == "owner1@acme.example"


def test_strangers_see_and_change_nothing(fleet: Fleet, line: Line) -> None:
    message, stranger = inbox(line, "CANARY"), client_of(fleet.account())
    assert stranger.get(f"/lines/{line.iccid}/sms/").status_code == 404
    assert stranger.post(f"/lines/{line.iccid}/sms/send/", {"text": "x"}).status_code == 404
    assert "CANARY" not in stranger.get("/sms/").content.decode()
    stranger.post("/sms/seen/", {"message": [message.pk]})
    message.refresh_from_db()
    assert message.seen_at is None


def test_a_subaccounts_people_write_and_read_without_prices_and_carriers(fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    LineState.objects.filter(pk=line.pk).update(reported=1)
    client = client_of(sub)
    page = post(client, line, text="hello")
    assert "hello" in page
    assert "$" not in page
    assert "simbase" not in page
    sms_refused(message_id=SmsMessage.objects.get().pk, reason="Simbase refused POST /simcards")
    page = client.get("/sms/").content.decode()
    assert "Not sent" in page
    assert "Simbase" not in page
    assert "Simbase refused" in client_of(account).get("/sms/").content.decode()


def test_old_messages_stay_with_who_had_the_line(fleet: Fleet, account: Account) -> None:
    sub, other = fleet.account(parent=account), fleet.account(parent=account)
    line = fleet.line(sub)
    LineState.objects.filter(pk=line.pk).update(reported=1)
    send_sms(line=line, text="SECRET", by=OPERATOR)
    assign(line_ids=[line.pk], holder=other, by=OPERATOR)
    assert "SECRET" not in client_of(other).get(f"/lines/{line.iccid}/sms/").content.decode()
    assert "SECRET" in client_of(account).get(f"/lines/{line.iccid}/sms/").content.decode()


def test_a_long_list_turns_its_pages(account: Account, line: Line) -> None:
    for number in range(60):
        inbox(line, f"message {number:02}")
    client = client_of(account)
    first = client.get("/sms/").content.decode()
    assert "message 59" in first
    assert "message 09" not in first
    older = re.search(r'href="(/sms/\?before=\d+)"', first)
    assert older
    assert "message 09" in client.get(older[1]).content.decode()
