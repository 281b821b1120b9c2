"""The one currency: which one this database keeps, and the refusal of any other."""

from __future__ import annotations

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from kit.money import currency

log = logging.getLogger(__name__)


def check_at_start() -> None:
    """Whether what is configured is what is kept. A database that does not answer is another trouble.

    Raises ImproperlyConfigured.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT code FROM billing_keptcurrency")
            row = cursor.fetchone()
    except DatabaseError as error:
        log.warning("the currency was not looked at: %s", error)
        return
    finally:
        if not connection.in_atomic_block:
            connection.close()  # the thread that starts a server asks nothing more
    if row is not None:
        _must_be(row[0])


_kept: set[str] = set()  # what this process has found in the database


def claim() -> None:
    """Before money moves: the first currency is kept for good. Raises ImproperlyConfigured for another one."""
    code = currency().code
    if code in _kept:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM billing_keptcurrency")
        row = cursor.fetchone()
        if row is not None:
            _must_be(row[0])
            _kept.add(code)
            return
        cursor.execute("INSERT INTO billing_keptcurrency (id, code) VALUES (1, %s) ON CONFLICT DO NOTHING", [code])
        cursor.execute("SELECT code FROM billing_keptcurrency")
        _must_be(cursor.fetchone()[0])


def _must_be(kept: str) -> None:
    if kept != currency().code:
        raise ImproperlyConfigured(
            f"This installation’s money is {kept}, and CURRENCY says {currency().code}. Amounts of two currencies are"
            f" never mixed: set CURRENCY={kept}."
        )
