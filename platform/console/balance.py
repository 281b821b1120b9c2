"""The balance as its account's people read it: the amount, a word, how long it lasts, and the sum behind it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from kit import clock
from kit.money import shown_up

from accounts.models import Membership
from accounts.policy import Right
from billing import queries
from billing.policy import LOW_RUNWAY_DAYS, Balance, Colour
from lines.models import Line

WORDS = {Colour.RED: "Too low", Colour.ORANGE: "Low", Colour.GREEN: "Good"}
LONGEST_RUNWAY = 999
NEW = "new"  # in place of a colour: nothing is wrong


@dataclass(frozen=True, slots=True)
class Shown:
    """A balance in words."""

    balance: Balance
    colour: str
    word: str
    runway: str  # "23 days left"
    sentence: str  # what it means and what mends it
    is_new: bool = False  # too low, and the account pays for no line that could stop

    @property
    def is_good(self) -> bool:
        return self.is_new or self.balance.colour is Colour.GREEN

    @property
    def missing(self) -> Decimal:
        """What a refill must bring at least, in USD; 0 where nothing is missing."""
        return max(self.balance.minimum - self.balance.available, Decimal(0))


def balance_shown(membership: Membership | None) -> Shown | None:
    """The balance for who may see money, else None."""
    if membership is None or not membership.may(Right.SEE_MONEY):
        return None
    balance = queries.balance_of(membership.account, today=clock.today())
    colour = balance.colour
    runway = _runway(balance.runway_days)
    if colour is Colour.RED and not Line.objects.filter(payer_id=membership.account.payer_id).exists():
        return Shown(balance, NEW, "No lines yet", runway, "Add funds before you activate lines.", is_new=True)
    return Shown(balance, colour.value, WORDS[colour], runway, _sentence(balance))


def _runway(days: Decimal | None) -> str:
    if days is None:
        return "nothing is used yet"
    if days < 0:
        return "0 days left"
    whole = days.quantize(Decimal("0.1") if days < 10 else Decimal(1), rounding=ROUND_FLOOR)
    if whole > LONGEST_RUNWAY:
        return f"over {LONGEST_RUNWAY} days left"
    return f"{whole.normalize():f} day{'' if whole == 1 else 's'} left"


def _sentence(balance: Balance) -> str:
    if balance.colour is Colour.RED:
        missing = shown_up(balance.minimum - balance.available)
        return f"Lines are suspended. Add at least {missing} to reactivate them."
    if balance.colour is Colour.ORANGE:
        return f"Under {LOW_RUNWAY_DAYS} days of usage are left before lines are suspended."
    return "Nothing needs doing."
