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
    page = " ".join(till.client.get("/billing/details/").content.decode().split())
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


def test_usage_that_nobody_sealed_for_days_is_told_from_what_is_found_after_the_close(till: Till) -> None:
    """1.00 used on 28 Nov, and no worker seals until 6 Dec. 2.00 more of the 28th are found on 3 Dec, 5.00 on 5 Dec and
    0.50 on 6 Dec: November has 3.00 of them, December 5.50 as late usage of two finding days."""
    till.credit("100")
    till.uses("1", day="2026-11-28")
    till.at("2026-12-03T12:00").uses("2", day="2026-11-28")
    till.at("2026-12-05T12:00").uses("5", day="2026-11-28")
    till.at("2026-12-06T12:00").uses("0.5", day="2026-11-28")
    for moment in ("2026-12-06T12:00", "2026-12-07T00:05", "2026-12-07T01:05"):
        till.at(moment)
        assert f"{months(till)['2026-11'].ending:.2f}" == "97.00"
        december = months(till)["2026-12"]
        assert (december.late_usage, december.ending) == (Decimal("-5.5"), Decimal("91.5"))
        assert [(one.day, one.found_on, one.amount) for one in sorted(december.late, key=lambda one: one.found_on)] == [
            (dt.date(2026, 11, 28), dt.date(2026, 12, 5), Decimal(-5)),
            (dt.date(2026, 11, 28), dt.date(2026, 12, 6), Decimal("-0.5")),
        ]
        seal_days(before=till.now.date())


def test_what_was_found_in_an_open_month_stays_there_though_it_is_sealed_when_that_is_closed(till: Till) -> None:
    """4.00 of November found on 31 Dec and 1.00 on 5 Jan, sealed on the 6th: December has 4.00, January 1.00."""
    till.credit("100")
    till.at("2026-12-31T23:00").uses("4", day="2026-11-28")
    till.at("2027-01-05T12:00").uses("1", day="2026-11-28")
    till.at("2027-01-06T00:05")
    seal_days(before=till.now.date())
    assert [months(till)[one].late_usage for one in ("2026-12", "2027-01")] == [Decimal(-4), Decimal(-1)]
