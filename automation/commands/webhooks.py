"""Addresses that hear of what happens, and what becomes of each message to them."""

from __future__ import annotations

import datetime as dt
import re
import socket
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from kit import clock, crypto
from kit.errors import Invalid, Refusal
from kit.outside import is_listed

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor
from automation import outbound, policy
from automation.commands.feed import LOCK, deliver, envelope
from automation.kinds import TOPICS
from automation.models import FeedEvent, WebhookDelivery, WebhookEndpoint
from billing.commands.notices import tell
from billing.policy.notices import Kind
from billing.words import Told
from lines.commands import leases

MOST_ENDPOINTS = 10  # of an account
GONE = 410  # the receiver wants no more of them


class TooManyWebhooks(Refusal):
    """The account has as many addresses as it may have."""


@transaction.atomic
def add_webhook(*, account: Account, url: str, topics: Sequence[str], by: Actor) -> WebhookEndpoint:
    """Raises Invalid, TooManyWebhooks."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if WebhookEndpoint.objects.filter(account=account, deleted_at=None).count() >= MOST_ENDPOINTS:
        raise TooManyWebhooks(f"An account has at most {MOST_ENDPOINTS} webhooks; delete one that is not needed")
    endpoint = WebhookEndpoint(account=account, url=_checked_url(url), topics=_checked_topics(topics))
    endpoint.secret = crypto.encrypt(outbound.new_secret(), row=f"webhook:{endpoint.uuid.hex}")
    endpoint.save()
    _record("webhook.added", endpoint, by)
    return endpoint


@transaction.atomic
def change_webhook(
    *, account: Account, endpoint: WebhookEndpoint, url: str, topics: Sequence[str], by: Actor
) -> WebhookEndpoint:
    """What waits goes to the new address. Raises Invalid."""
    locked = _locked(account, endpoint)
    locked.url, locked.topics = _checked_url(url), _checked_topics(topics)
    locked.save(update_fields=["url", "topics"])
    _record("webhook.changed", locked, by)
    return locked


@transaction.atomic
def switch_webhook(*, account: Account, endpoint: WebhookEndpoint, on: bool, by: Actor, catch_up: bool = False) -> None:
    """Off: nothing is sent. On: what happened meanwhile is sent where it is to `catch_up`, as far as the feed goes
    back, and never otherwise. Harmless twice."""
    locked = _locked(account, endpoint)
    if locked.is_on != on:
        locked.is_on, now = on, clock.now()
        if on and not catch_up:
            locked.since = now
        if not on:
            locked.off_at = now
        locked.save(update_fields=["is_on", "since", "off_at"])
        if on and catch_up:
            _catch_up(locked)
        _record("webhook.switched_on" if on else "webhook.switched_off", locked, by)


def _catch_up(endpoint: WebhookEndpoint) -> None:
    """The feed's writer waits meanwhile: what it tells now is sent by it or here, never by neither."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    missed = FeedEvent.objects.filter(account=endpoint.account, topic__in=endpoint.topics, told_at__gte=endpoint.off_at)
    sent = WebhookDelivery.objects.filter(endpoint=endpoint, feed__isnull=False).values("feed")
    deliver(pairs=[(row, endpoint) for row in missed.exclude(pk__in=sent).order_by("pk")])


@transaction.atomic
def delete_webhook(*, account: Account, endpoint: WebhookEndpoint, by: Actor) -> None:
    """What waits is given up. Harmless twice."""
    locked = _locked(account, endpoint)
    if locked.deleted_at is None:
        locked.deleted_at, locked.is_on = clock.now(), False
        locked.save(update_fields=["deleted_at", "is_on"])
        _record("webhook.deleted", locked, by)


@transaction.atomic
def show_secret(*, endpoint: WebhookEndpoint, by: Actor) -> str:
    """The secret, and that it was looked at."""
    _record("webhook.secret_shown", endpoint, by)
    return crypto.decrypt(endpoint.secret, row=f"webhook:{endpoint.uuid.hex}")


OVERLAP_HOURS = (0, 24, 168)


