"""The API's calls about webhooks: addresses that hear of what happens, signed by Standard Webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
from kit import crypto
from kit.endpoints import Ack, Input, Linked, endpoint, moment
from kit.errors import NotFound
from kit.paging import Page, Paging, listed, newest

from accounts.policy import Right
from accounts.queries import Caller
from automation.commands import webhooks as commands
from automation.models import WebhookDelivery, WebhookEndpoint
from automation.queries import outbox

GROUP = "Webhooks"
Topic = Literal[
    "rules",
    "lines",
    "usage",
    "balance",
    "payments",
    "sms",
    "jobs",
    "orders",
    "statements",
    "carriers",
    "notifications",
    "keys",
]
Topics = Annotated[list[Topic], msgspec.Meta(min_length=1, max_length=20)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=500, description="Public, https")]
Secret = Annotated[str | None, msgspec.Meta(description="Messages are signed with it; told only when it is made")]


class Webhook(Linked):
    """An address that hears of what happens."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "self": "webhooks/{uuid}",
        "messages": "webhooks/{uuid}/messages",
    }

    uuid: str
    url: str
    topics: list[Topic]
    is_on: bool
    created_at: str
    secret: Secret = None


_SAMPLE = Webhook("0" * 32, "https://example.com/hooks/sims", ["rules"], True, "2026-11-01 09:30:00")
_MADE = msgspec.structs.replace(_SAMPLE, secret="whsec_c2FtcGxlIHNlY3JldCwgc2lnbnMgbm90aGluZw==")  # noqa: S106 - a sample


def _shown(row: WebhookEndpoint, secret: str | None = None) -> Webhook:
    return Webhook(row.uuid.hex, row.url, row.topics, row.is_on, moment(row.created_at), secret)  # type: ignore[arg-type]


def _own(caller: Caller, key: str) -> WebhookEndpoint:
    found = outbox.endpoint_of(caller.account, key)
    if found is None:
        raise NotFound("No such webhook is yours; webhooks lists them")
    return found


@endpoint("webhooks", right=Right.MANAGE_WEBHOOKS, sample=[_SAMPLE])
def webhooks(caller: Caller, asked: Paging) -> Page[Webhook]:
    """The account's webhooks, by address"""
    return listed(asked, [_shown(row.endpoint) for row in outbox.endpoints_of(caller.account)])


class NewWebhook(Input):
    """What it hears of, and where."""

    url: Url
    topics: Topics


_NEW = NewWebhook("https://example.com/hooks/sims", ["rules"])


@endpoint("webhooks", "POST", right=Right.MANAGE_WEBHOOKS, sample=_MADE, body=_NEW)
def add_webhook(caller: Caller, asked: NewWebhook) -> Webhook:
    """Adds a webhook; its secret is in this answer alone"""
    row = commands.add_webhook(account=caller.account, url=asked.url, topics=asked.topics, by=caller.actor)
    return _shown(row, crypto.decrypt(row.secret, row=f"webhook:{row.uuid.hex}"))


@endpoint("webhooks/{webhook}", right=Right.MANAGE_WEBHOOKS, sample=_SAMPLE)
def webhook(caller: Caller, webhook: str) -> Webhook:
    """One webhook"""
    return _shown(_own(caller, webhook))


@endpoint("webhooks/{webhook}", "PUT", right=Right.MANAGE_WEBHOOKS, sample=_SAMPLE, body=_NEW)
def change_webhook(caller: Caller, webhook: str, asked: NewWebhook) -> Webhook:
    """Changes where it goes and what it hears of"""
    row = _own(caller, webhook)
    changed = commands.change_webhook(
        account=caller.account, endpoint=row, url=asked.url, topics=asked.topics, by=caller.actor
    )
    return _shown(changed)


class WebhookOn(Input):
    is_on: bool
    catch_up: Annotated[bool, msgspec.Meta(description="Switched on: send what happened while it was off, too")] = False


@endpoint("webhooks/{webhook}/switch", "PUT", "POST", right=Right.MANAGE_WEBHOOKS, sample=_SAMPLE, body=WebhookOn(True))
def switch_webhook(caller: Caller, webhook: str, asked: WebhookOn) -> Webhook:
    """Switches a webhook off or on; what happened while it was off is sent where it is to catch up"""
    commands.switch_webhook(
        account=caller.account, endpoint=_own(caller, webhook), on=asked.is_on, by=caller.actor, catch_up=asked.catch_up
    )
    return _shown(_own(caller, webhook))


