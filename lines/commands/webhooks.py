"""What carriers tell by calling us: a hint to read some lines sooner. No figure and no state is taken from it.

A call that is lost, late, doubled or forged changes when a line is read and nothing else.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import connection, transaction
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from kit import clock, crypto
from kit.errors import Invalid, NotFound, Refusal
from kit.identifiers import all_spellings, asked

from accounts.commands import record
from accounts.policy import Actor
from lines.carriers import CLIENTS
from lines.carriers.webhooks import About, Heard, News, Token, Webhook, Whose
from lines.commands import leases
from lines.commands.carriers import LONGEST_SECRET
from lines.models import Carrier, CarrierWebhook, Line, ToldLine, WebhookCall

MOST_A_MINUTE = 600  # calls of one carrier
MOST_LINES = 5_000  # that one call is heard about; the others are read in their turn
NEWS = dt.timedelta(days=1)  # what happened longer ago is none
CLOCKS_APART = dt.timedelta(minutes=5)
PAUSE = dt.timedelta(seconds=60)  # between two readings of a line for which calls are the reason

LET_IN = """
UPDATE lines_carrierwebhook
   SET called_at = %(now)s, minute = %(minute)s,
       in_minute = CASE WHEN minute = %(minute)s THEN in_minute + 1 ELSE 1 END
 WHERE carrier_id = %(carrier)s AND (minute IS DISTINCT FROM %(minute)s OR in_minute < %(most)s)
RETURNING 1
"""
# A line that is due already stays so; one that was asked about a moment ago waits.
TELL = """
INSERT INTO {table} AS t (line_id, carrier_id, is_due, attempts, last_error{names})
SELECT id, %(carrier)s, true, 0, ''{values} FROM unnest(%(lines)s::bigint[]) AS d(id) ORDER BY id
ON CONFLICT (line_id) DO UPDATE SET is_due = true, attempts = 0, due_at = t.{asked} + %(pause)s * interval '1 second'
 WHERE NOT t.is_due
