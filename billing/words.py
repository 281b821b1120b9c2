"""What an owner is told about money, by mail and in the console. Pure: a subject and a text each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from kit.money import shown, shown_up

from billing.policy import Held


@dataclass(frozen=True, slots=True)
class Told:
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to be told, whose key names it. `to`: whom it is addressed to; empty: the owner."""

    account_id: int
    key: str
    told: Told
    page: str
    to: tuple[str, ...] = ()
    about: str = ""


def _at(moment: dt.datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M} UTC"


def receipt(*, amount: Decimal, tax: Decimal, last4: str, invoice: str, is_auto: bool) -> Told:
    what = "Auto-refill charged" if is_auto else "You added"
    more = f" plus {shown(tax)} tax" if tax else ""
    return Told(
        f"Receipt: {shown(amount)} added to your balance",
        f"{what} {shown(amount)}{more} with the card ending in {last4}. The invoice is {invoice}; it is attached,"
        " and in the console under Billing & Payments, Transactions.",
    )


def declined(*, amount: Decimal, last4: str, reason: str, again: dt.datetime | None) -> Told:
    card = f"the card ending in {last4}" if last4 else "your card"
    first = f"Auto-refill could not charge {shown(amount)} to {card}: {reason}."
    if again is None:
        return Told(
            "Auto-refill is paused",
            f"{first} We tried four times. Add another card, and auto-refill starts again by itself. Until then, add"
            " funds by hand so that your lines keep running.",
        )
    return Told(
        f"Auto-refill: {card} was declined" if last4 else "Auto-refill: there is no card to charge",
        f"{first} We'll try again on {_at(again)}. A new card is charged at once.",
    )


def wants_confirmation(*, amount: Decimal, last4: str) -> Told:
    return Told(
        f"Confirm a {shown(amount)} charge with your bank",
        f"Your bank needs you to confirm a {shown(amount)} auto-refill charge to the card ending in {last4}. Open"
        " Billing & Payments and choose Confirm with your bank within 15 minutes. After that we cancel this charge"
        " and try again later.",
    )


def card_expires(*, last4: str, on: dt.date, is_refilling: bool) -> Told:
    what = "Auto-refill can’t charge it after that." if is_refilling else "You can’t add funds with it after that."
    return Told(
        f"Your card expires on {on:%-d %B %Y}",
        f"The card ending in {last4} expires on {on:%-d %B %Y}. {what} Replace it under Billing & Payments, Payment"
        " method.",
    )


def dropped(*, amount: Decimal) -> Told:
    return Told(
        "Auto-refill is paused",
        f"The charge of {shown(amount)} was cancelled. Nothing was charged. Turn auto-refill on again when you like.",
    )


def unanswered(*, amount: Decimal) -> Told:
    return Told(
        "Auto-refill is waiting for the payment provider",
        f"The payment provider did not answer a charge of {shown(amount)}. Nothing was charged as far as it knows."
        " We'll keep trying every few minutes.",
    )


def paused(*, why: str) -> Told:
    return Told(
        "Auto-refill is paused",
        f"Auto-refill is paused because {why}. Nothing is charged until you turn it on again.",
    )


def ceiling_reached(*, amount: Decimal, spent: Decimal, ceiling: Decimal, is_own: bool) -> Told:
    whose = "your monthly limit" if is_own else "the monthly limit"
    return Told(
        "Auto-refill reached its monthly limit",
        f"Your balance is low. Auto-refill charged {shown(spent)} this month. {shown(amount)} more would pass {whose}"
        f" of {shown(ceiling)}. Add funds by hand or raise the limit.",
    )


def details_missing(*, amount: Decimal) -> Told:
    return Told(
        "Auto-refill needs your billing details",
        f"Your balance is low. Auto-refill can’t charge {shown(amount)} because invoices need your address and country."
        " Nothing was charged. Add your billing details, and auto-refill continues.",
    )