class SecretOverlap(Input):
    overlap_hours: Annotated[
        Literal[0, 24, 168], msgspec.Meta(description="How long messages are signed with the one before, too")
    ] = 24


@endpoint("webhooks/{webhook}/secret", "POST", right=Right.MANAGE_WEBHOOKS, sample=_MADE, body=SecretOverlap())
def renew_webhook_secret(caller: Caller, webhook: str, asked: SecretOverlap) -> Webhook:
    """Makes a new secret, told in this answer alone; messages are signed with it from now on, for a while with both"""
    commands.renew_secret(
        account=caller.account, endpoint=_own(caller, webhook), by=caller.actor, overlap_hours=asked.overlap_hours
    )
    row = _own(caller, webhook)
    return _shown(row, crypto.decrypt(row.secret, row=f"webhook:{row.uuid.hex}"))


@endpoint("webhooks/{webhook}", "DELETE", right=Right.MANAGE_WEBHOOKS, sample=Ack())
def delete_webhook(caller: Caller, webhook: str) -> Ack:
    """Deletes a webhook; what waits is given up"""
    commands.delete_webhook(account=caller.account, endpoint=_own(caller, webhook), by=caller.actor)
    return Ack()


class WebhookMessage(Linked):
    """A message to a webhook."""

    LINKS: ClassVar[Mapping[str, str]] = {
        "webhooks": "webhooks",
        "messages": "webhooks/{webhook}/messages",
    }

    uuid: Annotated[str, msgspec.Meta(description="Its webhook-id")]
    topic: str
    created_at: str
    delivered_at: str | None
    failed_at: Annotated[str | None, msgspec.Meta(description="When it was given up")]
    status: Annotated[int | None, msgspec.Meta(description="Of the last answer")]
    attempts: int
    why: Annotated[str, msgspec.Meta(description="Why the last attempt failed, else empty")]


_WAITS = WebhookMessage("0" * 32, "test", "2026-11-02 09:30:00", None, None, None, 0, "")
_SENT = WebhookMessage("0" * 32, "rules", "2026-11-02 09:30:00", "2026-11-02 09:30:01", None, 200, 1, "")


def _message(row: WebhookDelivery) -> WebhookMessage:
    return WebhookMessage(
        uuid=row.uuid.hex,
        topic=row.topic,
        created_at=moment(row.created_at),
        delivered_at=moment(row.delivered_at) if row.delivered_at else None,
        failed_at=moment(row.failed_at) if row.failed_at else None,
        status=row.status,
        attempts=row.attempts,
        why=row.last_error,
    )


@endpoint("webhooks/{webhook}/test", "POST", right=Right.MANAGE_WEBHOOKS, sample=_WAITS)
def test_webhook(caller: Caller, webhook: str) -> WebhookMessage:
    """Sends a message that means nothing; a webhook that is off gets it when it is on again"""
    return _message(commands.send_test(account=caller.account, endpoint=_own(caller, webhook), by=caller.actor))


@endpoint("webhooks/{webhook}/messages", right=Right.MANAGE_WEBHOOKS, sample=[_SENT])
def webhook_messages(caller: Caller, webhook: str, asked: Paging) -> Page[WebhookMessage]:
    """What was sent to a webhook in the last month and what waits, the newest first"""
    page = newest(asked, WebhookDelivery.objects.filter(endpoint=_own(caller, webhook)))
    return Page([_message(row) for row in page.data], page.total, page.links)


@endpoint("webhooks/{webhook}/messages/{message}/again", "POST", right=Right.MANAGE_WEBHOOKS, sample=_WAITS)
def send_webhook_again(caller: Caller, webhook: str, message: str) -> WebhookMessage:
    """Sends the same message with the same id once more, whatever became of it"""
    found = outbox.endpoint_of(caller.account, webhook)
    row = WebhookDelivery.objects.filter(endpoint=found, uuid=message).first() if found else None
    if row is None:
        raise NotFound("No such message to a webhook is yours; its messages are listed")
    return _message(commands.send_again(account=caller.account, delivery_id=row.pk, by=caller.actor))


ENDPOINTS = (
    webhooks,
    add_webhook,
    webhook,
    change_webhook,
    switch_webhook,
    renew_webhook_secret,
    delete_webhook,
    test_webhook,
    webhook_messages,
    send_webhook_again,
)
