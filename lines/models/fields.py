"""Fields that an account adds to its lines, and what they hold."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from kit import clock

from accounts.models import Account
from lines.models.lines import Line
from lines.policy.fields import LONGEST_NAME, LONGEST_VALUE, FieldKind


class CustomField(models.Model):
    """A field of an account that pays for lines; a sub-account's people see those that are shown to them."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="custom_fields", db_index=False)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=LONGEST_NAME)
    kind = models.CharField(max_length=8, choices=[(one.value, one.value) for one in FieldKind])
    choices = ArrayField(models.CharField(max_length=LONGEST_VALUE), default=list, blank=True)
    shown_to_subaccounts = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint("account", Lower("name"), name="custom_field_is_one_name_in_any_case"),
            models.CheckConstraint(condition=~Q(name=""), name="custom_field_has_a_name"),
            models.CheckConstraint(
                condition=(Q(kind=FieldKind.CHOICE) & ~Q(choices=[])) | (~Q(kind=FieldKind.CHOICE) & Q(choices=[])),
                name="custom_field_has_choices_if_it_is_one",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FieldValue(models.Model):
    """What a line has in a field, as policy.fields keeps it. It goes when the line leaves who pays for it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)  # of the field
    field = models.ForeignKey(CustomField, on_delete=models.CASCADE, related_name="values", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="field_values", db_index=False)
    value = models.CharField(max_length=LONGEST_VALUE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "field"], name="line_has_a_field_once"),
            models.CheckConstraint(condition=~Q(value=""), name="field_value_is_not_empty"),
        ]
        indexes = [models.Index("field", Lower("value"), name="field_value_in_any_case")]
