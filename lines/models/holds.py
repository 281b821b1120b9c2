"""Until when rules hold lines."""

from __future__ import annotations

from django.db import models

from lines.models.lines import Line


class RuleHold(models.Model):
    """When the rule that holds a line is planned to give it back; null: it is not. It counts while the line's wish is
    that of `since` still: whoever changes the line ends it."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="rule_hold")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
