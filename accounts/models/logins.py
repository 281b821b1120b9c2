"""Guesses at logins, links into the back office, and mails that wait to leave."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from kit import clock

from accounts.models.people import Account, User
from accounts.policy import OFFICE_PASS_HOURS


def _pass_ends() -> dt.datetime:
    return clock.now() + dt.timedelta(hours=OFFICE_PASS_HOURS)


class LoginGuess(models.Model):
    """Wrong passwords for a mail address, from a network or from a known device, known as its digest alone."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    failures = models.PositiveIntegerField()
    blocked_until = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)


class OfficePass(models.Model):
    """A link with which somebody who runs the installation sets a password and the first second factor, once."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="office_pass")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(default=_pass_ends)


class WaitingLetter(models.Model):
    """A mail that the version before wrote down, whose processes may still run; PostedLetter takes its place."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    button = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    mail_after = models.DateTimeField(default=clock.now, null=True, blank=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["mail_after"], condition=Q(mail_after__isnull=False), name="letter_to_mail")]
