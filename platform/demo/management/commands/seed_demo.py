"""seed_demo --simulator URL: the demo's accounts, carriers and lines, made once."""

from __future__ import annotations

from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import CommandParser
from kit.errors import Refusal
from kit.operator import OperatorCommand

from demo.seeding import seed


class Command(OperatorCommand):
    help = "Make the demo's data where it is missing. Answers how to log in."

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("--simulator", required=True, metavar="URL", help="the carriers' simulator")

    def answer(self, **options: Any) -> dict[str, Any]:
        if not settings.DEMO_IS_ALLOWED:
            raise Refusal("A demo's logins have public passwords; this installation is a real one.")
        try:
            return seed(options["simulator"])
        except httpx.HTTPError as error:
            raise Refusal(f"The simulator at {options['simulator']} does not answer: {error}") from error