def missing(*, missing: Decimal, available: Decimal, minimum: Decimal, held: Held, per_day: int) -> Told:
    times = "once" if per_day == 1 else f"{per_day} times"
    why = {
        Held.TURN: f"Auto-refill charged {times} since the balance turned low, as often as it may.",
        Held.DAY: f"Auto-refill charged {times} in the last 24 hours, as often as it may.",
        Held.CEILING: "Auto-refill reached its monthly limit.",
    }[held]
    return Told(
        f"{shown(missing)} missing: lines are suspended",
        f"{why} Your balance is {shown(available)} and the minimum is {shown(minimum)}. Pay the missing"
        f" {shown(missing)} to start your lines again.",
    )


def refunded(*, amount: Decimal, net: Decimal, last4: str) -> Told:
    return Told(
        f"{shown(amount)} went back to your card",
        f"A refund of {shown(amount)} went to the card ending in {last4}. Your balance is {shown(net)} lower.",
    )


def disputed(*, amount: Decimal, net: Decimal, last4: str) -> Told:
    return Told(
        f"A payment of {shown(amount)} is disputed",
        f"The owner of the card ending in {last4} disputed a payment of {shown(amount)}. The bank took it back. Your"
        f" balance is {shown(net)} lower.",
    )


def reversal_undone(*, amount: Decimal) -> Told:
    return Told(
        f"{shown(amount)} is back on your balance", f"What had been taken back, {shown(amount)}, is yours again."
    )


def amount_changed(*, before: Decimal, after: Decimal, average: Decimal, ceiling: Decimal | None) -> Told:
    most = "without a monthly limit" if ceiling is None else f"at most {shown(ceiling)} a month"
    return Told(
        f"Auto-refill now charges {shown(after)}",
        f"You used {shown(average)} a day on average in the last 30 days. Auto-refill charges {shown(after)} instead"
        f" of {shown(before)} from today, {most}. The amount is set on the 5th of each month.",
    )


def amount_capped(*, wanted: Decimal, amount: Decimal, ceiling: Decimal, average: Decimal) -> Told:
    return Told(
        f"Auto-refill stays at {shown(amount)}",
        f"You used {shown(average)} a day on average, which makes a refill of {shown(wanted)}. That is over your"
        f" monthly limit of {shown(ceiling)}, so auto-refill charges {shown(amount)}. Raise the limit if that is too"
        " little.",
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


def wallet_low(*, name: str, available: Decimal, days: Decimal) -> Told:
    return Told(
        f"The balance of {name} is low",
        f"{shown(available)} is available. At average usage, lines are suspended in {days:.1f} days. Credit from the"
        " account that provides the lines avoids that.",
    )


def wallet_suspended(*, name: str, lines: int, available: Decimal, minimum: Decimal) -> Told:
    return Told(
        f"{name}: {lines:,} {_lines(lines)} suspended for a low balance",
        f"The balance of {name} is {shown(available, beside=minimum)}. The minimum is {shown(minimum)}. Credit of"
        f" {shown_up(minimum - available)} or more starts the lines again.",
    )


def wallet_back(*, name: str, lines: int, available: Decimal) -> Told:
    return Told(
        f"{name}: {lines:,} {_lines(lines, was='is', were='are')} starting again",
        f"The balance of {name} is {shown(available)}, at its minimum or above. Deactivated lines stay off.",
    )


def lines_back(*, lines: int, available: Decimal) -> Told:
    return Told(
        f"{lines:,} {_lines(lines, was='is', were='are')} starting again",
        f"Your balance is {shown(available)}, at its minimum or above. {lines:,} suspended"
        f" {_lines(lines, was='is', were='are')} being switched on again; those that somebody deactivated stay off.",
    )


def _lines(count: int, *, was: str = "was", were: str = "were") -> str:
    return f"line {was}" if count == 1 else f"lines {were}"
