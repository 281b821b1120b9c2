"""Messages to devices: sent as they were typed, and found again by what networks make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import Invalid

from lines.commands.sms import checked_text
from lines.texts import Likeness, as_delivered, likeness

SAME = [
    ("Reset the pump’s relay", "Reset the pump's relay"),
    ("say “on” – now", 'say "on" - now'),
    ("reboot\nnow", "reboot\r\nnow"),
    ("reboot\nnow", "reboot\rnow"),
    ("  getinfo", "getinfo"),
    ("getinfo ", "getinfo"),
    ("wait…", "wait..."),
    ("café", "cafe\u0301"),
    ("café", "cafe"),
    ("a\u00a0b", "a b"),
    ("＃１", "#1"),
    ("5 €", "5 EUR"),
    ("zero\u200bwidth", "zerowidth"),
]
MAYBE = [
    ("Größe 5", "Gr??e 5"),
    ("报警 on", "?? on"),
    ("Größe", "Gr\ufffd\ufffde"),
    ("set apn internet now", "set apn internet"),
    ("set apn internet", "set apn internet (1/1)"),
]
OTHER = [
    ("reboot", "reboost"),
    ("on", "off"),
    ("abc", "???"),
    ("on", "o?"),
    ("", "?"),
    ("status 1", "status 2"),
    ("on", "on 2"),
]


@pytest.mark.parametrize(("sent", "listed"), SAME)
def test_what_a_network_makes_of_a_text_is_the_same_text(sent: str, listed: str) -> None:
    assert likeness(sent, listed) is Likeness.SAME


@pytest.mark.parametrize(("sent", "listed"), MAYBE)
def test_what_can_have_been_made_of_it_is_in_doubt(sent: str, listed: str) -> None:
    assert likeness(sent, listed) is Likeness.MAYBE


@pytest.mark.parametrize(("sent", "listed"), OTHER)
def test_another_text_is_another(sent: str, listed: str) -> None:
    assert likeness(sent, listed) is Likeness.OTHER


@pytest.mark.parametrize(
    ("typed", "goes_out"),
    [
        ("  getinfo", "  getinfo"),
        ("getinfo  ", "getinfo  "),
        ("reboot\r\nnow", "reboot\nnow"),
        ("\n#1", "\n#1"),
        ("😀" * 35, "😀" * 35),
        ("x" * 70, "x" * 70),
    ],
)
def test_a_message_goes_out_as_it_was_typed(typed: str, goes_out: str) -> None:
    assert checked_text(text=typed) == goes_out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "1 to 70"),
        ("   ", "can be seen"),
        ("\n \n", "can be seen"),
        ("\u200b", "can be seen"),
        ("\u3164", "can be seen"),
        ("\u2800 \u00a0", "can be seen"),
        ("x" * 71, "has 71"),
        ("😀" * 36, "has 72"),
        ("a\x07", "no phone shows"),
        ("\ud83d", "half a character"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(typed: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        checked_text(text=typed)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_are_compared(one: str, other: str) -> None:
    assert likeness(one, one) is Likeness.SAME
    likeness(one, other)
    assert as_delivered(as_delivered(one)) == as_delivered(one)
