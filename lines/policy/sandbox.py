"""What a test account's carrier may do wrong. Pure."""

from __future__ import annotations

import enum

KIND = "sandbox"  # of the carrier of all test accounts


class Fault(enum.StrEnum):
    """What goes wrong with the carrier of a test account, as its people want it."""

    NONE = "none"
    REFUSES = "refuses"  # says no to whatever is to change
    FAILS = "fails"  # does not answer
    LAGS = "lags"  # takes ten minutes of the account's clock to do what it accepted
