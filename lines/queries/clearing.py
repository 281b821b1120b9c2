"""What a move's two sides say of each line and day, and where they differ."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from lines.models import ImportedDay, LineDay, MoveDay, MoveLine

MONEY: Any = DecimalField(max_digits=20, decimal_places=6)


def with_ours(rows: QuerySet[MoveDay]) -> QuerySet[Any]:
    """Each with `here`, bytes that were read or imported, `charged`, USD, and `moved_on`, the day on which it came."""
    own = LineDay.objects.filter(line=OuterRef("line"), day=OuterRef("day"), payer=OuterRef("move__account"))
    by_day = own.order_by().values("line")
    imported = ImportedDay.objects.filter(line=OuterRef("line"), day=OuterRef("day"))
    moved = MoveLine.objects.filter(move=OuterRef("move"), line=OuterRef("line"))
    used = Subquery(by_day.annotate(total=Sum("used")).values("total"), output_field=BigIntegerField())
    cost = Subquery(by_day.annotate(total=Sum(F("cost") + F("fee"))).values("total"), output_field=MONEY)
    return rows.annotate(
        here=Coalesce(used, 0) + Coalesce(Subquery(imported.values("used")[:1]), 0),
        charged=Coalesce(cost, Decimal(0), output_field=MONEY),
        moved_on=Subquery(moved.values("day")[:1]),
    )


def differing(rows: QuerySet[MoveDay], *, today: dt.date) -> QuerySet[Any]:
    """Days that are over, on which bytes differ or, after the day of the move, money does."""
    differs = ~Q(used=F("here")) | Q(day__gt=F("moved_on"), cost__isnull=False) & ~Q(cost=F("charged"))
    return with_ours(rows).filter(differs, day__lt=today)
