"""What was kept of an account's lines beyond what bills are proved by."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Model, Q
from kit import clock
from kit.errors import Refusal

from accounts.models import Account
from accounts.policy import Actor
from lines.commands.leaving import release_lines
from lines.commands.retention import REMOVED
from lines.commands.sms import sms_refused
from lines.models import (
    Cap,
    CustomField,
    Drive,
    IccidList,
    ImportedDay,
    Job,
    Line,
    LineDevice,
    LineFile,
    LineSetting,
    LineState,
    Move,
    NameSharing,
    NotesLeft,
    Order,
    PlanOffer,
    Reservation,
    SandboxSim,
    Sighting,
    SmsMessage,
    Tag,
    UsageExport,
)
from lines.models.sms import KEPT
from lines.policy import SmsState
from lines.queries.sandbox import ahead_of


class HasLines(Refusal):
    """The account still has lines, or messages on their way."""


# Deleted as they are, with what hangs on them.
OWN: tuple[type[Model], ...] = (
    Job, IccidList, LineFile, NameSharing, NotesLeft, Reservation, PlanOffer, Cap, Tag, CustomField, UsageExport,
)  # fmt: skip


@transaction.atomic
def empty_test_account(*, account: Account, by: Actor) -> None:
    """Takes the lines out of a test account that is closed, with all that they say, and ends its messages. Harmless
    twice."""
    ids = list(Line.objects.filter(payer=account).values_list("pk", flat=True))
    with clock.ahead(ahead_of(account)):
        for message_id in SmsMessage.objects.filter(payer=account, state=SmsState.QUEUED).values_list("pk", flat=True):
            sms_refused(message_id=message_id, reason="The test account was erased")
        SmsMessage.objects.filter(payer=account, is_open=True).update(is_open=False)
        release_lines(line_ids=ids, to=None, by=by)
    Drive.objects.filter(line__in=ids).delete()  # nobody asks the simulated carrier about a line of nobody
    SandboxSim.objects.filter(line__in=ids).delete()
    LineDevice.objects.filter(line__in=ids).delete()
    Line.objects.filter(pk__in=ids).update(imei="", msisdn="")


@transaction.atomic
def erase_lines(*, account: Account, people: Sequence[str]) -> dict[str, int]:
    """Deletes places, sessions, jobs, caps, tags, fields, notes and lists, and takes texts out of messages and orders,
    whose rows the books lean on, and `people`'s mail addresses out of what was set on lines. Gives rows by table.
    Raises HasLines. Harmless twice."""
    held = Account.objects.filter(pk=account.pk) | Account.objects.filter(parent=account)
    if count := Line.objects.filter(payer=account).count():
        raise HasLines(
            f"The account has {count:,} line{'s' if count > 1 else ''}. Release {'them' if count > 1 else 'it'} first."
        )
    messages = SmsMessage.objects.filter(payer=account)
    if messages.filter(Q(is_open=True) | ~Q(doubt="")).exists():
        raise HasLines("A message is on its way, or waits for an answer. Settle it first.")
    gone = {
        "Sighting": Sighting.objects.filter(payer=account).delete()[0],
        "ImportedDay": ImportedDay.objects.filter(payer=account).delete()[0],
        "Move": Move.objects.filter(account=account).delete()[0],
    }
    for model in OWN:
        gone[model.__name__] = model._default_manager.filter(account__in=held).delete()[0]
    texts = messages.exclude(text=REMOVED)
    gone["SmsMessage"] = texts.update(text=REMOVED, salt="", by="", seen_by="", month=KEPT)
    orders = Order.objects.filter(account__in=held).exclude(contact=REMOVED)
    gone["Order"] = orders.update(contact=REMOVED, email="removed@example.com", phone="", address="", message="", by="")
    gone["LineSetting"] = LineSetting.objects.filter(by__in=people).update(by="")
    LineState.objects.filter(why_who__in=people).update(why_who="")
    return gone
