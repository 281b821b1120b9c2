"""What customers and their devices do while a rig breaks things, and what they were told: the journal of the auditor.

Everything goes through the product's commands, again and again until it is answered. Each has an idea of its own of
what it was told; the auditor compares the books with that.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.rigs.installation import KINDS, NAMES, UNREAD_LINES, Installation
from tests.rigs.receivers import Receivers

BYTES = (1, 999, 1_048_576, 7_000_001)
LONG_AGO = "2000-01-01"
CARD = "4242424242424242"
BACK = "https://console.example.com/"
RICH, POOR = Decimal(500), Decimal(-500)  # USD available: clearly green, clearly red


class Customers:
    """Three accounts with their lines."""

    def __init__(self, one: Installation, chance: random.Random) -> None:
        from accounts.models import Account
        from lines.models import Line

        self.one, self.chance = one, chance
        self.accounts = {name: Account.objects.get(name=name) for name in NAMES}
        self.owner = {name: f"owner@{name}.example" for name in NAMES}
        self.since = f"{one.now():%Y-%m}"
        self.credits: dict[str, Decimal] = defaultdict(Decimal)
        self.lines: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, int] = {}
        self.acts = self.paid = 0
        one.wait_for(UNREAD_LINES, LONG_AGO, within=300, what="never read")  # what was used by then is no charge
        before = {sim["iccid"]: sum(m["bytes"] for m in sim["months"].values()) for sim in self._truth()}
        today = f"{one.now():%Y-%m-%d}"
        for line in Line.objects.select_related("carrier", "payer"):
            per_mb, per_day = KINDS[line.carrier.kind]
            assert line.payer is not None
            self.lines[line.iccid] = {
                "payer": line.payer.uuid.hex, "before": before[line.iccid], "wish": True, "per_mb": per_mb,
                "per_day": per_day, "since": today,
            }  # fmt: skip
            self.keys[line.iccid] = line.pk
        for account in self.accounts.values():
            self.credits[account.uuid.hex] += Decimal(500)  # the beginning

    def _truth(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.one.carriers.ask("GET", "/truth", limit=10_000, **{"from": self.since})[
            "sims"
        ]
        return found

    def give_cards_and_addresses(self, receivers: Receivers) -> None:
        from automation.commands.webhooks import add_webhook
        from billing import stripe, work

        for name, account in self.accounts.items():
            by = self._actor(name)
            customer = work.customer_for(account, by=by)
            back = f"{BACK}?session={{CHECKOUT_SESSION_ID}}"
            page = stripe.open_card_page(customer=customer.stripe_id, success_url=back, cancel_url=back)
            sent_to = self.one.payments.fill_in(page, CARD)
            assert work.take_card(parse_qs(urlsplit(sent_to).query)["session"][0], by=by)
            for url in (receivers.good, receivers.silent):
                add_webhook(account=account, url=url, topics=["lines", "balance", "payments"], by=by)

    def act(self) -> None:
        """One thing that somebody does."""
        self.acts += 1
        self.chance.choice([self.use, self.use, self.switch, self.turn, self.pay])()

    def use(self) -> None:
        """A third of the devices moves some bytes."""
        some = self.chance.sample(sorted(self.lines), max(1, len(self.lines) // 3))
        self.one.carriers.ask("POST", "/bytes", [{"iccid": one, "bytes": self.chance.choice(BYTES)} for one in some])

    def switch(self) -> None:
        """Some lines off, or on again; a refusal by the balance changes no wish."""
        from lines.commands.wishes import activate_lines, deactivate_lines

        name = self.chance.choice(NAMES)
        mine = [iccid for iccid, line in self.lines.items() if line["payer"] == self.accounts[name].uuid.hex]
        some = self.chance.sample(mine, max(1, len(mine) // 4))
        on = self.chance.random() < 0.5
        command, by = (activate_lines if on else deactivate_lines), self._actor(name)
        verdicts = self.one.insist(lambda: command(line_ids=[self.keys[iccid] for iccid in some], by=by))
        for iccid in some:
            if not verdicts[self.keys[iccid]].is_refusal:
                self.lines[iccid]["wish"] = on

    def turn(self) -> None:
        """A balance that is red or green for sure."""
        name = self.chance.choice(NAMES)
        self.bring(name, self.chance.choice([RICH, RICH, POOR]))

    def bring(self, name: str, to: Decimal) -> None:
        """By a credit or a debit: the same key again is the same row."""
        from accounts.policy import OPERATOR
        from billing.commands.credits import credit_once
        from billing.models import Wallet
        from billing.policy import EntryKind

        account, key = self.accounts[name], uuid.uuid4().hex
        wallet = self.one.insist(lambda: Wallet.objects.get(pk=account.pk))
        amount = (to - (wallet.posted - wallet.accrued)).quantize(Decimal(1))
        if amount:
            self.one.insist(
                lambda: credit_once(
                    account=account, kind=EntryKind.ADJUSTMENT, amount=amount, reason="as it is", key=key, by=OPERATOR
                )
            )
            self.credits[account.uuid.hex] += amount

    def pay(self) -> None:
        """A refill by card; the same key again is the same payment. What Stripe does not answer is found out later."""
        from kit.errors import Refusal

        from billing import work
        from billing.commands.payments import begin_refill

        name = self.chance.choice(NAMES)
        key, by = uuid.uuid4(), self._actor(name)
        amount = Decimal(self.chance.choice([25, 40, 75]))

        def pay() -> None:
            begun = begin_refill(account=self.accounts[name], amount=amount, key=key, return_url=BACK, by=by)
            work.pay(begun.payment)

        try:
            self.one.insist(pay)
            self.paid += 1
        except Refusal:  # one is under way
            pass

    def settle_minds(self) -> None:
        """At the end of a round no balance is between red and green, and payments no longer turn one."""
        for name in NAMES:
            self.bring(name, RICH if self.chance.random() < 0.7 else POOR * 20)

    def question(self, heard: list[str] | None = None, listens: str = "") -> dict[str, Any]:
        from embedded import addresses

        return {
            "database": addresses.database_url(),
            "carriers": f"{self.one.carriers.url}/_sim",
            "payments": self.one.payments.url,
            "since": self.since,
            "lines": self.lines,
            "credits": {account: str(amount) for account, amount in self.credits.items()},
            "heard": heard,
            "listens": listens,
        }

    def _actor(self, name: str) -> Any:
        from accounts.policy import Actor, ActorKind

        return Actor(ActorKind.PERSON, self.owner[name])
