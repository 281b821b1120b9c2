"""Whatever colour a white label gives, what is written in it and on it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.branding.colours import AA, DARK_GROUNDS, LIGHT_GROUNDS, bar, contrast, dark_tone, light_tone

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(COLOURS)
def test_any_colour_becomes_text_that_can_be_read_in_both_themes(colour: str) -> None:
    for tone, grounds in ((light_tone(colour), LIGHT_GROUNDS), (dark_tone(colour), DARK_GROUNDS)):
        assert min(contrast(tone.accent, ground) for ground in (*grounds, tone.soft)) >= AA
        assert contrast(tone.on_accent, tone.accent) >= AA


@given(COLOURS)
def test_text_on_a_filled_ground_can_be_read(colour: str) -> None:
    made = bar(colour)
    assert made.ground == colour
    assert contrast(made.ink, made.ground) >= AA
    assert contrast(made.ink, made.here) >= AA


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_contrast_is_counted_as_wcag_does(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert light_tone("#2456c4").accent == "#2456c4"
    assert dark_tone("#8db0ff").accent == "#8db0ff"
