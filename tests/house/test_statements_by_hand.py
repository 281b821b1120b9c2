"""What is handed to the database by hand arrives as it was."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from kit.sql import array, prepared

AT = dt.datetime(2026, 11, 27, 21, 5, 0, 1, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [1, -2, 2**62]),
        ("bigint", [1, None]),
        ("boolean", [True, False, None]),
        ("text", ["a", "b", "NULL", ""]),
        ("text", ['"', "\\", 'a","b', "{}", "a b", "ü", "'", "%s"]),
        ("text", ['","']),
        ("text", [None, 'a"']),
        ("date", [AT.date(), AT.date()]),
        ("timestamptz", [AT, None]),
        ("numeric", [Decimal("0.000001"), Decimal(-5)]),
        ("text", []),
        ("int", [None, None]),
    ],
)
def test_an_array_arrives_as_it_was(kind: str, values: list[Any]) -> None:
    assert prepared(f"SELECT %s::{kind}[]", [array(values)]) == [(values,)]


@pytest.mark.django_db
def test_a_statement_may_name_its_parameters_or_count_them() -> None:
    assert prepared("SELECT %(b)s::int - %(a)s::int, 7 %% %(b)s::int", {"a": 1, "b": 4, "c": 0}) == [(3, 3)]
    assert prepared("SELECT %s::int - %s::int, 7 %% 4", [4, 1]) == [(3, 3)]
    assert prepared("SELECT 1", []) == [(1,)]
