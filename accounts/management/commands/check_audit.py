"""Prove that nobody changed, slipped in, cut off or made anew an event: check_audit [--heads FILE] [--since FILE]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit import clock
from kit.errors import Invalid
from kit.operator import OperatorCommand

from accounts.audit import differences, opened, prove, signed


class Command(OperatorCommand):
    help = (
        "Compute every account's chain of events again, and print the end of each. --heads writes the ends, signed,"
        " into a file to be kept elsewhere; --since compares with such a file: a chain that was cut, or computed anew,"
        " no longer has that end. Exits 1 where something is wrong."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--heads", metavar="FILE", help="write the ends of all chains here, signed")
        parser.add_argument("--since", metavar="FILE", help="a file of before: nothing that it names may be gone")

    def answer(self, **options: Any) -> dict[str, Any]:
        kept = opened(_read(options["since"])) if options["since"] else []
        proof, wrong = prove(), differences(kept)
        if options["heads"]:
            Path(options["heads"]).write_text(signed(proof.heads, clock.now()), encoding="utf-8")
        return {
            "whole": proof.is_whole and not wrong,
            "events": proof.events,
            "sealed": proof.sealed,
            "gone": proof.gone,
            "chains": len(proof.heads),
            "heads": [str(head) for head in proof.heads],
            "late": proof.late,
            "broken": [{"event": event, "why": why} for event, why in proof.broken],
            "compared": len(kept),
            "differs": wrong,
        }

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 0 if answer["whole"] else 1


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from None