@transaction.atomic
def renew_secret(*, account: Account, endpoint: WebhookEndpoint, by: Actor, overlap_hours: int = 24) -> None:
    """Messages are signed with a new secret from now on, and for so many hours with the one before, too: a receiver
    that has either takes them. Raises Invalid."""
    if overlap_hours not in OVERLAP_HOURS:
        raise Invalid("The secret before signs for 0, 24 or 168 hours more", field="overlap_hours")
    locked = _locked(account, endpoint)
    locked.former_secret = locked.secret if overlap_hours else ""
    locked.former_until = clock.now() + dt.timedelta(hours=overlap_hours) if overlap_hours else None
    locked.secret = crypto.encrypt(outbound.new_secret(), row=f"webhook:{locked.uuid.hex}")
    locked.save(update_fields=["secret", "former_secret", "former_until"])
    _record("webhook.secret_renewed", locked, by)


def _locked(account: Account, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk, account=account)


def _checked_url(url: str) -> str:
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("Give a whole address, like https://example.com/hooks/sims") from None
    private = settings.WEBHOOKS_TO_PRIVATE
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Invalid("Give an address that begins with https://")
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not host or parts.username or parts.password or parts.fragment or not is_plain or len(url) > 500:
        raise Invalid("Give an address without a name, a password or a fragment, of at most 500 plain characters")
    if not private and (443 if port is None else port) not in settings.WEBHOOK_PORTS:
        raise Invalid(f"Use port {' or '.join(map(str, settings.WEBHOOK_PORTS))} for webhooks")
    host = host.rstrip(".")
    literal = host if ":" in host else _as_old(host)
    if not private and (host == "localhost" or (literal and not outbound.is_public(literal))):
        raise Invalid("Give a public address: this one leads into a private network")
    if settings.WEBHOOK_HOSTS and not is_listed(host, settings.WEBHOOK_HOSTS):
        raise Invalid(f"{host} is not a host that webhooks may go to. Ask your provider")
    return url


