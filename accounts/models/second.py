"""What one person of the back office asks for and a second one decides."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from kit import clock


class ForASecondPerson(models.Model):
    """A request that waits until somebody other than who asked for it agrees or refuses."""

    asked_by = models.CharField(max_length=254)
    asker_id = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(default=clock.now)
    is_agreed = models.BooleanField(null=True)  # none: it waits
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


WAITS = Q(is_agreed=None)
IS_DECIDED_BY_SOMEBODY = Q(is_agreed=None, decided_at=None, decided_by="") | (
    Q(is_agreed__isnull=False, decided_at__isnull=False) & ~Q(decided_by="")
)
