"""Messages to and from devices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from kit.endpoints import Input, Linked, endpoint, moment
from kit.errors import NotFound
from kit.paging import LARGEST, Page, Paging, newest

from accounts.policy import Right
from accounts.queries import Caller
from lines.api.asked import ICCID, Id, line_of
from lines.commands import sms as commands
from lines.models import SmsMessage
from lines.policy import SmsState
from lines.queries.sms import WHICH, messages_shown, sms_of
from lines.sentences import of_sms

GROUP = "SMS"
State = Literal["queued", "in-doubt", "sent", "delivered", "undelivered", "refused", "received"]


class Message(Linked):
    """An SMS. `queued`: the carrier has not taken it yet, and nothing is charged. `in-doubt`: the carrier’s answer was
    lost and nothing more is done until sms/settle says whether the message was sent; nothing is charged yet."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "line": "sim_card/{iccid}",
        "messages": "sim_card/{iccid}/sms",
    }

    id: int
    iccid: str
    direction: Literal["to_device", "from_device"]
    text: str
    status: Annotated[State, msgspec.Meta(description="undelivered and refused: it did not arrive")]
    why: Annotated[str, msgspec.Meta(description="Why it was refused or is in doubt, else empty")]
    sent_at: Annotated[str, msgspec.Meta(description="Or received; UTC")]
    price: Annotated[Decimal | None, msgspec.Meta(description="USD; null: not charged, or not yours to know")]
    is_new: Annotated[bool, msgspec.Meta(description="From a device, and not marked as read")]


_SAMPLE = Message(81, ICCID, "to_device", "reboot", "delivered", "", "2026-11-02 09:30:00", Decimal("0.050000"), False)
_ANSWER = Message(80, ICCID, "from_device", "ok", "received", "", "2026-11-02 09:31:00", None, True)


class Text(Input):
    """What the device is to get: 1 to 70 characters."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@endpoint("sim_card/{iccid}/sms", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE, body=Text("reboot"))
def send_sms(caller: Caller, iccid: str, asked: Text) -> Message:
    """Sends a message to an Activated line's device; charged once, when the carrier takes it"""
    message = commands.send_sms(line=line_of(caller, iccid), text=asked.text, by=caller.actor)
    return _messages([message], caller)[0]


@endpoint("sim_card/{iccid}/sms", right=Right.SEE_LINES, sample=[_SAMPLE, _ANSWER])
def sms_of_line(caller: Caller, iccid: str, asked: Paging) -> Page[Message]:
    """A line's messages to and from its device, the newest first"""
    page = newest(asked, sms_of(caller).filter(line=line_of(caller, iccid)).select_related("line", "account"))
    return Page(_messages(page.data, caller), page.total, page.links)


class Messages(Paging):
    """Which messages."""

    which: Annotated[
        Literal["in", "out", "unread", "failed", "doubtful"] | None,
        msgspec.Meta(description="in: from devices; out: to them; doubtful: sms/settle is to say what became of them"),
    ] = None


@endpoint("sms", right=Right.SEE_LINES, sample=[_SAMPLE, _ANSWER])
def sms(caller: Caller, asked: Messages) -> Page[Message]:
    """All messages of the account's lines, the newest first"""
    found = sms_of(caller)
    if asked.which:
        found = found.filter(WHICH[asked.which])
    page = newest(asked, found.select_related("line", "account"))
    return Page(_messages(page.data, caller), page.total, page.links)


class Read(Input):
    """Messages by their ids."""

    ids: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=LARGEST)]


class Marked(msgspec.Struct):
    """How many of them were new."""

    marked: int


@endpoint("sms/read", "POST", right=Right.EDIT_NOTES, sample=Marked(1), body=Read([80]))
def read_sms(caller: Caller, asked: Read) -> Marked:
    """Marks messages from devices as read; ids that are not yours are left alone"""
    theirs = sms_of(caller).filter(pk__in=asked.ids).values_list("pk", flat=True)
    return Marked(commands.mark_seen(message_ids=list(theirs), by=caller.actor))


class Settled(Input):
    """A message in doubt, and what you know of it."""

    id: Id
    was_sent: Annotated[bool, msgspec.Meta(description="true: it is charged; false: it is sent again")]


@endpoint("sms/settle", "POST", right=Right.ACTIVATE_LINES, sample=_SAMPLE, body=Settled(81, was_sent=True))
def settle_sms(caller: Caller, asked: Settled) -> Message:
    """Says whether a message in doubt was sent; then it is charged once, else it is sent again"""
    message = sms_of(caller).filter(pk=asked.id).select_related("line", "account").first()
    if message is None:
        raise NotFound("No such message is yours; sms lists them")
    line_of(caller, message.line.iccid)  # who has the line no longer sends nothing to it
    commands.settle_sms(message_id=message.pk, was_sent=asked.was_sent, by=caller.actor)
    message.refresh_from_db()
    return _messages([message], caller)[0]


def _messages(rows: list[SmsMessage], caller: Caller) -> list[Message]:
    return [
        Message(
            id=one.pk,
            iccid=one.iccid,
            direction="to_device" if one.to_device else "from_device",
            text=one.text,
            status="in-doubt" if one.doubt else SmsState(one.state).value,
            why=of_sms(one) if one.doubt else one.error,
            sent_at=moment(one.at),
            price=one.price,
            is_new=one.is_new,
        )
        for one in messages_shown(rows, caller)
    ]


ENDPOINTS = (send_sms, sms_of_line, sms, read_sms, settle_sms)
