"""Bundles in words: what is left, and what people are told. Pure: rows in, sentences out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from kit.money import plain

from billing.words import Told
from lines.caps_words import amount
from lines.policy import MEGABYTE
from lines.policy.bundles import percent
from lines.policy.caps import CapUnit

if TYPE_CHECKING:
    from lines.models import Bundle, RatePlan


def data(size: int) -> str:
    """5.02 GB, 312 MB."""
    return amount(Decimal(size), CapUnit.MB)


def left_of(used: int, included: int) -> str:
    """188 MB of 500 MB left; 12 MB beyond 500 MB."""
    if used > included:
        return f"{data(used - included)} beyond {data(included)}"
    return f"{data(included - used)} of {data(included)} left"


def megabytes(size: int) -> str:
    """Exactly, as programs are told."""
    return f"{Decimal(size) / MEGABYTE:.6f}".rstrip("0").rstrip(".")


def facts(bundle: Bundle, plan: RatePlan) -> dict[str, object]:
    """What events say of a pool."""
    return {
        "rate_plan": plan.name,
        "cycle": bundle.cycle.isoformat(),
        "used": megabytes(bundle.used),
        "included": megabytes(bundle.included),
        "percent": percent(bundle.used, bundle.included),
    }


def pool_reached(bundle: Bundle, plan: RatePlan, at: int, until: dt.date, per_mb: Decimal) -> Told:
    used, included = data(bundle.used), data(bundle.included)
    said = f"Lines on {plan.name} used {used} of the {included} that they have together."
    if at < 100:
        return Told(f"{at} % of the included data of {plan.name} is used", f"{said} {_then(until, per_mb)}")
    return Told(f"The included data of {plan.name} is used up", f"{said} {_now(until, per_mb)}")


def lines_reached(iccids: Sequence[str], plan: RatePlan, at: int, until: dt.date, per_mb: Decimal) -> Told:
    whose = f"Line {iccids[0]}" if len(iccids) == 1 else f"{len(iccids):,} lines on {plan.name}"
    if at < 100:
        subject = f"{whose} used {at} % of the included data"
        return Told(subject, f"{subject}. {_then(until, per_mb)}")
    subject = f"{whose} used up the included data"
    return Told(subject, f"{subject}. {_now(until, per_mb)}")


def _then(until: dt.date, per_mb: Decimal) -> str:
    return f"Data beyond it costs ${plain(per_mb)} per MB. New data is included from {until:%-d %B %Y} on."


def _now(until: dt.date, per_mb: Decimal) -> str:
    return f"More data costs ${plain(per_mb)} per MB until {until:%-d %B %Y}. Lines keep running."
