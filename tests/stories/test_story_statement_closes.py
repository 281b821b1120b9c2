"""A statement closes 72 hours after its month; what is found later is late usage of the open one, with its date."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from billing import queries
from billing.commands import seal_days
from billing.daybook import balance_days
from billing.queries import Month
from tests.tills import Till, standin_fixture, stripe_server_fixture, till_fixture  # noqa: F401


def months(till: Till) -> dict[str, Month]:
    return {f"{one.start:%Y-%m}": one for one in queries.months_of(till.account, today=till.now.date())}


def test_november_is_as_it_was_on_the_4th_for_ever(till: Till) -> None:
    """100.00 in, 1.00 used on 28 Nov: 99.00. 2.00 of the 28th found on 3 Dec: 97.00. 5.00 more found on 10 Dec: still
    97.00, and December has 5.00 of late usage; so it is before and after that is sealed."""
    till.credit("100")
    till.uses("1", day="2026-11-28")
    till.at("2026-12-02T09:00")
    seal_days(before=till.now.date())
    assert f"{months(till)['2026-11'].ending:.2f}" == "99.00"
    till.at("2026-12-03T23:00").uses("2", day="2026-11-28")
    till.at("2026-12-04T00:05")
    seal_days(before=till.now.date())
    assert (f"{months(till)['2026-11'].ending:.2f}", months(till)["2026-11"].is_closed) == ("97.00", True)
    till.at("2026-12-10T12:00").uses("5", day="2026-11-28")
    for moment in ("2026-12-10T12:00", "2026-12-11T00:05"):
        till.at(moment)
        seal_days(before=till.now.date())
        november, december = months(till)["2026-11"], months(till)["2026-12"]
        assert f"{november.ending:.2f}" == "97.00"
        assert (december.late_usage, december.ending) == (Decimal(-5), Decimal(92))
        (late,) = december.late
        assert (late.day, late.found_on) == (dt.date(2026, 11, 28), dt.date(2026, 12, 10))
        assert balance_days(till.account)[0].day == dt.date(2026, 12, 10)
    page = till.client.get("/billing/details/").content.decode()
    assert "Late usage of 28 November 2026, found 10 December: -$5.00" in page
    assert "closed" in page


def test_usage_that_is_moved_off_a_closed_month_is_a_credit_of_the_open_one(till: Till) -> None:
    till.credit("100")
    till.uses("8", day="2026-11-28")
    till.at("2026-12-06T00:05")
    seal_days(before=till.now.date())
    till.uses("-3", day="2026-11-28")
    till.at("2026-12-07T00:05")
    seal_days(before=till.now.date())
    assert f"{months(till)['2026-11'].ending:.2f}" == "92.00"
    assert f"{months(till)['2026-12'].ending:.2f}" == "95.00"
