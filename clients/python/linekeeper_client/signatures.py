"""Whether a webhook's message is ours and fresh (Standard Webhooks)."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, cast

from linekeeper_client.types import HappenedEvent

TOLERANCE = 300  # seconds


class WrongSignature(Exception):
    """The message is not signed with this secret, or is old."""


def verified(secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> HappenedEvent:
    """The event in a message whose signature holds. Raises WrongSignature."""
    given = {name.lower(): value for name, value in headers.items()}
    ident, stamp, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not stamp.isdecimal() or abs((time.time() if now is None else now) - int(stamp)) > TOLERANCE:
        raise WrongSignature("The timestamp is over five minutes from ours")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{ident}.{stamp}.".encode() + body, "sha256")
    wanted = "v1," + base64.b64encode(digest).decode("ascii")
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in signatures.split()):
        raise WrongSignature("No signature is of this secret")
    found: Any = json.loads(body)
    return cast(HappenedEvent, found)
