"""A carrier's figure beside ours, as a table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lines.policy.costs import Compared, compare


@pytest.mark.parametrize(
    ("theirs", "ours", "currency", "found"),
    [
        ("3.4841", "3.484100", "USD", Compared.AGREES),
        ("3.4841", "3.4940", "USD", Compared.AGREES),  # less than a cent
        ("3.4841", "3.4941", "USD", Compared.DIFFERS),
        ("0", "0.50", "USD", Compared.DIFFERS),
        ("0.50", "0", "USD", Compared.DIFFERS),
        ("3.4841", None, "USD", Compared.NOT),
        (None, "3.4841", "USD", Compared.NOT),
        ("3.4841", "3.4841", "EUR", Compared.NOT),
        ("3.4841", "3.4841", "", Compared.NOT),
    ],
)
def test_figures_of_one_currency_are_compared_to_the_cent(
    theirs: str | None, ours: str | None, currency: str, found: Compared
) -> None:
    given, own = (None if one is None else Decimal(one) for one in (theirs, ours))
    assert compare(theirs=given, ours=own, currency=currency, kept="USD") is found
