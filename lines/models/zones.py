"""Where usage has prices of its own: lists of countries, and in which country a line was."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models import Account
from lines.models.carriers import Carrier
from lines.models.lines import Line
from lines.models.plans import RatePlan

LONGEST_ZONE = 60


class Zone(models.Model):
    """A named list of countries: of all of a carrier's rate plans, or of one that has lists of its own.

    What it costs stands in the plans' dated prices, each with the countries that the list had then.
    """

    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="zones")
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="zones", null=True, blank=True)
    name = models.CharField(max_length=LONGEST_ZONE)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "plan", "name"], name="zone_has_a_name_of_its_own", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~Q(name=""), name="zone_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ZoneCountry(models.Model):
    """A country of a zone's list, as it is now. `carrier` and `plan` are the zone's: a country is in one of theirs."""

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="countries")
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(RatePlan, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    code = models.CharField(max_length=2)  # ISO 3166-1 alpha-2

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "plan", "code"], name="country_is_in_one_zone", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(code__regex="^[A-Z]{2}$"), name="zone_country_is_a_code"),
        ]


class LineCountry(models.Model):
    """From when on a line was in a country, until its next row, while this account paid for it.

    Written once, when a session or a look tells of another country, and never changed: `after_reading` is the last
    reading that was taken in before, so that what usage was charged by can be found again.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+", db_index=False)
    payer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()
    country = models.CharField(max_length=2)
    after_reading = models.BigIntegerField(default=0)
    known_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "payer", "since", "country"], name="line_is_told_to_be_there_once"),
            models.CheckConstraint(condition=~Q(country=""), name="line_country_is_known"),
        ]
