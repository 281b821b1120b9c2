"""Messages: written, handed to the carrier, charged once when it takes them, followed until their fate is known."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from kit import clock
from kit.crypto import new_hex
from kit.errors import Invalid, Refusal

from accounts.commands import record
from accounts.commands.people import refuse_unconfirmed
from accounts.policy import ASKING, Actor, ActorKind
from billing.commands import charge_sms, lock_wallets
from billing.commands.notices import tell
from billing.policy.notices import Kind
from billing.words import Told
from lines import policy
from lines.carriers import CLIENTS
from lines.carriers.base import Sms, SmsFate
from lines.commands import leases
from lines.commands.changes import note_changed_lines
from lines.commands.daily import or_turn_away
from lines.commands.wishes import LineInStock, enforce
from lines.models import Carrier, Line, LineState, SmsMessage
from lines.policy import SmsState, Wanted
from lines.policy.budget import Costly
from lines.queries.sms import sms_price
from lines.rules import is_confirmed_on
from lines.texts import Likeness, is_visible, likeness


class LineNotActive(Refusal):
    """The line is not Activated."""


class CarrierCannot(Refusal):
    """The line's carrier has no such call."""


@transaction.atomic
def send_sms(*, line: Line, text: str, by: Actor, key: str = "") -> SmsMessage:
    """Writes a message to a device; a worker hands it to the carrier. The same key twice is one message.

    Raises Invalid, LineNotActive, LineInStock, CarrierCannot, Unconfirmed, DayLimit.
    """
    text = checked_text(text=text)
    if line.account_id is None or line.payer is None:
        raise LineInStock(f"Line {line.iccid} belongs to no account")
    if by.kind in ASKING:
        refuse_unconfirmed(account=line.payer)
    if key and (before := SmsMessage.objects.filter(key=key, line=line).first()):
        return before
    if not CLIENTS[line.carrier.kind].abilities.sends_sms:
        raise CarrierCannot(f"Line {line.iccid} gets no messages: its carrier sends none")
    if not is_active(state=LineState.objects.select_for_update().get(pk=line.pk)):
        raise LineNotActive(f"Line {line.iccid} is not activated: a message would not reach it; activate it first")
    or_turn_away(line=line, kind=Costly.SMS, by=by)
    try:
        with transaction.atomic():
            message = SmsMessage.objects.create(
                line=line,
                carrier_id=line.carrier_id,
                account_id=line.account_id,
                payer_id=line.payer.pk,
                to_device=True,
                text=text,
                salt=new_hex(),
                state=SmsState.QUEUED,
                key=key or None,
                by=by.name,
                price=sms_price(line.plan_id, now=clock.now()),
                created_at=clock.now(),
                at=clock.now(),
            )
    except IntegrityError:  # the second click of two at once
        raise Refusal("This message is sent already") from None
    _record(message, by=by, verb="sms.sent")
    return message


def digest_of(*, message: SmsMessage) -> str:
    """What the audit keeps of a text: it proves what was written while the message is kept, and says nothing once the
    text and its salt are removed."""
    return hashlib.sha256(f"{message.salt} {message.text}".encode()).hexdigest()


def is_active(*, state: LineState) -> bool:
    """Whether a line is Activated, as `policy.status` has it."""
    return state.wanted == Wanted.ACTIVE and is_confirmed_on(state.reported, blocked=state.blocked)


def checked_text(*, text: str) -> str:
    """A message as it is sent: exactly as it was typed, blanks and all. Many devices take two leading blanks for a
    command without a password. Raises Invalid."""
    text = text.replace("\r\n", "\n")  # as browsers send a line end
    try:
        length = policy.sms_length(text)
    except UnicodeEncodeError:
        raise Invalid("The message has half a character in it; write it again") from None
    if not 1 <= length <= policy.LONGEST_SMS:
        raise Invalid(f"A message has 1 to {policy.LONGEST_SMS} characters; this one has {length}")
    if not is_visible(text):
        raise Invalid("This message has nothing in it that can be seen. Enter a text.")
    if any(character < " " and character != "\n" for character in text):
        raise Invalid("The message has a character in it that no phone shows")
    return text


def _record(message: SmsMessage, *, by: Actor, verb: str, **more: object) -> None:
    """An event names its message and proves its text; who may read the text finds it there, as long as it is kept."""
    detail = {"sms": message.pk, "text_digest": digest_of(message=message), **more}
    record(by=by, verb=verb, account_id=message.account_id, subject=f"line:{message.line.iccid}", detail=detail)


# Handing over


@dataclass(frozen=True, slots=True)
class ClaimedSms:
    """A message that is ours until the lease ends."""

    pk: int
    iccid: str
    text: str
    is_sent: bool  # it is only to be followed
    ref: str
    ask_first: bool
    asked_at: dt.datetime | None
    written_at: dt.datetime


