"""Markup in every text of a world: whatever anybody could have written, in the place where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

MARK = "zq-mark"  # an element that no page of ours has
PAYLOAD = (
    f"\"'><{MARK} onclick=x>a</{MARK}><script>window.zqRan=1</script><img src=x onerror=window.zqRan=1>"
    "zq{{7*7}}"  # of the templates' own words; no key has a z
)
SHORT = f"'\"><{MARK}>"
# What is no text of anybody's: keys, digests, ciphertexts, words of ours that rows are chosen by.
NO_TEXT = {
    "uuid", "key", "digest", "token_hash", "secret", "shared_key", "former_key", "iccid", "email", "password",
    "user_uuid", "session_key", "time_zone", "language", "date_order", "kind", "state", "why", "country", "verb",
    "chain", "hash", "sessions_key", "secrets", "period", "unit", "action", "trigger", "topic", "domain", "accent",
    "accent_dark", "logo_digest", "subject", "actor_kind", "outcome", "act", "then", "role", "stripe_id", "card_id",
    "digests", "codes", "apn_password", "hint", "by_kind", "url", "login", "to", "format", "page", "app_label",
    "model", "codename", "verdict", "before", "brand", "ip", "doubt_ref", "ref", "currency", "sidebar",
}  # fmt: skip
OURS = ("accounts", "billing", "lines", "automation")


def mark_everything() -> set[str]:
    """Puts markup into each text column of each row; says which took it. What the database refuses is left."""
    marked = set()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what is append-only, too
        for model, field in _texts():
            assert field.column is not None
            column, table = connection.ops.quote_name(field.column), connection.ops.quote_name(model._meta.db_table)
            for text in (PAYLOAD, SHORT):
                room = field.max_length or 10_000
                if len(text) > room:
                    continue
                try:
                    with transaction.atomic():
                        cursor.execute(
                            f"UPDATE {table} SET {column} = left({column}, %s) || %s WHERE {column} <> ''",
                            [room - len(text), text],
                        )
                except DatabaseError:
                    continue
                if cursor.rowcount:
                    marked.add(f"{model._meta.label}.{field.name}")
                break
        cursor.execute("SET session_replication_role = origin")
    return marked


def _texts() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    for model in apps.get_models():
        if model._meta.app_label not in OURS:
            continue
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField)
            if is_text and not field.choices and field.name not in NO_TEXT:
                yield model, field
