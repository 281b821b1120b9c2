"""The tutorial: what the console does, chapter by chapter, for who may do it. The words are templates."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Membership
from accounts.policy import Right


@dataclass(frozen=True, slots=True)
class Chapter:
    """`page` is the name of the address that it is about."""

    slug: str
    title: str
    right: Right
    page: str

    @property
    def template(self) -> str:
        return f"console/tutorial/{self.slug}.html"


CHAPTERS = (
    Chapter("home", "Home", Right.SEE_LINES, "home"),
    Chapter("balance", "Your balance", Right.SEE_MONEY, "billing"),
    Chapter("add-funds", "Add funds and payment method", Right.MANAGE_MONEY, "add_funds"),
    Chapter("auto-refill", "Auto-refill", Right.MANAGE_MONEY, "auto_refill"),
    Chapter("transactions", "Transactions and billing details", Right.SEE_MONEY, "transactions"),
    Chapter("api-credentials", "API credentials", Right.MANAGE_KEYS, "api_credentials"),
    Chapter("staff", "Staff accounts", Right.MANAGE_PEOPLE, "staff"),
    Chapter("profile", "Your profile", Right.SEE_LINES, "profile"),
    Chapter("lines", "Lines", Right.SEE_LINES, "lines"),
    Chapter("one-line", "One line", Right.SEE_LINES, "lines"),
    Chapter("bulk", "Many lines at once", Right.SEE_LINES, "jobs"),
    Chapter("sms", "SMS", Right.SEE_LINES, "sms"),
    Chapter("orders", "Order SIM cards, and the store", Right.MANAGE_LINES, "orders"),
    Chapter("sub-accounts", "Sub accounts", Right.MANAGE_LINES, "subaccounts"),
    Chapter("automation", "Automation", Right.SEE_AUDIT, "rules"),
    Chapter("coverage", "Coverage", Right.SEE_MONEY, "coverage"),
    Chapter("audit", "Audit", Right.SEE_AUDIT, "audit"),
    Chapter("api-docs", "API docs", Right.SEE_MONEY, "api_docs"),
)


def chapters_for(membership: Membership) -> list[Chapter]:
    """The chapters of what a person may do."""
    return [chapter for chapter in CHAPTERS if membership.may(chapter.right)]
