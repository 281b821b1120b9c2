"""The back office's calls about carriers' webhooks: as their desk, with the same commands."""

from __future__ import annotations

from typing import Annotated

import msgspec
from kit.endpoints import Ack, Input, endpoint, moment
from kit.errors import NotFound

from accounts.policy import Actor
from lines.api.asked import OFFICE, carrier_asked
from lines.commands import webhooks
from lines.models import CarrierWebhook

GROUP = "Carriers"


class WebhookShown(msgspec.Struct):
    """Where a carrier calls us."""

    address: str
    secret: Annotated[str | None, msgspec.Meta(description="Ours, in the answer that makes it alone; else null")]
    header: Annotated[str, msgspec.Meta(description="That has the secret; empty: another proof is asked for")]
    setup: Annotated[str, msgspec.Meta(description="What is done with them at the carrier")]
    last_call_at: str | None


class NewWebhook(Input):
    """`secret`: the one that the carrier made, where it makes one."""

    secret: str = ""


_SHOWN = WebhookShown(
    address="https://console.example/carriers/told/1.0123456789abcdef0123456789abcdef.signature/",
    secret=None,
    header="X-Linekeeper-Token",
    setup="Calls need this header.",
    last_call_at="2026-11-02 09:30:00",
)
_MADE = msgspec.structs.replace(_SHOWN, secret="c2FtcGxlIHNlY3JldA", last_call_at=None)  # noqa: S106 - a sample


def _shown(row: CarrierWebhook, *, is_new: bool = False) -> WebhookShown:
    made = webhooks.opened(webhook=row)
    return WebhookShown(
        address=made.address,
        secret=made.secret or None if is_new else None,
        header=made.header,
        setup=f"{made.proof} {made.setup}",
        last_call_at=moment(made.called_at) if made.called_at else None,
    )


@endpoint("carriers/{carrier}/webhook", right=OFFICE, sample=_SHOWN)
def carrier_webhook(_by: Actor, carrier: str) -> WebhookShown:
    """Where a carrier calls us, and when it last did; 404 where it has no address"""
    row = webhooks.webhook_known(carrier=carrier_asked(carrier))
    if row is None:
        raise NotFound("This carrier has no address to call; PUT makes one")
    return _shown(row)


@endpoint("carriers/{carrier}/webhook", "PUT", right=OFFICE, sample=_MADE, body=NewWebhook())
def open_carrier_webhook(by: Actor, carrier: str, asked: NewWebhook) -> WebhookShown:
    """Makes the address that a carrier calls, and its secret; what there was before is shut"""
    return _shown(webhooks.open_webhook(carrier=carrier_asked(carrier), secret=asked.secret, by=by), is_new=True)


@endpoint("carriers/{carrier}/webhook", "DELETE", right=OFFICE, sample=Ack())
def close_carrier_webhook(by: Actor, carrier: str) -> Ack:
    """Shuts the address; its lines are read in their turn"""
    webhooks.shut_webhook(carrier=carrier_asked(carrier), by=by)
    return Ack()


ENDPOINTS = (carrier_webhook, open_carrier_webhook, close_carrier_webhook)
