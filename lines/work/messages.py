"""Messages: handed to carriers, followed until their fate is known, and collected from them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from kit import clock

from lines import policy
from lines.carriers.base import CarrierClient, CarrierFailure, Malformed, OutcomeUnknown, Refused, Sms, Unreachable
from lines.carriers.wire import Unauthorized
from lines.commands import inbox, passes, sms
from lines.commands.inbox import ClaimedLook
from lines.commands.sms import CLOCKS_APART, ClaimedSms
from lines.models import Carrier
from lines.work.clients import client_for
from lines.work.reading import attempt

AT_ONCE = 8
Answer = Sms | tuple[Sms, ...] | CarrierFailure


@dataclass(slots=True)
class Handled:
    """Messages that carriers took, calls about messages, messages from devices, and what went wrong."""

    sent: int = 0
    asked: int = 0
    received: int = 0
    errors: list[str] = field(default_factory=list)

    def note(self, failure: CarrierFailure) -> None:
        if str(failure) not in self.errors and len(self.errors) < 10:
            self.errors.append(str(failure))


def handle_messages(carrier: Carrier, *, patience: float, stop: Callable[[], bool]) -> Handled:
    """Sends, follows and collects what is due at a carrier until nothing is or it is time to stop."""
    handled = Handled()
    client = client_for(carrier, patience=patience)
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="sms") as pool:
        while not stop():
            messages = sms.claim_sms(carrier=carrier, limit=AT_ONCE)
            looks = inbox.claim_looks(carrier=carrier, limit=AT_ONCE)
            if not messages and not looks:
                break
            answers = pool.map(lambda message: attempt(lambda: ask(client, message)), messages)
            for message, answer in zip(messages, answers, strict=True):
                handled.asked += 1
                _settle(carrier, client, message, answer, handled)
            _collect(carrier, client, looks, pool, handled)
    return handled


def ask(client: CarrierClient, message: ClaimedSms) -> Sms | tuple[Sms, ...]:
    """Hands a message over or asks what became of it; where an earlier outcome is unknown, the list to find it in."""
    if message.is_sent:
        return client.get_sms(message.iccid, message.ref)
    if message.ask_first:
        return client.list_sms(message.iccid, since=message.written_at - CLOCKS_APART)
    return client.send_sms(message.iccid, message.text)


def _settle(carrier: Carrier, client: CarrierClient, message: ClaimedSms, answer: Answer, handled: Handled) -> None:
    if isinstance(answer, tuple):
        again = _look_again(client, message, answer)
        if isinstance(again, sms.Doubt):
            sms.sms_doubted(message_id=message.pk, doubt=again)
            return
        answer = again
    if isinstance(answer, CarrierFailure):
        _failed(carrier, message, answer, handled)
    elif message.is_sent:
        sms.sms_followed(message_id=message.pk, sms=answer)
    else:
        handled.sent += 1
        sms.sms_accepted(message_id=message.pk, sms=answer, follow=client.abilities.tells_sms_fate)


def _look_again(
    client: CarrierClient, message: ClaimedSms, listed: tuple[Sms, ...]
) -> Sms | CarrierFailure | sms.Doubt:
    """The message among those that the carrier has; one that has not turned up for a while goes out again, unless the
    carrier has one that it may have become."""
    found = sms.found_again(message_id=message.pk, listed=listed)
    if isinstance(found, Sms):
        return found
    if message.asked_at is not None and clock.now() - message.asked_at < policy.SMS_READ_BACK:
        return OutcomeUnknown("The carrier does not show the message yet; it is looked for again before it goes again")
    if found is not None:
        return found
    if not sms.sms_goes_again(message_id=message.pk):
        return Refused("The line was no longer activated")
    return attempt(lambda: client.send_sms(message.iccid, message.text))


def _failed(carrier: Carrier, message: ClaimedSms, failure: CarrierFailure, handled: Handled) -> None:
    handled.note(failure)
    if isinstance(failure, Malformed):
        passes.quarantine(carrier=carrier, call=f"message of {message.iccid}", failure=failure)
    was_asking = message.is_sent or message.ask_first
    if isinstance(failure, Refused) and not isinstance(failure, Unauthorized) and not message.is_sent:
        sms.sms_refused(message_id=message.pk, reason=str(failure))
        return
    sms.sms_postponed(
        message_id=message.pk,
        error=str(failure),
        outcome_unknown=isinstance(failure, OutcomeUnknown) or was_asking,
        wait=failure.retry_after if isinstance(failure, Unreachable) else None,
    )


def _collect(
    carrier: Carrier, client: CarrierClient, looks: list[ClaimedLook], pool: ThreadPoolExecutor, handled: Handled
) -> None:
    looked_at = clock.now()
    answers = pool.map(lambda look: attempt(lambda: client.list_sms(look.iccid, since=look.since)), looks)
    for look, answer in zip(looks, answers, strict=True):
        if isinstance(answer, CarrierFailure):
            handled.note(answer)
            if isinstance(answer, Malformed):
                passes.quarantine(carrier=carrier, call=f"messages of {look.iccid}", failure=answer)
            wait = answer.retry_after if isinstance(answer, Unreachable) else None
            inbox.look_failed(line_id=look.line_id, error=str(answer), give_up=isinstance(answer, Refused), wait=wait)
        else:
            handled.received += inbox.received(line_id=look.line_id, listed=answer, looked_at=looked_at)
