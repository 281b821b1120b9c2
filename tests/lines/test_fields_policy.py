"""What a value of each kind of custom field may be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lines.policy.fields import (
    MOST_CHOICES,
    BadValue,
    FieldKind,
    checked_choices,
    checked_name,
    read_value,
    told,
)

CHOICES = ("Berlin", "Porto")


@pytest.mark.parametrize(
    ("kind", "text", "kept", "json"),
    [
        (FieldKind.TEXT, "  Van\t7\0 ", "Van 7", "Van 7"),
        (FieldKind.TEXT, "x" * 200, "x" * 200, "x" * 200),
        (FieldKind.NUMBER, "1,250.50", "1250.5", Decimal("1250.5")),
        (FieldKind.NUMBER, "-0.000", "0", 0),
        (FieldKind.NUMBER, "007", "7", 7),
        (FieldKind.NUMBER, "-3", "-3", -3),
        (FieldKind.NUMBER, "123456789012345", "123456789012345", 123456789012345),
        (FieldKind.DATE, "2026-02-28", "2026-02-28", "2026-02-28"),
        (FieldKind.CHOICE, "porto", "Porto", "Porto"),
    ],
)
def test_one_meaning_is_kept_in_one_way(kind: FieldKind, text: str, kept: str, json: object) -> None:
    assert read_value(kind, CHOICES, text) == kept
    assert told(kind, kept) == json
    assert read_value(kind, CHOICES, kept) == kept
    assert read_value(kind, CHOICES, " \0 ") == ""


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (FieldKind.TEXT, "x" * 201, "at most 200"),
        (FieldKind.NUMBER, "1e3", "is no number"),
        (FieldKind.NUMBER, "1,25", "is no number"),
        (FieldKind.NUMBER, "٣", "is no number"),
        (FieldKind.NUMBER, "1234567890123456", "at most 15 digits"),
        (FieldKind.NUMBER, "0.1234567", "6 of them decimals"),
        (FieldKind.DATE, "2026-02-30", "is no day"),
        (FieldKind.DATE, "20260228", "is no day"),
        (FieldKind.DATE, "1899-12-31", "is no day"),
        (FieldKind.CHOICE, "Paris", "use one of Berlin, Porto"),
    ],
)
def test_what_is_no_value_is_refused_with_why(kind: FieldKind, text: str, why: str) -> None:
    with pytest.raises(BadValue, match=why):
        read_value(kind, CHOICES, text)


def test_a_name_can_stand_in_an_address_and_a_heading() -> None:
    assert checked_name("  Größe (cm)  ") == "Größe (cm)"
    for wrong, why in (("", "Enter a name"), ("x" * 41, "at most 40"), ("a,b", "can’t be"), ("=SUM", "can’t be")):
        with pytest.raises(BadValue, match=why):
            checked_name(wrong)


def test_choices_are_each_once_and_of_a_choice_alone() -> None:
    assert checked_choices(FieldKind.CHOICE, ["Red", " ", "blue", "red"]) == ["Red", "blue"]
    assert checked_choices(FieldKind.TEXT, ["", " "]) == []
    for kind, given, why in (
        (FieldKind.TEXT, ["a"], "A text has no choices"),
        (FieldKind.CHOICE, [], "at least one"),
        (FieldKind.CHOICE, [str(n) for n in range(MOST_CHOICES + 1)], f"at most {MOST_CHOICES}"),
        (FieldKind.CHOICE, ["x" * 201], "at most 200"),
    ):
        with pytest.raises(BadValue, match=why):
            checked_choices(kind, given)
