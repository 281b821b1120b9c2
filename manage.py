#!/usr/bin/env python
"""Run one command: Django's own, or one of Linekeeper's. Only the command itself writes to standard output."""

import os
import sys

# They need no database, or must see it as it is.
WITHOUT_SERVICES = {
    "check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help", "makemessages", "makemigrations",
    "startapp", "startproject", "version",
}  # fmt: skip
WITHOUT_MIGRATING = {
    "bench", "bench_months", "bench_api", "bench_rules", "bench_walls", "dbshell", "lintmigrations", "migrate",
    "optimizemigration", "restore", "showmigrations", "sqlmigrate", "squashmigrations",
}  # fmt: skip
# They make, change or read whole tables, as the role that owns them; all others may only change rows.
AS_OWNER = {
    "backup", "base_backup", "bench", "bench_books", "bench_months", "bench_api", "bench_rules", "bench_walls",
    "dbshell", "flush", "inspectdb", "lintmigrations", "migrate", "restore", "verify_backup",
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Start or join the embedded services if the command needs them, then run it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    from django.core.management import execute_from_command_line
    from embedded import services
    from embedded.processes import CannotStart

    command = arguments[1] if len(arguments) > 1 else "help"
    if command in AS_OWNER:
        os.environ["LINEKEEPER_AS_OWNER"] = "1"
    asks_for_help = not {"-h", "--help", "--version"}.isdisjoint(arguments)
    if command not in WITHOUT_SERVICES and not asks_for_help:
        try:
            services.ensure_running(migrate=command not in WITHOUT_MIGRATING)
        except CannotStart as refusal:
            print(refusal, file=sys.stderr)
            return 1
    execute_from_command_line(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
