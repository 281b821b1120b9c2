"""Tells by the exit code whether everything is as it should be; for health checks of workers."""

from __future__ import annotations

import json
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.vitals import vitals

PATIENCE = 5.0  # seconds that a worker has to answer


class Command(BaseCommand):
    help = "Says what is wrong with this installation, and ends with 1 where anything is."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--worker", metavar="NAME", help="ask this worker too, such as celery@host")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **given: Any) -> None:
        found = [*vitals().problems]
        if given["worker"]:
            found += _asked(given["worker"])
        if given["json"]:
            self.stdout.write(json.dumps({"problems": found}))
        elif not found:
            self.stdout.write("Everything is as it should be.")
        if found:
            raise CommandError(" ".join(found))


def _asked(name: str) -> list[str]:
    try:
        answers = current_app.control.ping(destination=[name], timeout=PATIENCE)
    except (OSError, current_app.connection_for_read().connection_errors) as error:
        return [f"Redis does not answer: {error}"]
    return [] if answers else [f"The worker {name} does not answer."]
