"""Prove that nobody changed, slipped in or took out an event: check_audit."""

from __future__ import annotations

from typing import Any

from kit.operator import OperatorCommand

from accounts.audit import prove


class Command(OperatorCommand):
    help = "Compute every account's chain of events again. Exits 1 where one is broken."

    def answer(self, **_options: Any) -> dict[str, Any]:
        proof = prove()
        return {
            "whole": proof.is_whole,
            "events": proof.events,
            "sealed": proof.sealed,
            "chains": proof.chains,
            "heads": proof.heads,
            "late": proof.late,
            "broken": [{"event": event, "why": why} for event, why in proof.broken],
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 0 if answer["whole"] else 1
