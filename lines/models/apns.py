"""The APN that a white label shows instead of a carrier's own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Brand
from lines.models.carriers import Carrier


class BrandApn(models.Model):
    """For the lines of one carrier; what is empty is the brand's of all carriers (Brand.apn, Brand.apn_text)."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="carrier_apns")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="brand_apns")
    apn = models.CharField("APN", max_length=100, blank=True)
    apn_user = models.CharField("APN user", max_length=100, blank=True)
    apn_password = models.TextField(blank=True, editable=False)  # encrypted, as Brand's
    # How to set a device up.
    setup_text = models.CharField(max_length=1000, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "carrier"], name="a_brand_has_one_apn_a_carrier"),
            models.CheckConstraint(condition=~Q(apn="") | ~Q(setup_text=""), name="brand_apn_says_something"),
        ]

    @property
    def row_name(self) -> str:
        """Where its secret opens."""
        return f"brand:{self.brand.key.hex}:{self.carrier_id}"
