"""Mails to people about accounts and logins, until they have left."""

from __future__ import annotations

import uuid

from django.db import models
from kit import clock
from kit.posting import WAITING, Posted

from accounts.models.people import Account
from accounts.models.staff import Invitation


class PostedLetter(Posted):
    """A mail that waits to leave, or could not; the row goes once the mail server has taken it.

    `text` is encrypted, since it may hold a link that logs somebody in. An invitation's mail has none: its link is made
    each time that it is mailed. `worn` is whose branding it is in: None is ours.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    worn = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, null=True, related_name="letter")
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300)
    text = models.TextField(blank=True, editable=False)
    button = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["mail_after"], condition=WAITING, name="posted_letter_to_mail")]

    def __str__(self) -> str:
        return self.subject
