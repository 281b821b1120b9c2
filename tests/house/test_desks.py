"""Desks of the back office keep what they share: no column or action stands in the place of a method of theirs."""

from __future__ import annotations

import pytest
from django.contrib import admin
from kit.backoffice import Desk

DESKS = [desk for desk in admin.site._registry.values() if isinstance(desk, Desk)]


@pytest.mark.parametrize("desk", DESKS, ids=lambda desk: type(desk).__name__)
def test_no_column_or_action_is_named_as_what_a_desk_does(desk: Desk) -> None:
    assert all(getattr(type(desk), name) is getattr(Desk, name) for name in ("here", "found", "ask"))
    actions = {*(desk.actions_list or ()), *(desk.actions_detail or ())}
    assert not actions & {"add", "change", "delete", "history", "changelist"}
