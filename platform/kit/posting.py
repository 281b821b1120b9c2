"""Mails as rows: tried for three days with growing pauses, and never handed over twice.

A row is claimed, then the connection is opened, then it is written down that the mail is being handed over, and only
then is it. Whatever fails before is tried again. Where a worker dies, or a server falls silent, once the text was on
its way, nobody can know whether it was taken: such a mail is not sent again by itself, and a person decides.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import models
from django.db.models import Q

from kit import clock

log = logging.getLogger(__name__)

MOST_FAILURES = 3  # mails in one bell; each may wait for the whole time-out of a mail server that hangs
TRIED_FOR = dt.timedelta(days=3)
LONGEST_PAUSE = dt.timedelta(hours=4)
IN_DOUBT_AFTER = dt.timedelta(minutes=5)  # nobody hands a mail over for so long
SILENT = "We don't know whether the mail server took it: it fell silent, or its worker died, as it was handed over"


class InDoubt(Exception):
    """The text was on its way when the mail server fell silent."""


class Posted(models.Model):
    """What a row that is mailed has beside what it says."""

    tries = models.PositiveSmallIntegerField(default=0)
    mail_since = models.DateTimeField(default=clock.now)  # three days are counted from here
    mail_after = models.DateTimeField(default=clock.now)
    handed_at = models.DateTimeField(null=True)  # is being handed over, or was
    mailed_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)  # not tried again unless somebody says so
    why = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        abstract = True


WAITING = Q(mailed_at=None, failed_at=None)


def pause(tries: int) -> dt.timedelta:
    """After so many tries: one minute, two, four, and so on up to hours."""
    return min(dt.timedelta(minutes=2 ** max(min(tries - 1, 12), 0)), LONGEST_PAUSE)


def due(rows: models.QuerySet[Any], now: dt.datetime) -> models.QuerySet[Any]:
    """Those to be mailed now, each that has waited longest first."""
    return rows.filter(WAITING, mail_after__lte=now, handed_at=None).order_by("mail_after", "id")


def claimed(row: Posted, now: dt.datetime) -> None:
    """The next try is set before this one is made: a mail that kills its worker waits, and stops no other."""
    row.tries += 1
    row.mail_after = now + pause(row.tries)
    row.save(update_fields=["tries", "mail_after"])


def begin_again(row: Posted, now: dt.datetime) -> None:
    """One that failed is tried for three days more."""
    row.failed_at = row.handed_at = None
    row.tries, row.why = 0, ""
    row.mail_since = row.mail_after = now
    row.save()


def doubt_old(rows: models.QuerySet[Any], now: dt.datetime) -> int:
    """Those whose worker died as it handed them over."""
    dead = rows.filter(WAITING, handed_at__lt=now - IN_DOUBT_AFTER)
    return dead.update(failed_at=now, why=SILENT)


Save = Callable[[Posted, list[str]], None]
# What a mail server, a network or an odd address does. Anything else leaves the row in doubt, which a person decides.
FAILURES = (OSError, smtplib.SMTPException, InDoubt, ValueError, TypeError, AttributeError)


def hand_over(row: Posted, message: EmailMultiAlternatives, *, save: Save) -> bool:
    """Mails a claimed row outside of any transaction; says whether the mail server took it."""
    connection = get_connection()
    try:
        connection.open()
        row.handed_at = clock.now()
        save(row, ["handed_at"])
        message.connection = connection
        message.send()
    except FAILURES as failure:
        not_sent(row, failure, save=save)
        return False
    finally:
        connection.close()
    row.mailed_at, row.why = clock.now(), ""
    save(row, ["mailed_at", "why"])
    return True


P = TypeVar("P", bound=Posted)


def send_due(
    claim: Callable[[], P | None], write: Callable[[P], EmailMultiAlternatives], *, save: Save, most: int
) -> int:
    """Mails what is claimed, one after another; says how many the mail server took. One that cannot be mailed waits for
    its next try and stops no other; a mail server that does not answer is left alone until the next bell."""
    sent = failed = 0
    while sent + failed < most and failed < MOST_FAILURES and (row := claim()) is not None:
        try:
            is_taken = hand_over(row, write(row), save=save)
        except Exception as failure:
            log.exception("%s %s could not be written", row._meta.label, row.pk)
            not_sent(row, failure, save=save)
            is_taken = False
        sent, failed = sent + is_taken, failed + (not is_taken)
    return sent


def not_sent(row: Posted, failure: Exception, *, save: Save) -> None:
    """A try that failed: another one follows for three days, unless the mail may have been taken."""
    now, in_doubt = clock.now(), isinstance(failure, InDoubt)
    if in_doubt or now >= row.mail_since + TRIED_FOR:
        row.failed_at = now
    row.handed_at = row.handed_at if in_doubt else None
    row.why = SILENT if in_doubt else f"{type(failure).__name__}: {failure}"[:300]
    save(row, ["failed_at", "handed_at", "why"])


class _Smtp(smtplib.SMTP):
    def data(self, msg: Any) -> tuple[int, bytes]:
        return _given(super().data, msg)


class _SmtpSsl(smtplib.SMTP_SSL):
    def data(self, msg: Any) -> tuple[int, bytes]:
        return _given(super().data, msg)


def _given(data: Callable[[Any], tuple[int, bytes]], msg: Any) -> tuple[int, bytes]:
    """A refusal is an answer; silence after the text has left is none."""
    try:
        return data(msg)
    except smtplib.SMTPResponseException:
        raise
    except (OSError, smtplib.SMTPException) as silence:
        raise InDoubt(str(silence)) from silence


class Backend(EmailBackend):
    """Django's, that says when a mail may have been taken."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _SmtpSsl if self.use_ssl else _Smtp