def _as_old(host: str) -> str:
    """An address of IPv4 in any of its old spellings, `127.1` or `0x7f000001`; empty for a name."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host)) if re.fullmatch(r"[0-9a-fx.]+", host) else ""
    except OSError:
        return ""


def _checked_topics(topics: Sequence[str]) -> list[str]:
    if not topics or any(topic not in TOPICS for topic in topics):
        raise Invalid("Choose what it hears of")
    return [topic for topic in TOPICS if topic in topics]


def _record(verb: str, endpoint: WebhookEndpoint, by: Actor) -> None:
    detail = {"url": endpoint.url, "topics": endpoint.topics}
    record(by=by, verb=verb, account_id=endpoint.account_id, subject=f"webhook:{endpoint.uuid.hex}", detail=detail)


@transaction.atomic
def send_test(*, account: Account, endpoint: WebhookEndpoint, by: Actor) -> WebhookDelivery:
    """A message that means nothing, to see whether it arrives."""
    locked = _locked(account, endpoint)
    data, ident = {"by": by.name, "note": "A test: nothing happened."}, uuid.uuid4()
    body = envelope(kind="test", ident=ident, at=clock.now(), account=account.uuid, data=data)
    return WebhookDelivery.objects.create(endpoint=locked, topic="test", body=body)


@transaction.atomic
def send_again(*, account: Account, delivery_id: int, by: Actor) -> WebhookDelivery:
    """The same message with the same id, at once, whatever became of it. Raises WebhookDelivery.DoesNotExist."""
    rows = WebhookDelivery.objects.select_for_update(of=("self",)).select_related("endpoint")
    delivery = rows.get(pk=delivery_id, endpoint__account=account, endpoint__deleted_at=None)
    delivery.delivered_at = delivery.failed_at = delivery.due_at = delivery.leased_until = None
    delivery.attempts = 0
    delivery.save()
    subject = f"webhook:{delivery.endpoint.uuid.hex}"
    detail = {"message": delivery.uuid.hex}
    record(by=by, verb="webhook.sent_again", account_id=account.pk, subject=subject, detail=detail)
    return delivery


def claim_deliveries(*, limit: int) -> list[WebhookDelivery]:
    """Takes messages that are due."""
    on = (
        "endpoint_id IN (SELECT id FROM automation_webhookendpoint WHERE is_on AND deleted_at IS NULL"
        " AND (wait_until IS NULL OR wait_until <= %s))"
    )
    where = f"delivered_at IS NULL AND failed_at IS NULL AND {on}"
    ids = leases.claim(model=WebhookDelivery, limit=limit, where=where, parameters=[clock.now()])
    return list(WebhookDelivery.objects.filter(pk__in=ids).select_related("endpoint").order_by("pk"))


@transaction.atomic
def delivered(*, delivery: WebhookDelivery, status: int) -> None:
    """It was taken. Where messages to the address had been given up, the owner is told that it works again."""
    now = clock.now()
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        delivered_at=now, tried_at=now, status=status, leased_until=None, last_error=""
    )
    endpoint = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    endpoint.exclude(wait_until=None).update(wait_until=None)
    if endpoint.exclude(given_up_at=None).update(given_up_at=None):
        _tell_taken_again(delivery.endpoint)


PAUSE = dt.timedelta(seconds=30)
AGAIN = dt.timedelta(days=1)  # between two mails that an address still takes nothing


@transaction.atomic
def not_delivered(*, delivery: WebhookDelivery, reason: str, status: int | None, wait: float | None = None) -> None:
    """It is tried again later, for three days; what else waits for that address waits a little, so that one that does
    not answer holds up nobody's messages; `wait` seconds where its owner asked for patience. The owner is told when
    one is given up, once a day."""
    now = clock.now()
    asked = dt.timedelta(seconds=wait or 0)
    again = None if status == GONE else policy.retry_at(delivery.attempts, now, asked)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        due_at=again,
        failed_at=None if again else now,
        tried_at=now,
        status=status,
        leased_until=None,
        last_error=reason[:300],
    )
    waiting = WebhookDelivery.objects.filter(
        endpoint=delivery.endpoint, delivered_at=None, failed_at=None, leased_until=None
    ).exclude(pk=delivery.pk)
    waiting.exclude(due_at__gt=now).update(due_at=now + PAUSE)
    if asked:
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(wait_until=now + asked)
    if again is None:
        _tell_given_up(delivery.endpoint, reason)


def _tell_given_up(endpoint: WebhookEndpoint, reason: str) -> None:
    """Once a day as long as it stays so. Not where its owner knows: the address is off, or gone."""
    now = clock.now()
    told_before = WebhookEndpoint.objects.select_for_update().values_list("given_up_at", flat=True).get(pk=endpoint.pk)
    if told_before is not None and told_before > now - AGAIN:
        return
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(given_up_at=now)
    told = Told(
        f"Webhook messages to {_host(endpoint)} could not be delivered",
        f"Messages to {endpoint.url} failed, and we stopped retrying: {reason}. See the log under Automation, Webhooks."
        " You can send them again there.",
    )
    _tell(endpoint, told)


def _tell_taken_again(endpoint: WebhookEndpoint) -> None:
    told = Told(
        f"Webhook messages to {_host(endpoint)} are delivered again",
        f"{endpoint.url} accepted a message. Messages that failed before are in the log under Automation, Webhooks."
        " You can send them again there.",
    )
    _tell(endpoint, told)


def _tell(endpoint: WebhookEndpoint, told: Told) -> None:
    key = f"webhook:{endpoint.pk}:{clock.now().isoformat()}"
    page = f"/automation/webhooks/{endpoint.uuid.hex}/"
    tell(account_id=endpoint.account_id, key=key, told=told, page=page, about=f"webhook:{endpoint.pk}", kind=Kind.RULES)


def _host(endpoint: WebhookEndpoint) -> str:
    return (urlsplit(endpoint.url).hostname or endpoint.url)[:100]


def drop_old_deliveries(*, limit: int = 10_000) -> int:
    """Messages that ended over a month ago are forgotten; says how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=clock.now() - policy.KEPT)
    ended = old.exclude(delivered_at=None, failed_at=None).order_by("pk").values("pk")[:limit]
    return WebhookDelivery.objects.filter(pk__in=ended).delete()[0]
