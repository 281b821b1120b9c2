"""Whether a pooler such as PgBouncer stands before PostgreSQL, and gives each transaction any of its sessions.

Then nothing may be left in a session for the next statement: neither a role, nor a plan, nor a cursor.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_is_pooled: bool | None = None


def is_pooled() -> bool:
    """As the first connection of this process found it; one is made before anything is asked."""
    return bool(_is_pooled)


def notice(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """PostgreSQL tells each client the process that it speaks with; a pooler tells one that is not there."""
    global _is_pooled
    if _is_pooled is None:
        raw = connection.connection
        _is_pooled = raw.execute("SELECT pg_backend_pid()").fetchone()[0] != raw.info.backend_pid


def begin() -> None:
    connection_created.connect(notice, dispatch_uid="kit.pooled")
