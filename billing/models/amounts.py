"""Amounts of money as columns."""

from __future__ import annotations

from django.db import models


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """USD with six places."""

    def __init__(self, **options: object) -> None:
        options.setdefault("max_digits", 20)
        options.setdefault("decimal_places", 6)
        super().__init__(**options)  # type: ignore[arg-type]
