"""The field in which people write amounts; they are read by the one grammar of `kit.money`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from kit.money import BadAmount, currency, parse


class AmountField(forms.CharField):
    """An amount with at most `places` decimals (as many as the currency has, unless given), as a Decimal; None where it
    is empty and may be."""

    def __init__(self, *, places: int | None = None, at_least: Decimal | None = None, **options: Any) -> None:
        attributes = {"inputmode": "decimal", "autocomplete": "off", "placeholder": f"{currency().coin * 0:f}"}
        given: dict[str, Any] = {"widget": forms.TextInput(attrs=attributes), "max_length": 24} | options
        self.places, self.at_least = places, at_least
        super().__init__(**given)

    def clean(self, value: Any) -> Any:
        text = super().clean(value) or ""
        if not text:
            return None
        try:
            amount = parse(text, places=currency().digits if self.places is None else self.places)
        except BadAmount as bad:
            raise forms.ValidationError(f"{str(bad)[:1].upper()}{str(bad)[1:]}.") from None
        if self.at_least is not None and amount < self.at_least:
            raise forms.ValidationError(f"Enter {self.at_least:,} or more.")
        return amount
