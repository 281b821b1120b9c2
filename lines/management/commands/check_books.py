"""check_books: proves the rules of the ledger; exits 1 where one fails."""

from __future__ import annotations

from typing import Any

from kit.operator import OperatorCommand

from lines.books import check_books


class Command(OperatorCommand):
    help = "Prove in SQL that every balance is the sum of its rows, down to what the carriers' counters moved."

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **{**options, "as_json": True})  # always JSON: it is a proof for machines

    def answer(self, **options: Any) -> dict[str, Any]:  # noqa: ARG002
        return check_books()

    def exit_code(self, answer: dict[str, Any]) -> int:
        return 0 if answer["ok"] else 1
