"""What an owner is told about money, by mail and in the console. Pure: a subject and a text each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from kit.money import shown, shown_up


@dataclass(frozen=True, slots=True)
class Told:
    subject: str
    text: str


def _at(moment: dt.datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M} UTC"


def receipt(*, amount: Decimal, last4: str, invoice: str, is_auto: bool) -> Told:
    what = "Auto-refill charged" if is_auto else "You added"
    return Told(
        f"Receipt: {shown(amount)} added to your balance",
        f"{what} {shown(amount)} with the card ending in {last4}. The invoice is {invoice}; it is attached, and in the"
        " console under Billing & Payments, Transactions.",
    )


def declined(*, amount: Decimal, last4: str, reason: str, again: dt.datetime | None) -> Told:
    first = f"Auto-refill could not charge {shown(amount)} to the card ending in {last4}: {reason}."
    if again is None:
        return Told(
            "Auto-refill is paused",
            f"{first} It was tried four times and is paused now. Replace the card or turn auto-refill on again;"
            " until then, add funds by hand so that your lines keep running.",
        )
    return Told(
        f"Auto-refill: the card ending in {last4} was declined",
        f"{first} It is tried again on {_at(again)}. A new card is charged at once.",
    )


def wants_confirmation(*, amount: Decimal, last4: str) -> Told:
    return Told(
        "Auto-refill waits for your confirmation",
        f"The bank of the card ending in {last4} wants you to confirm the charge of {shown(amount)}. Log in, open"
        " Billing & Payments and choose Confirm with your bank; auto-refill waits until then.",
    )


def dropped(*, amount: Decimal) -> Told:
    return Told(
        "Auto-refill is paused",
        f"The charge of {shown(amount)} was cancelled. Nothing was charged. Turn auto-refill on again when you like.",
    )


def ceiling_reached(*, amount: Decimal, spent: Decimal, ceiling: Decimal) -> Told:
    return Told(
        "Auto-refill has reached its most for this month",
        f"Your balance is low. Auto-refill charged {shown(spent)} this month; {shown(amount)} more would pass the"
        f" {shown(ceiling)} that you set. Add funds by hand or raise the ceiling.",
    )


def refunded(*, amount: Decimal, last4: str) -> Told:
    return Told(
        f"{shown(amount)} went back to your card",
        f"A refund of {shown(amount)} went to the card ending in {last4}. Your balance is lower by it.",
    )


def disputed(*, amount: Decimal, last4: str) -> Told:
    return Told(
        f"A payment of {shown(amount)} is disputed",
        f"The owner of the card ending in {last4} disputed a payment of {shown(amount)}; the bank took it back and your"
        " balance is lower by it. Auto-refill is paused.",
    )


def reversal_undone(*, amount: Decimal) -> Told:
    return Told(
        f"{shown(amount)} is back on your balance", f"What had been taken back, {shown(amount)}, is yours again."
    )


def amount_changed(*, before: Decimal, after: Decimal, average: Decimal) -> Told:
    return Told(
        f"Auto-refill now charges {shown(after)}",
        f"You used {shown(average)} a day on average in the last 30 days, so auto-refill charges {shown(after)} instead"
        f" of {shown(before)} from today. The amount is fixed on the 5th of each month.",
    )


def low(*, available: Decimal, days: Decimal) -> Told:
    return Told(
        "Your balance is low",
        f"{shown(available)} is left: at what you use on average, {days:.1f} days until your lines are suspended. Add"
        " funds, or turn auto-refill on so that a card does it by itself.",
    )


def lines_suspended(*, lines: int, available: Decimal, minimum: Decimal) -> Told:
    return Told(
        f"{lines:,} {_lines(lines)} suspended: the balance is too low",
        f"{shown(available, beside=minimum)} is available and {shown(minimum)} is the minimum, so {lines:,} running"
        f" {_lines(lines)} suspended. A refill of {shown_up(minimum - available)} or more starts them again by itself.",
    )


def lines_back(*, lines: int, available: Decimal) -> Told:
    return Told(
        f"{lines:,} {_lines(lines, was='is', were='are')} starting again",
        f"Your balance is {shown(available)}, at its minimum or above. {lines:,} suspended"
        f" {_lines(lines, was='is', were='are')} being switched on again; those that somebody deactivated stay off.",
    )


def _lines(count: int, *, was: str = "was", were: str = "were") -> str:
    return f"line {was}" if count == 1 else f"lines {were}"
