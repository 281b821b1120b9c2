"""carrier_credentials NAME [FILE.json | --restore]: new credentials by standard input or a file, never by argument."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from kit.errors import Invalid, NotFound
from kit.operator import OperatorCommand

from accounts.policy import OPERATOR
from lines.commands.carriers import change_secrets, restore_secrets
from lines.management.naming import carrier_named
from lines.work.trying import try_secrets


class Command(OperatorCommand):
    help = 'Try a carrier\'s new credentials and keep them: {"api_key": "..."} on standard input or in a file.'

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("file", metavar="FILE.json", nargs="?", help="without it, standard input")
        parser.add_argument("--restore", action="store_true", help="put the former ones back")

    def answer(self, **options: Any) -> dict[str, Any]:
        carrier = carrier_named(options["name"])
        if options["restore"]:
            restore_secrets(carrier=carrier, by=OPERATOR)
            return {"carrier": carrier.name, "restored": True}
        secrets = _read(options["file"])
        try_secrets(carrier, secrets)
        change_secrets(carrier=carrier, secrets=secrets, by=OPERATOR)
        return {"carrier": carrier.name, "changed": sorted(secrets)}


def _read(path: str | None) -> dict[str, str]:
    """Raises NotFound, Invalid."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8") if path else sys.stdin.read())
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Invalid('Give the credentials as JSON, such as {"api_key": "..."}') from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Invalid('Give the credentials as JSON, such as {"api_key": "..."}')
    return found
