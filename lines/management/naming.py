"""What an operator names on the command line, found. Each raises NotFound with the names there are."""

from __future__ import annotations

from kit.errors import NotFound

from lines.models import Carrier, RatePlan


def carrier_named(name: str) -> Carrier:
    carrier = Carrier.objects.filter(name=name).first()
    if carrier is None:
        raise NotFound(f"There is no carrier named {name!r}; there are: {_list(Carrier.objects.values_list('name'))}")
    return carrier


def rate_plan_named(name: str) -> RatePlan:
    plan = RatePlan.objects.select_related("carrier").filter(name=name).first()
    if plan is None:
        raise NotFound(
            f"There is no rate plan named {name!r}; there are: {_list(RatePlan.objects.values_list('name'))}"
        )
    return plan


def _list(names: object) -> str:
    return ", ".join(sorted(name for (name,) in names)[:20]) or "none"  # type: ignore[attr-defined]
