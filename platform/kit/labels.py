"""What people read for names of the code: columns, rows and choices."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Any

_LARGE = re.compile(r"(?i)\b(api|apn|iccid|id|imei|msisdn|sms|mb|url|uuid|usd)\b")


def label_of(name: str) -> str:
    """`is_auto` is Auto, `last4` is Last 4, `sms` is SMS."""
    words = re.sub(r"(?<=[a-z])(?=[0-9])", " ", name.replace("_", " ")).strip()
    words = re.sub(r"(?i)^(?:is|has) (?=.)", "", words)
    large = _LARGE.sub(lambda word: word[0].upper(), words)
    return large[:1].upper() + large[1:]


def labels(kinds: Iterable[enum.Enum]) -> list[tuple[Any, str]]:
    """Each value with its name in words: `TOP_UP` is Top up."""
    return [(one.value, label_of(one.name.lower())) for one in kinds]
