"""docs/personal-data.md names each table, and each column that says something of a person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console.account_data import EXPORTED
from django.apps import apps
from django.db import models

PAGE = (Path(__file__).resolve().parents[2] / "docs/personal-data.md").read_text()
TOLD = {
    table: (re.findall(r"`(\w+)`", columns), leaves, fate)
    for table, columns, leaves, fate in re.findall(r"^\| `([\w.]+)` \| (.+?) \| (yes|no) \| (.+?) \|$", PAGE, re.M)
}
WITHOUT = set(re.findall(r"`([\w.]+)`", PAGE.partition("## Tables with nothing of a person")[2].partition("\n##")[0]))
TABLES = {model._meta.label: model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy}
# A column of such a name says something of a person.
PERSONAL = re.compile(
    r"(^|_)(by|email|mail|phone|contact|imei|msisdn|ip|ip_address|user_agent|notes|facts|who|asker|to)$|^(text|subject)$"
)


def test_every_table_is_named_once() -> None:
    through = {label for label, model in TABLES.items() if model._meta.auto_created}
    assert set(TABLES) - through - set(TOLD) - WITHOUT == set()
    assert (set(TOLD) | WITHOUT) - set(TABLES) == set()
    assert set(TOLD) & WITHOUT == set()


@pytest.mark.parametrize("label", sorted(TOLD))
def test_it_says_what_is_there(label: str) -> None:
    columns, leaves, fate = TOLD[label]
    fields = {field.name for field in TABLES[label]._meta.concrete_fields}
    assert set(columns) <= fields
    assert columns
    assert (leaves == "yes") == (label in EXPORTED)
    assert fate


@pytest.mark.parametrize("label", sorted(set(TABLES) & (set(TOLD) | WITHOUT)))
def test_no_column_of_a_person_is_passed_over(label: str) -> None:
    told = TOLD.get(label, ([], "", ""))[0]
    personal = {
        field.name
        for field in TABLES[label]._meta.concrete_fields
        if PERSONAL.search(field.name) and not isinstance(field, models.BooleanField | models.DateTimeField)
    }
    assert personal - set(told) == set()
