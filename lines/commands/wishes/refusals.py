"""Why a line may not do what somebody asks."""

from __future__ import annotations

from kit.errors import Refusal

from accounts.commands.people import UNCONFIRMED, Unconfirmed
from lines.commands.daily import SAID, DayLimit
from lines.models import Line
from lines.policy import Verdict
from lines.policy.budget import Costly


class InsufficientBalance(Refusal):
    """The balance is below its minimum: nothing may be activated."""


class InsufficientWallet(Refusal):
    """The sub-account's own balance is below its minimum: none of its lines may be activated."""


class CapFull(Refusal):
    """A cap over the line is full: it may not be activated before its period ends or it is raised."""


class AlreadyDeactivated(Refusal):
    """The line is Deactivated: there is no later day on which it could be."""


class LineInStock(Refusal):
    """The line belongs to no account."""


class HolderOff(Refusal):
    """The sub-account that holds the line is switched off."""


REFUSALS: dict[Verdict, tuple[type[Refusal], str]] = {
    Verdict.RED: (
        InsufficientBalance,
        "Line {iccid} cannot be activated while the available balance is below its minimum; add funds first",
    ),
    Verdict.WALLET_RED: (
        InsufficientWallet,
        "Line {iccid} can’t be activated while its sub-account’s balance is below its minimum. Add credit to it first.",
    ),
    Verdict.CAP_FULL: (
        CapFull,
        "Line {iccid} can’t be activated while a cap over it is full. Raise the cap, or wait for its next period.",
    ),
    Verdict.HOLDER_OFF: (
        HolderOff,
        "Line {iccid} cannot be activated while its sub-account is switched off; switch that on first",
    ),
    Verdict.DEACTIVATED: (AlreadyDeactivated, "Line {iccid} is deactivated already"),
    Verdict.UNCONFIRMED: (Unconfirmed, UNCONFIRMED),
    Verdict.OVER_DAY: (DayLimit, SAID[Costly.ACTIVATION]),
    Verdict.GONE: (LineInStock, "Line {iccid} belongs to no account"),
}


def or_refuse(*, line: Line, verdicts: dict[int, Verdict]) -> None:
    """Raises the refusal of this line's verdict, if it is one."""
    verdict = verdicts[line.pk]
    if verdict.is_refusal:
        refusal, message = REFUSALS[verdict]
        raise refusal(message.format(iccid=line.iccid))
