"""Messages to and from devices, as a person may see them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from kit.money import ZERO

from accounts.models import Account, ApiCredential, ApiKey, Event
from accounts.policy import Right, key_actor
from accounts.queries import Viewer
from lines.models import Line, Price, SmsMessage
from lines.policy import SmsState
from lines.queries.scope import lines_of
from lines.queries.search import HasWords, by_index

SIZE = 50
COUNTED = 1_000  # unread messages are counted up to here


def sms_price(plan_id: int, *, now: dt.datetime) -> Decimal:
    """What a message to a device costs on this plan now, USD."""
    prices = Price.objects.default().filter(plan_id=plan_id).filter(Q(valid_from=None) | Q(valid_from__lte=now))
    began = Coalesce("valid_from", dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    return prices.order_by(began.desc()).values_list("per_sms", flat=True).first() or ZERO


@dataclass(frozen=True, slots=True)
class SmsShown:
    """A message as one person may see it. `price` is None for who sees no money."""

    pk: int
    iccid: str
    notes: str
    holder: str  # the sub-account that held the line, empty for the account's own
    to_device: bool
    text: str
    state: SmsState
    at: dt.datetime
    word: str
    error: str
    by: str
    price: Decimal | None
    is_new: bool
    may_still_go: bool  # the carrier has not said whether it took it
    doubt: str = ""  # what the carrier lists that may be it


def sms_of(viewer: Viewer) -> QuerySet[SmsMessage]:
    """The messages that a person sees: those of lines that a sub-account held, or all that an account paid for."""
    account = viewer.account
    messages = SmsMessage.objects.all()
    return messages.filter(account=account) if account.is_subaccount else messages.filter(payer=account)


def list_sms(
    viewer: Viewer, *, line: Line | None = None, q: str = "", which: str = "", before: int | None = None
) -> tuple[list[SmsShown], bool]:
    """The newest messages before this one of theirs, by when they were sent or received: at most SIZE, and whether
    there are older ones.

    `q`: words of the text, or an ICCID, IMEI, MSISDN or notes as the list of lines finds them. `which`: `in`, `out`,
    `unread`, `failed` or `doubtful`.
    """
    messages = sms_of(viewer)
    if line is not None:
        messages = messages.filter(line=line)
    if q:
        messages = messages.filter(_has(q, viewer))
    if which:
        messages = messages.filter(WHICH[which])
    if before is not None:
        then = sms_of(viewer).filter(pk=before).values("at")[:1]
        messages = messages.filter(Q(at__lt=Subquery(then)) | Q(at=Subquery(then), pk__lt=before))
    rows = list(messages.select_related("line", "account").order_by("-at", "-id")[: SIZE + 1])
    return messages_shown(rows[:SIZE], viewer), len(rows) > SIZE


WHICH = {
    "in": Q(to_device=False),
    "out": Q(to_device=True),
    "unread": Q(state=SmsState.RECEIVED, seen_at=None),
    "failed": Q(state__in=[SmsState.REFUSED, SmsState.UNDELIVERED]) | ~Q(doubt=""),
    "doubtful": ~Q(doubt=""),
}


def _has(text: str, viewer: Viewer) -> Q:
    found = Q(line__in=by_index(lines_of(viewer), text).order_by().values("pk"))
    words = re.findall(r"\w+", text)
    return found | Q(HasWords.of("text", words)) if words else found


def messages_shown(messages: Iterable[SmsMessage], viewer: Viewer) -> list[SmsShown]:
    """Messages that are this viewer's, as they may see them: a sub-account neither the carrier's words nor who its
    provider's people are."""
    own = _names_of(viewer.account) if viewer.account.is_subaccount else None
    return [_shown(message, viewer, own) for message in messages]


NOT_TAKEN = "The network did not take the message"


def _names_of(account: Account) -> set[str]:
    """What an account's own people and keys are called where they act."""
    people = account.memberships.values_list("user__email", flat=True)
    keys = ApiKey.objects.filter(account=account).values_list("name", flat=True)
    signers = ApiCredential.objects.filter(account=account).values_list("user_uuid", flat=True)
    return {*people, *(key_actor(name).name for name in [*keys, *(uuid[:8] for uuid in signers)])}


def _shown(message: SmsMessage, viewer: Viewer, own: set[str] | None) -> SmsShown:
    outsider = own is not None
    refused = message.last_error if message.state == SmsState.REFUSED else ""
    return SmsShown(
        pk=message.pk,
        iccid=message.line.iccid,
        notes=message.line.notes if _is_still(message.line, viewer.account) else "",
        holder=message.account.name if message.account.is_subaccount and not outsider else "",
        to_device=message.to_device,
        text=message.text,
        state=SmsState(message.state),
        at=message.at,
        word="" if outsider else message.word,
        error=NOT_TAKEN if refused and outsider else refused,
        by=message.by if own is None or message.by in own else "",
        price=message.price if viewer.may(Right.SEE_MONEY) and message.accepted_at else None,
        is_new=message.state == SmsState.RECEIVED and message.seen_at is None,
        may_still_go=message.state == SmsState.QUEUED and message.attempts > 0,
        doubt=message.doubt,
    )


def _is_still(line: Line, account: Account) -> bool:
    """The line's notes are its holder's; its old messages stay with who had it."""
    return line.account_id == account.pk if account.is_subaccount else line.payer_id == account.pk


def count_unread(viewer: Viewer) -> int:
    """Messages from devices that nobody has marked as read, up to COUNTED."""
    return sms_of(viewer).filter(WHICH["unread"]).order_by().values("pk")[:COUNTED].count()


def texts_of(events: Sequence[Event]) -> dict[int, dict[str, str]]:
    """By event, the text of the message that it is about, where the event has only its digest."""
    about = {event.pk: event.detail["sms"] for event in events if "text_digest" in event.detail}
    texts = dict(SmsMessage.objects.filter(pk__in=about.values()).values_list("pk", "text"))
    return {event: {"text": texts[message]} for event, message in about.items() if message in texts}
