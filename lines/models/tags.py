"""Tags: words that a payer's people put on lines, to find them and to act on them together."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import Account
from lines.models.lines import Line


class Tag(models.Model):
    """A word of an account that pays for lines; a sub-account's people do not see it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tags", db_index=False)
    name = models.CharField(max_length=40)
    lines = models.ManyToManyField(Line, through="LineTag", related_name="tags")

    class Meta:
        constraints = [
            models.UniqueConstraint("account", Lower("name"), name="tag_is_one_word_in_any_case"),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class LineTag(models.Model):
    """That a line has a tag."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "line"], name="line_has_a_tag_once")]
