"""Simbase's webhooks, the same for both of its APIs: messages, changed devices, states, usage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from .fields import Iccid
from .webhooks import About, News, TheirToken, Webhook, each_news, moment_of

ABOUT = {"sms": About.MESSAGE, "imei": About.DEVICE}  # any other event: usage or state


class _Event(msgspec.Struct):
    """Simbase: webhook events"""

    event: str
    iccid: Iccid
    timestamp: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


def _tell(event: _Event) -> Iterator[News]:
    yield News(event.iccid, ABOUT.get(event.event, About.USAGE), moment_of(event.timestamp))


def news_in(body: bytes) -> Sequence[News]:
    """Raises Unreadable."""
    return each_news(body, _EVENT, _tell)


WEBHOOK = Webhook(
    TheirToken("X-Simbase-RequestToken"),
    news_in,
    "In Simbase’s dashboard add the address under Webhooks. Paste the request token that it shows.",
)
