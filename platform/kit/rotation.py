"""Every secret at rest, and how it comes under the key that encrypts now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from kit import crypto
from kit.sql import streamed

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of secrets, and the name of the row that each is bound to. `is_bytes`: a binary column.

    `inside`: the secret is this member of a JSON column.
    """

    model: str  # app.Model
    field: str
    row: Callable[[Any], str]
    is_bytes: bool = False
    inside: tuple[str, ...] = ()


@dataclass
class Rotated:
    """What was done; `lost` are rows that no key opens."""

    done: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    left: int = 0

    @property
    def old_keys_may_go(self) -> bool:
        return not self.lost and not self.left


def columns() -> list[Sealed]:
    """Of all apps, as settings name them."""
    found: list[Sealed] = []
    for path in settings.SECRETS_AT_REST:
        found += import_string(path)
    return found


def rotate() -> Rotated:
    """Encrypts each secret anew that is not bound to its row under the first key. Harmless twice, and while all else
    runs: a row is locked while it is written, and was written meanwhile under the first key or before it under any."""
    told = Rotated()
    for column in columns():
        name, after, done = f"{column.model}.{column.field}", None, 0
        while rows := _page(column, after):
            after = rows[-1]
            done += _rotate(column, rows, told)
        told.done[name] = done
    for column in columns():
        told.left += sum(
            not _is_done(column, row) for row in streamed(apps.get_model(column.model).objects.all(), size=2000)
        )
    told.left -= len(told.lost)
    return told


def _page(column: Sealed, after: Any) -> list[Any]:
    rows = apps.get_model(column.model).objects.order_by("pk")
    return list((rows if after is None else rows.filter(pk__gt=after)).values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _rotate(column: Sealed, keys: Iterable[Any], told: Rotated) -> int:
    done = 0
    for row in apps.get_model(column.model).objects.select_for_update().filter(pk__in=list(keys)).order_by("pk"):
        if _is_done(column, row):
            continue
        bound_to = column.row(row)
        try:
            for read, write in _places(column, row):
                if (token := read()) and not crypto.is_current(token):
                    write(crypto.encrypt(crypto.decrypt(token, row=bound_to), row=bound_to))
        except crypto.CannotDecrypt:
            told.lost.append(f"{column.model} {row.pk}")
            continue
        row.save(update_fields=[column.field])
        done += 1
    return done


def _is_done(column: Sealed, row: Any) -> bool:
    return all(not (token := read()) or crypto.is_current(token) for read, _ in _places(column, row))


def _places(column: Sealed, row: Any) -> list[tuple[Callable[[], str], Callable[[str], None]]]:
    """How each secret of the row is read and written."""
    if column.inside:
        return [_member(getattr(row, column.field), name) for name in column.inside]

    def read() -> str:
        value = getattr(row, column.field)
        return bytes(value).decode("ascii") if column.is_bytes else str(value)

    def write(token: str) -> None:
        setattr(row, column.field, token.encode("ascii") if column.is_bytes else token)

    return [(read, write)]


def _member(data: dict[str, Any], name: str) -> tuple[Callable[[], str], Callable[[str], None]]:
    """A string, or a list of them, in which each is a secret."""

    def read() -> str:
        return str(data.get(name) or "")

    def write(token: str) -> None:
        data[name] = token

    return read, write
