"""Lines whose devices are watched."""

from __future__ import annotations

from django.db import models

from lines.models.carriers import Carrier
from lines.models.lines import Line


class WatchedLine(models.Model):
    """A line that a rule about its device or its country looks at: carriers are asked about it before others."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="watched")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, related_name="+")
