"""Records of events and usage as a data streamer sends them: emnify's, and 1NCE's, which has the same shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from .fields import Iccid
from .webhooks import About, News, each_news, moment_of

SMS = 6  # the traffic type of messages


class _Sim(msgspec.Struct):
    iccid: Iccid


class _Named(msgspec.Struct):
    id: int | None = None
    description: str | None = None


class _Record(msgspec.Struct):
    """A usage record has a traffic type and an end, an event a type and a moment."""

    sim: _Sim | None = None
    traffic_type: _Named | None = None
    event_type: _Named | None = None
    end_timestamp: str | None = None
    timestamp: str | None = None


_RECORD = msgspec.json.Decoder(_Record)


def streamed_news(body: bytes) -> Sequence[News]:
    """What a call of a data streamer says. Raises Unreadable."""
    return each_news(body, _RECORD, _tell)


def _tell(record: _Record) -> Iterator[News]:
    """An event without a SIM is about the account, and nothing to us."""
    if record.sim is not None:
        yield News(record.sim.iccid, _about(record), moment_of(record.end_timestamp or record.timestamp))


def _about(record: _Record) -> About:
    word = ((record.event_type.description if record.event_type else None) or "").lower()
    if "sms" in word or (record.traffic_type is not None and record.traffic_type.id == SMS):
        return About.MESSAGE
    return About.DEVICE if "imei" in word or "location" in word else About.USAGE