"""
DUE = {
    About.USAGE: TELL.format(table="lines_toldline", names="", values="", asked="read_at"),
    About.MESSAGE: TELL.format(table="lines_smslook", names="", values="", asked="looked_at"),
    About.DEVICE: TELL.format(table="lines_linedevice", names=", facts, counter", values=", '{}', 0", asked="asked_at"),
}
_signer = Signer(salt="lines.webhooks", sep=".")


class TooManyCalls(Refusal):
    """A carrier calls more often than is heard."""

    status = 429


@dataclass(frozen=True, slots=True)
class Opened:
    """What is told of a webhook to who sets it up at the carrier. `secret` is empty where we did not make it."""

    address: str
    secret: str
    header: str  # that has the secret; empty where another proof is asked for
    proof: str
    setup: str
    called_at: dt.datetime | None


def webhook_of(*, kind: str) -> Webhook:
    """Raises Invalid where carriers of this kind do not call."""
    found = CLIENTS[kind].webhook
    if found is None:
        raise Invalid(f"{CLIENTS[kind].title} has no webhooks for SIMs.")
    return found


@transaction.atomic
def open_webhook(*, carrier: Carrier, secret: str = "", by: Actor) -> CarrierWebhook:
    """Makes the address and, where it is ours, the secret of a carrier's calls; what there was before is shut.

    `secret`: the one that the carrier made, where it makes one. Raises Invalid.
    """
    proof, secret = webhook_of(kind=carrier.kind).proof, secret.strip()
    if proof.whose is not Whose.THEIRS and secret:
        raise Invalid(f"{CLIENTS[carrier.kind].title} makes no secret.")
    if proof.whose is Whose.THEIRS and not (secret.isascii() and secret.isprintable() and len(secret) >= 8):
        raise Invalid("The carrier’s secret has at least 8 characters.")
    if len(secret) > LONGEST_SECRET:
        raise Invalid(f"A secret has up to {LONGEST_SECRET} characters.")
    if proof.whose is Whose.OURS:
        secret = secrets.token_urlsafe(32)
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    sealed = crypto.encrypt(secret, row=f"carrier:{carrier.pk}") if secret else ""
    values = {"key": secrets.token_hex(16), "secret": sealed, "made_at": clock.now(), "made_by": by.name}
    values |= {"called_at": None, "minute": None, "in_minute": 0}
    found, _ = CarrierWebhook.objects.update_or_create(carrier=carrier, defaults=values)
    record(by=by, verb="carrier.webhook_opened", subject=f"carrier:{carrier.name}")
    return found


@transaction.atomic
def shut_webhook(*, carrier: Carrier, by: Actor) -> None:
    """Nothing that calls there is heard any more. Harmless twice."""
    if CarrierWebhook.objects.filter(carrier=carrier).delete()[0]:
        record(by=by, verb="carrier.webhook_closed", subject=f"carrier:{carrier.name}")


def token_of(*, webhook: CarrierWebhook) -> str:
    """What stands in the address: it names the carrier, and only we can make it."""
    return _signer.sign(f"{webhook.carrier_id}.{webhook.key}")


def webhook_known(*, carrier: Carrier) -> CarrierWebhook | None:
    """Where this carrier calls us; None where it has no address."""
    return CarrierWebhook.objects.select_related("carrier").filter(carrier=carrier).first()


def opened(*, webhook: CarrierWebhook) -> Opened:
    """What is done with it at the carrier. Raises Invalid where nobody could call us."""
    if not settings.CONSOLE_URL:
        raise Invalid("This installation doesn’t know its own address. Your administrator sets LINEKEEPER_URL.")
    hook = webhook_of(kind=webhook.carrier.kind)
    return Opened(
        address=str(settings.CONSOLE_URL) + reverse("carrier-told", args=[token_of(webhook=webhook)]),
        secret=secret_of(webhook=webhook) if hook.proof.whose is Whose.OURS else "",
        header=hook.proof.header if isinstance(hook.proof, Token) else "",
        proof=hook.proof.says,
        setup=hook.setup,
        called_at=webhook.called_at,
    )


def secret_of(*, webhook: CarrierWebhook) -> str:
    """What its calls prove themselves by; empty where there is none."""
    row, carrier = f"carrier:{webhook.carrier_id}", webhook.carrier
    proof = webhook_of(kind=carrier.kind).proof
    if proof.whose is Whose.CREDENTIAL:
        return str(json.loads(crypto.decrypt(carrier.secrets, row=row)).get(proof.credential, ""))
    return crypto.decrypt(webhook.secret, row=row) if webhook.secret else ""


def find_webhook(*, token: str) -> CarrierWebhook:
    """Whose address this is; a forged one costs no query. Raises NotFound."""
    try:
        carrier_id, _, key = _signer.unsign(token).partition(".")  # compares in constant time
        found = CarrierWebhook.objects.select_related("carrier").get(carrier=int(carrier_id), carrier__is_active=True)
    except (BadSignature, ValueError, CarrierWebhook.DoesNotExist):
        raise NotFound("There is no such address") from None
    if not constant_time_compare(found.key, key) or CLIENTS[found.carrier.kind].webhook is None:
        raise NotFound("There is no such address")
    return found


def hear(*, webhook: CarrierWebhook, url: str, headers: dict[str, str], read: Callable[[], bytes]) -> int:
    """A call at the address: where it proves itself, the lines that it names are to be read; says how many.

    `read`: its body, which a call with a wrong token is not asked for. The same call again is none.
    Raises NotFound for one that is not the carrier's, TooManyCalls, Unreadable.
    """
    hook, now, secret = webhook_of(kind=webhook.carrier.kind), clock.now(), secret_of(webhook=webhook)
    body = b"" if hook.proof.by_headers else read()
    if not hook.proof.holds(secret, Heard(url, headers, body), now):
        raise NotFound("There is no such address")
    _let_in(webhook, now)
    body = body or read()
    news = [one for one in hook.news_in(body) if _is_news(one, now)][:MOST_LINES]
    with transaction.atomic():
        if not news or _came_before(webhook.carrier, body, news, now):
            return 0
        return _tell(webhook.carrier, news)


def _let_in(webhook: CarrierWebhook, now: dt.datetime) -> None:
    minute = now.replace(second=0, microsecond=0)
    given: dict[str, Any] = {"carrier": webhook.carrier_id, "now": now, "minute": minute, "most": MOST_A_MINUTE}
    with connection.cursor() as cursor:
        cursor.execute(LET_IN, given)
        if cursor.fetchone() is None:
            raise TooManyCalls("Too many calls in this minute.")


def _is_news(one: News, now: dt.datetime) -> bool:
    return one.at is None or now - NEWS < one.at <= now + CLOCKS_APART


def _came_before(carrier: Carrier, body: bytes, news: Iterable[News], now: dt.datetime) -> bool:
    """Calls that say when something happened are never alike. One that does not may well be the next of its kind."""
    if any(one.at is None for one in news):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lines_webhookcall (carrier_id, digest, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
            " RETURNING 1",
            [carrier.pk, hashlib.sha256(body).digest(), now],
        )
        return cursor.fetchone() is None


def _tell(carrier: Carrier, news: Sequence[News]) -> int:
    """Only this carrier's own lines, and only those that somebody pays for."""
    abilities = CLIENTS[carrier.kind].abilities
    named = all_spellings(asked(one.iccid)[0] for one in news)
    lines = Line.objects.filter(carrier=carrier, payer__isnull=False, iccid__in=named)
    ids = {spelled: pk for pk, iccid in lines.values_list("pk", "iccid") for spelled in all_spellings([iccid])}
    told: dict[About, set[int]] = {}
    for one in news:
        if (pk := ids.get(asked(one.iccid)[0])) is not None:
            is_told = one.about is not About.MESSAGE or abilities.sends_sms
            told.setdefault(one.about if is_told else About.USAGE, set()).add(pk)
    for about, line_ids in sorted(told.items()):
        with connection.cursor() as cursor:
            cursor.execute(
                DUE[about], {"carrier": carrier.pk, "lines": sorted(line_ids), "pause": PAUSE.total_seconds()}
            )
    return len(set().union(*told.values()))


def claim_told(*, carrier: Carrier, limit: int) -> list[Line]:
    """Takes lines that the carrier has told of, the longest due first."""
    ids = leases.claim(model=ToldLine, limit=limit, where="carrier_id = %s AND is_due", parameters=[carrier.pk])
    return list(Line.objects.filter(pk__in=ids).only("iccid", "carrier_iccid").order_by("pk"))


def told_read(*, line_ids: Sequence[int], read_at: dt.datetime) -> None:
    """These were read, or could not be: their turn comes again with the others, or at the next call."""
    ToldLine.objects.filter(pk__in=line_ids).update(
        is_due=False, due_at=None, read_at=read_at, attempts=0, leased_until=None
    )


def forget_calls() -> int:
    """What is no news any more is not told apart from what is new: it says nothing at all."""
    return WebhookCall.objects.filter(at__lt=clock.now() - NEWS - CLOCKS_APART * 2).delete()[0]
