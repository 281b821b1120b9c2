"""What a person finds as they type: pages, settings and actions by their words, then lines and all that has a name."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.db.models import Q
from django.urls import reverse
from kit.money import shown as money

from accounts.models import Membership
from accounts.policy import Right
from accounts.queries import staff_of
from automation.models import Rule
from billing.models import Invoice
from console.navigation import ACCOUNT_PAGES, BELOW, ENTRIES, MONEY_TABS
from lines import queries as lines
from lines.models import Tag
from lines.policy import Status

EACH = 5  # of a kind
SHORTEST = 2  # letters before rows are searched
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One place to go: its name, what it is beside that, its address."""

    label: str
    href: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, the words by which it is looked for, and where it is done."""

    label: str
    words: str
    page: str
    right: Right
    anchor: str = ""


ACTIONS = (
    Action("Add a line", "add line sim activate claim", "lines-add", Right.MANAGE_LINES),
    Action("Add many lines", "upload import csv list lines", "lines-add-many", Right.MANAGE_LINES),
    Action("Custom fields", "custom fields columns own attributes metadata", "custom-fields", Right.MANAGE_LINES),
    Action("Find by a list of ICCIDs", "paste iccids list", "lines-find", Right.SEE_LINES),
    Action("Add funds", "refill top up pay money", "add_funds", Right.MANAGE_MONEY),
    Action("Set up auto-refill", "auto refill automatic", "auto_refill", Right.MANAGE_MONEY),
    Action("Change payment method", "card visa payment", "payment_method", Right.MANAGE_MONEY),
    Action("New rule", "add create rule limit automation alert", "new_rule", Right.MANAGE_LINES),
    Action("Invite team members", "invite user staff person team", "staff", Right.MANAGE_PEOPLE),
    Action("Create API key", "api key token credentials", "api_keys", Right.MANAGE_KEYS),
    Action("Order SIM cards", "order buy sim cards", "orders", Right.MANAGE_LINES),
)
SETTINGS = (
    Action("Time zone and language", "time zone language locale date format", "profile", Right.SEE_LINES),
    Action("Two-factor authentication", "2fa two factor passkey authenticator security", "mfa_index", Right.SEE_LINES),
    Action("Password", "password change", "account_change_password", Right.SEE_LINES),
    Action("Email address", "email mail address", "account_email", Right.SEE_LINES),
    Action("Sessions", "sessions devices log out", "sessions", Right.SEE_LINES),
    Action("White label", "white label branding logo colour color domain", "subaccounts", Right.MANAGE_SUBACCOUNTS),
    Action("Billing details", "billing details company tax vat address", "billing_details", Right.SEE_MONEY),
    Action("Invoices and transactions", "invoice invoices receipt transaction", "transactions", Right.SEE_MONEY),
)
OF_A_LINE = {  # a verb before the digits of a line: what is offered for it
    "activate": Right.ACTIVATE_LINES,
    "deactivate": Right.STOP_LINES,
    "suspend": Right.STOP_LINES,
    "sms": Right.ACTIVATE_LINES,
}


def found_for(membership: Membership, text: str, *, today: dt.date) -> list[tuple[str, list[Found]]]:
    """By kind, at most EACH of each. Without text: what there is to do."""
    text = " ".join(text.replace("\0", "").split())[:LONGEST]
    kinds = [
        ("Lines", list(_lines(membership, text, today))),
        ("Actions", list(_said(membership, ACTIONS, text))),
        ("Pages", list(_pages(membership, text))),
        ("Settings", list(_said(membership, SETTINGS, text)) if text else []),
        *(_named(membership, text) if len(text) >= SHORTEST else []),
    ]
    return [(kind, found[:EACH]) for kind, found in kinds if found]


def _lines(membership: Membership, text: str, today: dt.date) -> Iterator[Found]:
    verb, _, rest = text.partition(" ")
    verb = verb.lower() if verb.lower() in OF_A_LINE and rest else ""
    wanted = rest if verb else text
    if len(wanted) < SHORTEST or (verb and not membership.may(OF_A_LINE[verb])):
        return
    found = lines.list_lines(membership, lines.Asked(q=wanted), today=today)
    for row in found.rows[:EACH]:
        page = "line-sms" if verb == "sms" else "line"
        name = f"{verb.capitalize() if verb != 'sms' else 'SMS to'} {row.iccid}" if verb else row.iccid
        yield Found(name, reverse(page, args=[row.iccid]), " · ".join(filter(None, [row.notes, row.status.word])))
    if found.total > EACH and not verb:
        yield Found(f"All {found.total:,} lines that match", f"{reverse('lines')}?q={quote(wanted)}")


def _pages(membership: Membership, text: str) -> Iterator[Found]:
    """Pages, and the list of lines in each status."""
    named = [(entry.name, entry.label, entry.right) for entry in (*ENTRIES, *BELOW) if entry.is_for(membership)]
    seen = set()
    for name, label, right in (*named, *ACCOUNT_PAGES, *MONEY_TABS):
        if membership.may(right) and _begins(text, label) and name not in seen:
            seen.add(name)
            yield Found(label, reverse(name))
    for status in Status if len(text) >= SHORTEST else ():
        if status.word.lower().startswith(text.lower()):
            value = status.name.lower().replace("_", "-")
            yield Found(f"{status.word} lines", f"{reverse('lines')}?status={value}")


def _said(membership: Membership, actions: tuple[Action, ...], text: str) -> Iterator[Found]:
    for action in actions:
        if membership.may(action.right) and _begins(text, f"{action.label} {action.words}"):
            yield Found(action.label, reverse(action.page))


def _begins(text: str, words: str) -> bool:
    """Whether each word that was typed begins one of these."""
    there = words.lower().split()
    return all(any(one.startswith(typed) for one in there) for typed in text.lower().split())


def _named(membership: Membership, text: str) -> Iterator[tuple[str, list[Found]]]:
    """What of the account has a name with this in it: read only where its right is there."""
    account = membership.account
    if membership.may(Right.SEE_MONEY):
        subs = account.subaccounts.filter(name__icontains=text).order_by("name")[:EACH]
        yield "Sub-accounts", [Found(one.name, reverse("subaccount", args=[one.uuid.hex])) for one in subs]
        tags = Tag.objects.filter(account=account, name__icontains=text).order_by("name")[:EACH]
        yield "Tags", [Found(one.name, f"{reverse('lines')}?tag={one.pk}", "lines with this tag") for one in tags]
        if digits := re.sub(r"\D", "", text):
            papers = Invoice.objects.filter(account=account, number=int(digits[:9]))
            yield (
                "Invoices",
                [Found(one.name, reverse("invoice", args=[one.number]), money(one.amount)) for one in papers],
            )
    if membership.may(Right.SEE_AUDIT):
        rules = Rule.objects.filter(account=account, deleted_at=None, name__icontains=text).order_by("name")[:EACH]
        yield (
            "Rules",
            [Found(one.name, reverse("rule", args=[one.uuid.hex]), "" if one.is_on else "off") for one in rules],
        )
    if membership.may(Right.MANAGE_PEOPLE):
        people = staff_of(account).filter(Q(user__email__icontains=text))[:EACH]
        yield "People", [Found(one.user.email, reverse("person", args=[one.pk]), one.role) for one in people]
