"""What every operator's command shares: one answer, as JSON or to read; a refusal is one line and exit 1."""

from __future__ import annotations

import datetime as dt
import json
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from kit import money
from kit.clock import BadFrozenTime
from kit.crypto import CannotDecrypt
from kit.errors import Invalid, Refusal

REFUSALS = (Refusal, money.BadAmount, BadFrozenTime, CannotDecrypt)


class OperatorCommand(BaseCommand):
    """Subclasses take arguments in `take` and answer in `answer`; money in an answer is a Decimal, never a float."""

    requires_system_checks: list[str] = []

    def take(self, parser: CommandParser) -> None:
        """Add this command's own arguments."""

    def answer(self, **options: Any) -> dict[str, Any]:
        """Do it and return what there is to say. Raises a Refusal."""
        raise NotImplementedError

    def exit_code(self, answer: dict[str, Any]) -> int:  # noqa: ARG002 - for subclasses
        """0, or 1 where the answer itself is bad news (books that do not add up)."""
        return 0

    def as_text(self, answer: dict[str, Any]) -> str:
        """The answer for a person."""
        return "\n".join(readable(answer))

    def add_arguments(self, parser: CommandParser) -> None:
        self.take(parser)
        parser.add_argument("--json", action="store_true", dest="as_json", help="answer with one JSON document")

    def handle(self, *_args: Any, as_json: bool, **options: Any) -> None:
        own = {name: value for name, value in options.items() if name not in self.base_stealth_options + _DJANGOS}
        try:
            answer = self.answer(**own)
        except REFUSALS as refusal:
            self._refuse(str(refusal))
        except OperationalError as error:
            self._refuse(f"The database does not answer: {error}")
        else:
            self.stdout.write(json.dumps(answer, default=_as_json, indent=2) if as_json else self.as_text(answer))
            if code := self.exit_code(answer):
                sys.exit(code)

    def secret(self, value: str) -> str:
        """A secret as the operator gave it (see `given`); from a shell never itself, for everybody who lists processes
        reads that. Raises Invalid."""
        if getattr(self, "_called_from_command_line", False) and value not in ("", "-") and not value.startswith("@"):
            raise Invalid("A secret is not given as an argument: write @FILE, or - and give it on standard input")
        return given(value)

    def _refuse(self, message: str) -> None:
        """End with exit 1 and one line from the shell; raise CommandError for a caller inside Python."""
        line = " ".join(message.split())
        if getattr(self, "_called_from_command_line", False):
            self.stderr.write(line)
            sys.exit(1)
        raise CommandError(line)


def given(value: str) -> str:
    """A secret as an operator names it: `@FILE`, `-` for a line of standard input, or itself. Raises Invalid."""
    if value == "-":
        return sys.stdin.readline().strip()
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Invalid(f"{value[1:]} cannot be read: {error.strerror}") from None


_DJANGOS = ("verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks")


def _as_json(value: object) -> object:
    if isinstance(value, Decimal):
        return money.plain(value)
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, dt.date):  # and datetime
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not for an answer")


def readable(answer: dict[str, Any], indent: str = "") -> list[str]:
    """The same answer as lines of `name: value`; lists and parts are indented."""
    lines: list[str] = []
    for name, value in answer.items():
        label = f"{indent}{name.replace('_', ' ')}:"
        if isinstance(value, dict):
            lines += [label, *readable(value, indent + "  ")]
        elif isinstance(value, (list, tuple)):
            lines += [label if value else f"{label} none"]
            for item in value:
                parts = readable(item, indent + "    ") if isinstance(item, dict) else [f"{indent}    {_as_text(item)}"]
                lines += [f"{indent}  - {parts[0].strip()}", *parts[1:]]
        else:
            lines.append(f"{label} {_as_text(value)}")
    return lines


def _as_text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    return str(_as_json(value))
