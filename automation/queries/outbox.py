"""Addresses that hear of what happens, and their log."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Q

from accounts.models import Account
from automation.models import WebhookDelivery, WebhookEndpoint

PAGE = 50


@dataclass(frozen=True, slots=True)
class EndpointShown:
    """An address with how its messages fare: waiting, and given up in the time that the log is kept."""

    endpoint: WebhookEndpoint
    waiting: int
    given_up: int
    last_delivered: object


def endpoints_of(account: Account) -> list[EndpointShown]:
    rows = WebhookEndpoint.objects.filter(account=account, deleted_at=None).annotate(
        waiting=Count("deliveries", filter=Q(deliveries__delivered_at=None, deliveries__failed_at=None)),
        given_up=Count("deliveries", filter=Q(deliveries__failed_at__isnull=False)),
        last_delivered=Max("deliveries__delivered_at"),
    )
    return [EndpointShown(row, row.waiting, row.given_up, row.last_delivered) for row in rows.order_by("url", "pk")]


def endpoint_of(account: Account, key: str) -> WebhookEndpoint | None:
    """One that is not deleted; None for another account's."""
    return WebhookEndpoint.objects.filter(account=account, uuid=key, deleted_at=None).first()


def hears_of(account: Account, topic: str) -> bool:
    """Whether any address that is on hears of this."""
    rows = WebhookEndpoint.objects.filter(account=account, deleted_at=None, is_on=True, topics__contains=[topic])
    return rows.exists()


def log_of(endpoint: WebhookEndpoint, *, before: int | None) -> tuple[list[WebhookDelivery], bool]:
    """A page of its messages, latest first, and whether there are older ones."""
    rows = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    return found[:PAGE], len(found) > PAGE
