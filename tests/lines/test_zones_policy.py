"""Where usage was: the country of the session or sighting nearest to it."""

from __future__ import annotations

import datetime as dt

import pytest

from lines.policy.zones import Stay, began_there, country_at


def moment(hour: int) -> dt.datetime:
    return dt.datetime(2026, 11, 11, hour, tzinfo=dt.UTC)


GERMANY, JAPAN = Stay(moment(8), "DE"), Stay(moment(12), "JP")


@pytest.mark.parametrize(
    ("stays", "hour", "country"),
    [
        ([], 9, None),
        ([GERMANY], 9, "DE"),
        ([GERMANY], 7, "DE"),  # the first one is the nearest
        ([JAPAN, GERMANY], 7, "DE"),
        ([JAPAN, GERMANY], 9, "DE"),
        ([JAPAN, GERMANY], 12, "JP"),
        ([GERMANY, Stay(moment(8), "FR")], 9, "FR"),  # of two that begin at once the later told
        ([GERMANY, Stay(moment(8), "FR")], 7, "FR"),
    ],
)
def test_a_line_was_where_the_stay_says_that_began_last(stays: list[Stay], hour: int, country: str | None) -> None:
    assert country_at(stays, moment(hour)) == country


def test_a_stay_begins_where_it_is_nearer_than_the_one_before() -> None:
    eight, noon, two = map(moment, (8, 12, 14))
    there = Stay(eight, "DE")
    ten = moment(10)
    # seen in one until 08:00, and in the other from 12:00 on: half-way between
    assert began_there(started=noon, before=eight, looked=two, last=there, is_there=False) == ten
    assert began_there(started=noon, before=two, looked=two, last=there, is_there=False) == noon
    assert began_there(started=noon, before=None, looked=two, last=None, is_there=True) == noon
    # a session that crossed the border: since the look before
    assert began_there(started=eight, before=None, looked=noon, last=Stay(ten, "DE"), is_there=True) == noon
    # one that is over, and before what is known
    assert began_there(started=eight, before=None, looked=noon, last=Stay(ten, "DE"), is_there=False) == eight
