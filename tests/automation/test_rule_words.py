"""Words that rules look for in messages, in any script, and figures with the digits that decide."""

from __future__ import annotations

import datetime as dt
import unicodedata
from decimal import Decimal

import pytest

from automation.policy import says
from automation.words import amount, because, tried

DECOMPOSED = unicodedata.normalize("NFD", "Tür offen")
FOUND = [
    ("设备报警中", "报警"),
    ("อุปกรณ์แจ้งเตือนแล้ว", "แจ้งเตือน"),
    (DECOMPOSED, "Tür"),
    ("Tür offen", unicodedata.normalize("NFD", "TÜR")),
    ("STRASSE offen", "straße"),
    ("die Straße", "STRASSE"),
    ("ＡＬＡＲＭ　ＯＮ", "alarm on"),
    ("alarm!", "ＡＬＡＲＭ"),
    ("low\nbattery", "low battery"),
    ("警報アラーム発生", "アラーム"),
    ("ｱﾗｰﾑ", "アラーム"),
    ("ແຈ້ງເຕືອນແລ້ວ", "ເຕືອນ"),
    ("GPS报警", "报警"),
    ("ar\u200bmed", "armed"),
    ("x alarming alarm", "alarm"),
    ("ΑΛΑΡΜ ΣΟΣ", "αλαρμ σος"),
]
NOT_FOUND = [
    ("alarming", "alarm"),
    ("falsealarm", "alarm"),
    ("Türen", "Tür"),
    ("alarm2", "alarm"),
    ("किताब", "क"),
    ("กุญแจ", "ก"),
    ("тревожный", "тревож"),
    ("cafe\u0301", "cafe"),
    ("alarm", "  "),
]


@pytest.mark.parametrize(("text", "word"), FOUND)
def test_a_word_is_found_however_it_is_written(text: str, word: str) -> None:
    assert says(text, word)


@pytest.mark.parametrize(("text", "word"), NOT_FOUND)
def test_a_part_of_another_word_is_not_the_word(text: str, word: str) -> None:
    assert not says(text, word)


@pytest.mark.parametrize(
    ("value", "limit", "unit", "said"),
    [
        ("600", "512", "mb", "600 MB"),
        ("512.04", "512", "mb", "512.04 MB"),
        ("512.000001", "512", "mb", "512.000001 MB"),
        ("512.0499", "512.04", "mb", "512.05 MB"),
        ("200.01", "200", "usd", "$200.01"),
        ("200.000001", "200", "usd", "$200.000001"),
        ("0.5049", "0.5", "usd", "$0.5049"),
    ],
)
def test_a_figure_that_decides_shows_the_digits_that_decide(value: str, limit: str, unit: str, said: str) -> None:
    assert amount(Decimal(value), unit, over=Decimal(limit)) == said
    text = because(
        "usage",
        period="day",
        unit=unit,
        limit=Decimal(limit),
        value=Decimal(value),
        day=dt.date(2026, 11, 20),
        text="",
    )
    assert text.startswith(f"Used {said} on 20 November 2026, over ")


@pytest.mark.parametrize(
    ("trigger", "unit", "limit", "value", "text", "said"),
    [
        ("usage", "mb", "512", "512.000001", "", "512.000001 MB"),
        ("usage", "mb", "512", "550.04", "", "550 MB"),
        ("usage", "usd", "200", "200.004", "", "$200.004"),
        ("cost", "", "200", "200.004", "", "$200.004"),
        ("silence", "", None, "48", "", "48 h"),
        ("imei", "", None, None, "1 to 2", "1 to 2"),
    ],
)
def test_a_rule_that_is_tried_shows_the_digits_that_decide(
    trigger: str, unit: str, limit: str | None, value: str | None, text: str, said: str
) -> None:
    """The table of a try-out said 512.0 MB of what was over 512 MB."""
    numbers = [None if one is None else Decimal(one) for one in (limit, value)]
    assert tried(trigger, unit=unit, limit=numbers[0], value=numbers[1], text=text) == said