def claim_sms(*, carrier: Carrier, limit: int) -> list[ClaimedSms]:
    """Takes messages of a carrier about which there is something to do.

    From here on one that is not sent yet may have been: who is killed before the answer leaves that behind.
    """
    ids = leases.claim(model=SmsMessage, limit=limit, where="carrier_id = %s AND is_open", parameters=[carrier.pk])
    found = list(SmsMessage.objects.filter(pk__in=ids).select_related("line", "line__state").order_by("pk"))
    claimed = []
    for message in found:
        if message.state == SmsState.QUEUED and not message.ask_first and not is_active(state=message.line.state):
            sms_refused(message_id=message.pk, reason="The line was no longer activated")
            continue
        claimed.append(
            ClaimedSms(
                pk=message.pk,
                iccid=message.line.called,
                text=message.text,
                is_sent=message.state == SmsState.SENT,
                ref=message.ref,
                ask_first=message.ask_first,
                asked_at=message.asked_at,
                written_at=message.created_at,
            )
        )
    to_send = [one.pk for one in claimed if not one.is_sent and not one.ask_first]
    SmsMessage.objects.filter(pk__in=to_send).update(asked_at=clock.now(), ask_first=True)
    return claimed


@transaction.atomic
def sms_goes_again(*, message_id: int) -> bool:
    """A message that the carrier does not show is about to be handed over once more; False where its line is off."""
    message = SmsMessage.objects.select_for_update(of=("self",)).select_related("line__state").get(pk=message_id)
    message.asked_at = clock.now()
    message.save(update_fields=["asked_at"])
    return is_active(state=message.line.state)


@transaction.atomic
def sms_accepted(*, message_id: int, sms: Sms, follow: bool) -> None:
    """The carrier took a message: it is charged, once, and followed where the carrier tells what becomes of it."""
    message = SmsMessage.objects.select_related("line", "carrier").get(pk=message_id)
    lock_wallets(account_ids=[message.payer_id])
    LineState.objects.select_for_update().get(pk=message.line_id)
    message = SmsMessage.objects.select_for_update(of=("self",)).select_related("line", "carrier").get(pk=message_id)
    if message.state != SmsState.QUEUED:
        return
    message.state, message.accepted_at = SmsState.SENT, clock.now()
    message.at, message.ref, message.word = sms.at or message.accepted_at, sms.ref, sms.word[:40]
    message.nth = SmsMessage.objects.filter(line_id=message.line_id, ref=sms.ref).count() if sms.ref else 0
    message.is_open = follow and bool(sms.ref)
    message.ask_first, message.last_error, message.leased_until = False, "", None
    message.due_at = message.accepted_at + policy.sms_follow_after(dt.timedelta(0))
    message.save()
    if message.price:
        charge_sms(
            account_id=message.payer_id,
            key=f"sms:{message.pk}",
            amount=message.price,
            day=clock.today(),
            note=f"SMS to {message.line.iccid}",
        )
        note_changed_lines(line_ids=[message.line_id])
        enforce(account_ids=[message.payer_id])


@transaction.atomic
def sms_refused(*, message_id: int, reason: str) -> None:
    """A message does not go out: nothing is charged. Harmless twice."""
    message = SmsMessage.objects.select_for_update(of=("self",)).select_related("line", "carrier").get(pk=message_id)
    if message.state != SmsState.QUEUED:
        return
    message.state, message.is_open = SmsState.REFUSED, False
    message.last_error, message.leased_until, message.ask_first = reason[:300], None, False
    message.save(update_fields=["state", "is_open", "last_error", "leased_until", "ask_first"])
    carrier = Actor(ActorKind.CARRIER, message.carrier.name)
    _record(message, by=carrier, verb="sms.refused", why=reason[:300])


@transaction.atomic
def sms_postponed(*, message_id: int, error: str, outcome_unknown: bool, wait: float | None = None) -> None:
    """The call did not work out; it is tried again later, after asking where its outcome is unknown."""
    message = SmsMessage.objects.select_for_update().get(pk=message_id)
    now = clock.now()
    if message.state == SmsState.QUEUED and not outcome_unknown and now - message.created_at > policy.SMS_GIVEN_UP:
        sms_refused(message_id=message_id, reason=f"Given up after a day. {error}")
        return
    if message.accepted_at and now - message.accepted_at > policy.SMS_FOLLOWED:
        message.is_open = False
    pause = policy.retry_after(message.attempts)
    message.due_at = now + (pause if wait is None else max(pause, dt.timedelta(seconds=wait)))
    message.ask_first = outcome_unknown and message.state == SmsState.QUEUED
    message.last_error, message.leased_until = error[:300], None
    message.save(update_fields=["due_at", "is_open", "ask_first", "last_error", "leased_until"])


