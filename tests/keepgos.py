"""An account at Keepgo as its API answers about it, without a wire: what a test wants to be there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from lines.carriers.base import Refused
from lines.carriers.keepgo import Keepgo
from lines.carriers.wire import Call, Heard


@dataclass
class Sim:
    """A SIM there; `days` are bytes, `costs` USD, by ISO date."""

    status: str = "Activated"
    notes: str = ""
    holder: str = "Acme"
    plan: str = "theirs"
    days: dict[str, int] = field(default_factory=dict)
    costs: dict[str, str] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)


class FakeKeepgo(Keepgo):
    """`fails_at`: a SIM about which it gives no answer."""

    def __init__(self, sims: dict[str, Sim], *, balance: str = "40.000000") -> None:
        self.sims, self.balance = sims, balance
        self.payments = [("2026-01-05", "100.000000"), ("2026-06-05", "50.000000")]
        self.fails_at: set[str] = set()
        self.calls: list[str] = []
        self.timeout = 5.0
        self.subaccounts: list[str] | None = ["Delta", "Empty"]

    def ask(self, call: Call, decode: Callable[[bytes], Any], heard: Heard | None = None) -> Any:
        self.calls.append(f"{call.method} {call.path}")
        return decode(msgspec.json.encode(self._answer(call.path, dict(call.params or {}))))

    def _answer(self, path: str, params: dict[str, Any]) -> object:
        if path == "":
            return {"name": "Acme", "current_balance": self.balance}
        if path == "/iot_sim_cards":
            return _page([self._card(iccid) for iccid in sorted(self.sims)], params)
        if path == "/accounts":
            if self.subaccounts is None:
                raise Refused("Keepgo has no such call: not found.")
            return _page([{"name": name, "is_active": True} for name in self.subaccounts], params)
        if path == "/balance_payments":
            return _page([{"date": day, "amount": amount} for day, amount in self.payments], params)
        if path == "/balance_usages":
            rows = [
                {"date": day, "iccid": iccid, "amount": amount}
                for iccid, sim in sorted(self.sims.items())
                for day, amount in sorted(sim.costs.items())
                if params["start_date"] <= day <= params["end_date"]
            ]
            return _page(rows, params)
        _, _, iccid, what = path.split("/")
        if iccid in self.fails_at:
            raise Refused(f"Keepgo has no SIM {iccid}: not found.")
        return self._of_sim(self.sims[iccid], what, params)

    def _card(self, iccid: str) -> dict[str, Any]:
        sim = self.sims[iccid]
        return {
            "iccid": iccid,
            "status": sim.status,
            "notes": sim.notes,
            "account_name": sim.holder,
            "rate_plan": sim.plan,
        }

    def _of_sim(self, sim: Sim, what: str, params: dict[str, Any]) -> object:
        if what == "bill_cycle_list":
            months = sorted({day[:7] for day in sim.days}, reverse=True)
            return _page([{"billing_cycle": month} for month in months], params)
        month = params["billing_cycle"]
        if what == "sessions":
            return _page([one for one in sim.sessions if one["start_date"].startswith(month)], params)
        return [
            {"date": day, "usage_kb": str(Decimal(used) / 1024)}
            for day, used in sorted(sim.days.items())
            if day.startswith(month)
        ]


def _page(rows: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
    start = (int(params["page"]) - 1) * int(params["per_page"])
    return {"data": rows[start : start + int(params["per_page"])], "total": len(rows)}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
