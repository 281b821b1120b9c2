"""A short run of the move; the long one is a command (docs/testing.md)."""

from __future__ import annotations

import pytest

from tests.rigs.move_rig import played


@pytest.mark.timeout(900)
def test_an_account_moves_between_two_installations_and_both_charge_the_same_to_the_cent() -> None:
    found = played(lines=24, days=2)
    assert (found["ok"], found["wrong"]) == (True, {})
    assert (found["cut"], found["dry_run"], found["imported"], found["again"]) == (True, 24, 24, 24)
    assert found["usd_off"] == "0.000000"
    assert all(float(there) > 1 for there, _ in found["usd_after"].values())
    assert found["compared"] == 72