@transaction.atomic
def sms_followed(*, message_id: int, sms: Sms) -> None:
    """What the carrier says has become of a message that it took. Harmless twice."""
    message = SmsMessage.objects.select_for_update().get(pk=message_id)
    if message.state != SmsState.SENT or message.accepted_at is None:
        return
    age = clock.now() - message.accepted_at
    message.word, message.last_error, message.leased_until = sms.word[:40], "", None
    if sms.fate in (SmsFate.DELIVERED, SmsFate.FAILED):
        message.state = SmsState.DELIVERED if sms.fate is SmsFate.DELIVERED else SmsState.UNDELIVERED
    message.is_open = message.state == SmsState.SENT and age < policy.SMS_FOLLOWED
    message.due_at = clock.now() + policy.sms_follow_after(age)
    message.save(update_fields=["state", "word", "last_error", "leased_until", "is_open", "due_at"])
    if message.state != SmsState.SENT:
        why = {"why": message.word} if message.state == SmsState.UNDELIVERED else {}
        _record(message, by=Actor(ActorKind.CARRIER, message.carrier.name), verb=f"sms.{message.state}", **why)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A carrier's message that may be ours: a person knows, and a device must not get it twice."""

    sms: Sms


def found_again(*, message_id: int, listed: Sequence[Sms]) -> Sms | Doubt | None:
    """The carrier's message that is this one of ours, whose outcome is unknown, by what a network makes of its text.

    None where the carrier has none that it could be.
    """
    message = SmsMessage.objects.get(pk=message_id)
    since = message.created_at - CLOCKS_APART
    sent = [one for one in listed if one.to_device and (not one.at or one.at >= since)]
    free = []
    for one in sent:
        taken = SmsMessage.objects.filter(line_id=message.line_id, ref=one.ref).count() if one.ref else 0
        alike = [other for other in sent if other.ref == one.ref]
        if len(alike) > taken:
            free.append(one)
    for one in free:
        if likeness(message.text, one.text) is Likeness.SAME:
            return one
    waiting = SmsMessage.objects.filter(line_id=message.line_id, state=SmsState.QUEUED).exclude(pk=message_id)
    others = list(waiting.values_list("text", flat=True))
    for one in free:
        may_be = one.at is not None or likeness(message.text, one.text) is Likeness.MAYBE
        if may_be and not any(likeness(text, one.text) is Likeness.SAME for text in others):
            return Doubt(one)
    return None


@transaction.atomic
def sms_doubted(*, message_id: int, doubt: Doubt) -> None:
    """Nothing is done about a message until a person says whether the carrier's is it. Harmless twice."""
    message = SmsMessage.objects.select_for_update(of=("self",)).select_related("line", "carrier").get(pk=message_id)
    if message.state != SmsState.QUEUED or message.doubt:
        return
    message.doubt, message.doubt_ref = (doubt.sms.text or "?")[:1000], doubt.sms.ref[:80]
    message.is_open, message.leased_until = False, None
    message.save(update_fields=["doubt", "doubt_ref", "is_open", "leased_until"])
    carrier = Actor(ActorKind.CARRIER, message.carrier.name)
    _record(message, by=carrier, verb="sms.doubted")
    iccid = message.line.iccid
    told = Told(
        "Was this message sent?",
        f"You sent “{message.text}” to line {iccid}, and the carrier’s answer was lost. The carrier lists a message"
        f" “{message.doubt[:LISTED]}”. Nothing is charged or sent again until you say whether it is yours: open the"
        " line’s SMS tab, or call sms/settle of the API.",
    )
    key = f"sms-doubt:{message.pk}:{message.asked_at or message.created_at}"
    tell(account_id=message.payer_id, key=key[:120], told=told, page=f"/lines/{iccid}/sms/", kind=Kind.JOBS)


class AlreadySettled(Refusal):
    """Somebody has said what became of the message."""


@transaction.atomic
def settle_sms(*, message_id: int, was_sent: bool, by: Actor) -> None:
    """A person says whether a doubtful message went out: then it is charged, once; else it goes again.

    Raises AlreadySettled.
    """
    locked = SmsMessage.objects.select_for_update(of=("self",)).select_related("line", "carrier")
    message = locked.get(pk=message_id)
    if not message.doubt:
        raise AlreadySettled("This message is settled already.")
    listed, ref = message.doubt, message.doubt_ref
    message.doubt, message.doubt_ref, message.ask_first = "", "", False
    message.is_open, message.due_at, message.attempts = not was_sent, None, 0
    message.save(update_fields=["doubt", "doubt_ref", "ask_first", "is_open", "due_at", "attempts"])
    _record(message, by=by, verb="sms.settled", was_sent=was_sent)
    if was_sent:
        follow = CLIENTS[message.carrier.kind].abilities.tells_sms_fate
        sms_accepted(message_id=message.pk, sms=Sms(ref, True, listed, None), follow=follow)


LISTED = 200  # characters of what a carrier lists, in a mail
CLOCKS_APART = dt.timedelta(minutes=5)  # how far a carrier's clock may run behind ours


def mark_seen(*, message_ids: Collection[int], by: Actor) -> int:
    """These messages from devices are read; says how many were not. The caller has checked whose they are."""
    unread = SmsMessage.objects.filter(pk__in=message_ids, state=SmsState.RECEIVED, seen_at=None)
    return unread.update(seen_at=clock.now(), seen_by=by.name)
