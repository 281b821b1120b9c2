"""What the stand-in keeps beside localstripe's own objects: keys, sessions, statuses, events. In a JSON file."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(18).replace('-', 'a').replace('_', 'b')}"


@dataclass
class State:
    """Plain values only, so that it can be written down."""

    path: Path | None = None
    answers: dict[str, Json] = field(default_factory=dict)  # by idempotency key
    sessions: dict[str, Json] = field(default_factory=dict)
    intents: dict[str, Json] = field(default_factory=dict)  # what differs from localstripe's payment intents
    brands: dict[str, str] = field(default_factory=dict)
    disputes: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)  # what became of them after they were made
    payouts: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path | None) -> State:
        if path is None or not path.exists():
            return cls(path)
        return cls(path, **json.loads(path.read_text(encoding="utf-8")))

    def keep(self) -> None:
        """Write everything down, whole or not at all."""
        if self.path is None:
            return
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "path"}
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(values), encoding="utf-8")
        draft.replace(self.path)

    def event(self, kind: str, thing: Json, *, api_version: str) -> Json:
        """Note that something happened. https://docs.stripe.com/api/events/object"""
        event: Json = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": api_version,
            "created": int(time.time()),
            "data": {"object": thing},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.events.append(event)
        self.undelivered.append(event["id"])
        self.keep()
        return event
