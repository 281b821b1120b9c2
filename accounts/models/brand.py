"""How what an account's people see looks."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from accounts.models.people import Account

COLOUR = r"^(#[0-9a-f]{6})?$"


class Brand(models.Model):
    """The branding in which an account's people and its sub-accounts' meet the console. What is empty is ours.

    `key` names it in public addresses, so that they tell no account. A domain shows it once the operator, who sets up
    its address and certificate, has put it live.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="brand")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60)
    accent = models.CharField(max_length=7, blank=True)  # #rrggbb, as it was given
    bar = models.CharField(max_length=7, blank=True)  # behind the list of pages
    logo_digest = models.CharField(max_length=64, blank=True, editable=False)
    support_mail = models.EmailField(blank=True)
    domain = models.CharField(max_length=253, null=True, blank=True, unique=True)
    domain_live_at = models.DateTimeField(null=True, blank=True)
    apn = models.CharField(max_length=100, blank=True)
    apn_user = models.CharField(max_length=100, blank=True)
    apn_password = models.TextField(blank=True, editable=False)  # encrypted
    apn_text = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="brand_has_a_name"),
            models.CheckConstraint(
                condition=Q(accent__regex=COLOUR, bar__regex=COLOUR), name="brand_colour_is_6_hex_or_none"
            ),
            models.CheckConstraint(
                condition=Q(domain__isnull=True) | Q(domain__regex=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"),
                name="brand_domain_is_a_host",
            ),
            models.CheckConstraint(
                condition=Q(domain_live_at__isnull=True) | Q(domain__isnull=False), name="brand_is_live_at_a_domain"
            ),
        ]


class BrandLogo(models.Model):
    """A brand's logo: a PNG that we encoded ourselves. A row of its own, so that nobody who asks a name reads it."""

    brand = models.OneToOneField(Brand, on_delete=models.CASCADE, primary_key=True, related_name="logo")
    image = models.BinaryField()
