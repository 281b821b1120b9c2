"""An auditor from outside: what the books say against what the carriers and the payments' stand-in say happened.

    python -m tests.rigs.auditor < QUESTION

It knows the rules by their text, reads tables by SQL, and imports nothing of the product. The question is JSON:
`database` (address), `carriers`, `payments` (URLs), `since` (month, YYYY-MM), and what people were told:

    lines     {iccid: {"payer": uuid, "before": bytes, "wish": bool, "per_mb": USD, "per_day": USD, "since": day}}
    credits   {uuid: USD}             posted by hand
    heard     [id] or null            messages that the receiver of webhooks at `listens` has taken; null: not asked

The answer: `wrong`, sentences; and figures: bytes lost and doubled, payments lost and doubled, USD off.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import urllib.request
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import psycopg

MB = 1_048_576
SIX = Decimal("0.000001")
ON = {"enabled", "ACTIVATED"}
OFF = {"disabled", "DEACTIVATED", "SUSPENDED", "INVENTORY"}
CLEARLY_GREEN, CLEARLY_RED = Decimal(100), Decimal(0)  # USD; between them an average would decide


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


def cost(used: int, per_mb: Decimal) -> Decimal:
    """round_half_up(bytes x price of a MB / 1,048,576, 6)"""
    return (Decimal(used) * per_mb / MB).quantize(SIX, rounding=ROUND_HALF_UP)


class Audit:
    def __init__(self, question: dict[str, Any]) -> None:
        self.question = question
        self.lines: dict[str, dict[str, Any]] = question["lines"]
        self.wrong: list[str] = []
        self.figures: dict[str, Any] = {}
        self.expected: dict[str, Decimal] = defaultdict(Decimal)  # USD available, by account
        for account, amount in question["credits"].items():
            self.expected[account] += Decimal(amount)

    def run(self) -> dict[str, Any]:
        with psycopg.connect(self.question["database"], connect_timeout=10) as self.session:
            self.session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self.usage()
            self.fees()
            self.payments()
            self.balances()
            self.states()
            self.webhooks()
        return {"wrong": self.wrong, **self.figures}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.session.execute(statement).fetchall()

    def usage(self) -> None:
        """Each byte that a carrier counted is charged once, each day's at the price of its line."""
        charged: dict[str, int] = Counter()
        for iccid, used, price in self.rows(
            "SELECT l.iccid, d.used, d.cost FROM lines_lineday d JOIN lines_line l ON l.id = d.line_id"
        ):
            charged[iccid] += used
            right = cost(used, Decimal(self.lines[iccid]["per_mb"]))
            self.expected[self.lines[iccid]["payer"]] -= right
            if price != right:
                self.wrong.append(f"{iccid}: {used} bytes cost {price}, not {right}")
        query = f"/truth?limit=10000&from={self.question['since']}"
        lost = doubled = 0
        for sim in asked(self.question["carriers"] + query)["sims"]:
            if (line := self.lines.get(sim["iccid"])) is None:
                continue
            true = sum(month["bytes"] for month in sim["months"].values()) - line["before"]
            off = charged[sim["iccid"]] - true
            lost, doubled = lost + max(0, -off), doubled + max(0, off)
            if off:
                self.wrong.append(f"{sim['iccid']}: {charged[sim['iccid']]} bytes are charged, {true} were used")
        self.figures |= {"bytes_lost": lost, "bytes_doubled": doubled, "bytes": sum(charged.values())}

    def fees(self) -> None:
        """A line with a daily fee owes it once for each day on which its carrier had it on at any moment."""
        charged: dict[str, Decimal] = defaultdict(Decimal)
        for iccid, fee in self.rows(
            "SELECT l.iccid, d.fee FROM lines_lineday d JOIN lines_line l ON l.id = d.line_id WHERE d.fee > 0"
        ):
            charged[iccid] += fee
        for iccid, line in self.lines.items():
            per_day = Decimal(line["per_day"])
            owed = per_day * self._days_on(iccid, line) if per_day else Decimal(0)
            self.expected[line["payer"]] -= owed
            if charged[iccid] != owed:
                self.wrong.append(f"{iccid}: {charged[iccid]} of fees are charged, {owed} are owed")

    def _days_on(self, iccid: str, line: dict[str, Any]) -> int:
        sim = asked(f"{self.question['carriers']}/sims/{iccid}")
        changes = [
            (dt.datetime.fromtimestamp(at / 1000, dt.UTC), is_on) for at, _, is_on in sim["history"].get("statuses", [])
        ]
        day, today, days = dt.date.fromisoformat(line["since"]), dt.datetime.now(dt.UTC).date(), 0
        while day <= today:
            begins = dt.datetime.combine(day, dt.time(), dt.UTC)
            at_first = next((is_on for at, is_on in reversed(changes) if at <= begins), True)
            days += at_first or any(is_on for at, is_on in changes if at.date() == day)
            day += dt.timedelta(days=1)
        return days

    def payments(self) -> None:
        """Each payment that succeeded is in the ledger once, with its amount; and nothing else is."""
        events = asked(f"{self.question['payments']}/_proxy/events")["events"]
        succeeded = [one["data"]["object"] for one in events if one["type"] == "payment_intent.succeeded"]
        true = {intent["id"]: Decimal(intent["amount"]) / 100 for intent in succeeded}
        booked: dict[str, list[Decimal]] = defaultdict(list)
        for account, intent, amount in self.rows(
            "SELECT a.uuid, p.stripe_id, e.amount FROM billing_entry e JOIN accounts_account a ON a.id = e.account_id"
            " LEFT JOIN billing_payment p ON e.key = 'top-up:' || p.id WHERE e.kind = 'top-up'"
        ):
            booked[intent or "?"].append(amount)
            if intent in true:
                self.expected[account.hex] += true[intent] if len(booked[intent]) == 1 else 0
        for intent in sorted(true.keys() | booked.keys()):
            if booked[intent] != [true.get(intent)]:
                self.wrong.append(f"payment {intent}: {true.get(intent)} was paid, {booked[intent]} is in the ledger")
        self.figures |= {
            "payments": len(true),
            "payments_lost": sum(not booked[intent] for intent in true),
            "payments_doubled": sum(len(amounts) - (intent in true) for intent, amounts in booked.items() if amounts),
        }

    def balances(self) -> None:
        """What is available, against what was credited, paid and used; and the ledger against the wallet."""
        off = Decimal(0)
        self.available: dict[str, Decimal] = {}
        for account, posted, accrued, entries in self.rows(
            "SELECT a.uuid, w.posted, w.accrued, (SELECT coalesce(sum(amount), 0) FROM billing_entry e"
            "   WHERE e.account_id = a.id) FROM billing_wallet w JOIN accounts_account a ON a.id = w.account_id"
        ):
            self.available[account.hex] = posted - accrued
            difference = posted - accrued - self.expected[account.hex]
            off += abs(difference)
            if difference:
                self.wrong.append(f"account {account}: {difference} USD off")
            if posted != entries:
                self.wrong.append(f"account {account}: {posted} is posted, its entries are {entries}")
        self.figures["usd_off"] = f"{off:.6f}"

    def states(self) -> None:
        """A SIM is on at its carrier where its people want it on and its payer's balance allows it."""
        words = {sim["iccid"]: sim["status"] for sim in asked(f"{self.question['carriers']}/fleet?limit=10000")["sims"]}
        wrong = 0
        for iccid, line in self.lines.items():
            available = self.available[line["payer"]]
            if CLEARLY_RED <= available < CLEARLY_GREEN:
                self.wrong.append(f"account {line['payer']}: {available} USD is neither clearly red nor clearly green")
                continue
            should = line["wish"] and available >= CLEARLY_GREEN
            is_on = words[iccid] in ON
            if is_on != should or words[iccid] not in ON | OFF:
                wrong += 1
                self.wrong.append(f"{iccid} is {words[iccid]} and should be {'on' if should else 'off'}")
        self.figures["lines_wrong"] = wrong

    def webhooks(self) -> None:
        """What we call delivered was taken, and nothing waits for the receiver that listens."""
        if self.question["heard"] is None:
            return
        heard = set(self.question["heard"])
        rows = self.rows("SELECT uuid FROM automation_webhookdelivery WHERE delivered_at IS NOT NULL")
        said = [f"msg_{delivery.hex}" for (delivery,) in rows]
        missing = [message for message in said if message not in heard]
        self.figures |= {"webhooks": len(said), "webhooks_lost": len(missing)}
        waiting = self.session.execute(
            "SELECT count(*) FROM automation_webhookdelivery d"
            " JOIN automation_webhookendpoint e ON e.id = d.endpoint_id"
            " WHERE d.delivered_at IS NULL AND e.url = %s",
            [self.question["listens"]],
        ).fetchall()[0][0]
        if waiting:
            self.wrong.append(f"{waiting} webhooks wait for a receiver that listens")
        if missing:
            self.wrong.append(f"{len(missing)} webhooks are called delivered, and nobody has taken them")


def main() -> int:
    answer = Audit(json.load(sys.stdin)).run()
    json.dump(answer, sys.stdout)
    return 1 if answer["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
