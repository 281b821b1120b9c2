"""`linekeeper`: lines, jobs, events and exports from a shell; LINEKEEPER_URL, _ACCOUNT and _KEY say whose."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from linekeeper_client.client import Linekeeper
from linekeeper_client.transport import ApiError

NAMES = ("LINEKEEPER_URL", "LINEKEEPER_ACCOUNT", "LINEKEEPER_KEY")


def main(given: Sequence[str] | None = None) -> int:
    """0; 1 where the API refused, 2 where the command cannot be used."""
    asked = _parser().parse_args(given)
    missing = [name for name in NAMES if not os.environ.get(name)]
    if missing:
        print(f"Set {', '.join(missing)}. An owner makes a key on the page API credentials.", file=sys.stderr)
        return 2
    url, account, key = (os.environ[name] for name in NAMES)
    try:
        run: Callable[[Linekeeper, argparse.Namespace], None] = asked.run
        run(Linekeeper(url, account, key), asked)
    except ApiError as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="linekeeper", description="Lines of one account.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[Linekeeper, argparse.Namespace], None], about: str
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=about, description=about)
        one.set_defaults(run=run)
        return one

    lines = command("list", _list, "Lists lines.")
    lines.add_argument(
        "--status", type=int, choices=(1, 2, 3, 4), help="1 active, 2 deactivated, 3 suspended, 4 activating"
    )
    lines.add_argument("--json", action="store_true", help="one JSON object a line")
    for name, run, about in (
        ("show", _show, "Shows a line in full."),
        ("activate", _activate, "Activates a line."),
        ("deactivate", _deactivate, "Deactivates a line at once."),
        ("usage", _usage, "Shows what a line used, by cycle."),
    ):
        command(name, run, about).add_argument("iccid", metavar="ICCID")
    sms = command("sms", _sms, "Sends an SMS to a line's device.")
    sms.add_argument("iccid", metavar="ICCID")
    sms.add_argument("text")
    command("jobs", _jobs, "Lists jobs, the latest first.")
    export = command("export", _export, "Writes all lines as CSV, or what they used, to standard output.")
    export.add_argument("--status", type=int, choices=(1, 2, 3, 4))
    export.add_argument("--usage", choices=("days", "sessions"), help="what lines used from --from to --to")
    export.add_argument("--from", dest="start", metavar="DAY")
    export.add_argument("--to", dest="end", metavar="DAY")
    export.add_argument("--format", choices=("csv", "ndjson"), default="csv")
    tail = command("tail", _tail, "Writes events as they happen, one JSON object a line.")
    tail.add_argument("--from", dest="cursor", default="now", help="a cursor; `start` for everything kept (90 days)")
    tail.add_argument("--once", action="store_true", help="what is there, and no more")
    return parser


def _said(found: Any) -> None:
    print(json.dumps(found, default=str, ensure_ascii=False), flush=True)


def _list(client: Linekeeper, asked: argparse.Namespace) -> None:
    for card in client.all_iot_sim_cards(status_id=asked.status):
        if asked.json:
            _said(card)
        else:
            print(card["iccid"], card["status"], card["monthly_usage_mb"], "MB", card["notes"] or "", sep="\t")


def _show(client: Linekeeper, asked: argparse.Namespace) -> None:
    _said(client.sim_card(asked.iccid))


def _activate(client: Linekeeper, asked: argparse.Namespace) -> None:
    _said(client.activation_ready(asked.iccid))


def _deactivate(client: Linekeeper, asked: argparse.Namespace) -> None:
    _said(client.deactivate(asked.iccid))


def _usage(client: Linekeeper, asked: argparse.Namespace) -> None:
    for cycle in client.all_usage_summary(asked.iccid):
        _said(cycle)


def _sms(client: Linekeeper, asked: argparse.Namespace) -> None:
    _said(client.send_sms(asked.iccid, {"text": asked.text}))


def _jobs(client: Linekeeper, _: argparse.Namespace) -> None:
    for job in client.all_jobs():
        print(job["uuid"], job["state"], job["action"], f"{job['done']}/{job['total']}", sep="\t")


def _export_usage(client: Linekeeper, asked: argparse.Namespace) -> None:
    chosen: Any = {"all": True} if asked.status is None else {"status_id": asked.status}
    file = client.ask_usage_export(
        {
            "kind": asked.usage,
            "start_date": asked.start,
            "end_date": asked.end or asked.start,
            "filter": chosen,
            "format": asked.format,
        }
    )
    while file["state"] in ("queued", "running"):
        print(f"{file['percent']} %", file=sys.stderr)
        time.sleep(2)
        file = client.usage_export(file["uuid"])
    if file["failed"]:
        raise SystemExit(file["failed"])
    for piece in client.download(f"usage_exports/{file['uuid']}/file"):
        sys.stdout.buffer.write(piece)


def _export(client: Linekeeper, asked: argparse.Namespace) -> None:
    if asked.usage:
        _export_usage(client, asked)
        return
    rows: Iterable[Any] = client.all_iot_sim_cards(status_id=asked.status)
    table: Any = None
    for row in rows:
        flat = {name: value for name, value in row.items() if name != "links"}
        if table is None:
            table = csv.DictWriter(sys.stdout, list(flat))
            table.writeheader()
        table.writerow(flat)


def _tail(client: Linekeeper, asked: argparse.Namespace) -> None:
    cursor = None if asked.cursor == "start" else asked.cursor
    if asked.once:
        page = client.events(cursor=cursor, per_page=1000)
        for event in page["data"]:
            _said(event)
        print(f"cursor: {page['cursor']}", file=sys.stderr)
        return
    for _, event in client.tail(cursor):
        _said(event)


if __name__ == "__main__":
    sys.exit(main())
