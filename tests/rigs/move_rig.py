"""An account moves from a second Linekeeper, which runs as Keepgo, while its lines go on: both books, day by day.

    python -m tests.rigs.move_rig [--lines 2000] [--days 3] [--report]

The import is cut off once and run again. Usage goes on for some days after it, both sides charge it, and for each of
those days they must have charged the same to the sixth decimal; both sets of books hold on both sides, no line has
another status than it had, and what differs at last is what both charged before. One JSON document; exit 1 where not.
With --report what was seen goes into docs/moving-from-keepgo.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.rigs import report
from tests.rigs.installation import told

ROOT = Path(__file__).resolve().parents[2]
BEGIN = dt.date(2026, 11, 3)
PAST = 4  # days of usage before the move
PAGE = ROOT / "docs" / "moving-from-keepgo.md"
HEADING = "Seen by `make move`"


class Side:
    """One installation, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, now: str, what: str, **given: Any) -> dict[str, Any]:
        """What it answers. Raises RuntimeError where it failed."""
        began = time.monotonic()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"now": f"{now}:00+00:00", "what": what, "with": given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        sys.stderr.write(f"{now} {what}: {time.monotonic() - began:.1f} s\n")
        answer: dict[str, Any] = json.loads(line) if line else {"error": "its process has ended"}
        if "error" in answer:
            raise RuntimeError(f"{what}: {answer['error']}")
        return answer


@contextmanager
def side(folder: Path) -> Iterator[Side]:
    from tests.preloaded import preload

    preload(folder)
    own = {
        "LINEKEEPER_DATA": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "CARRIER_HOSTS": "127.0.0.1",
    }
    left = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "LINEKEEPER_NOW", "MAKELEVEL")
    environment = {name: value for name, value in os.environ.items() if name not in left} | own
    command = [sys.executable, "-m", "tests.rigs.move_side"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Side(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()


def played(*, lines: int, days: int) -> dict[str, Any]:
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="linekeeper-move-", ignore_cleanup_errors=True) as above,
        ExitStack() as all,
    ):
        there = all.enter_context(side(Path(above) / "there"))
        here = all.enter_context(side(Path(above) / "here"))
        day = BEGIN
        secrets = there(f"{day}T06:00", "there.seed", lines=lines)
        for _ in range(PAST):
            _use(there, day)
            day += dt.timedelta(days=1)
        there(f"{day}T10:00", "there.use")
        noon = f"{day}T12:00"
        port = there(noon, "there.serve")["port"]
        account = here(noon, "here.seed", port=port, secrets=secrets)["account"]
        before = there(noon, "books")
        dry = here(noon, "here.move", account=account, words=["--dry-run"])
        cut = here(noon, "here.move", account=account, batches=max(1, lines // 40))
        moved = here(noon, "here.move", account=account)
        again = here(noon, "here.move", account=account)
        took = time.monotonic() - began
        opened = here(noon, "books")
        moved_on = day
        for number in range(days):
            _use(there, day, first="18:00" if number == 0 else "10:00")
            there(f"{day}T23:50", "keep_days")
            here(f"{day}T23:50", "here.read")
            if number == 0:
                here(f"{day}T23:55", "here.move", account=account, words=["--confirm"])
            day += dt.timedelta(days=1)
        noon = f"{day}T00:30"
        for one in (there, here):
            one(noon, "keep_days")
        compared = here(noon, "here.move", account=account, words=["--compare"])
        ends = there(noon, "books"), here(noon, "books")
    found = _judged(before, opened, ends, compared, str(moved_on))
    figures = {"lines": lines, "imported": moved["imported"], "again": again["imported"], "cut": cut.get("cut", False)}
    figures |= {"dry_run": dry["to_import"], "days": days, "seconds_until_moved": round(took, 1)}
    return found | figures | {"seconds": round(time.monotonic() - began, 1)}


def _use(there: Side, day: dt.date, first: str = "10:00") -> None:
    for hour in (first, "20:00"):
        there(f"{day}T{hour}", "there.use")
    there(f"{day}T23:50", "keep_days")


def _judged(
    before: dict[str, Any],
    opened: dict[str, Any],
    ends: tuple[dict[str, Any], dict[str, Any]],
    compared: dict[str, Any],
    moved_on: str,
) -> dict[str, Any]:
    """What must be so, each with what was found where it is not."""
    there, here = ends
    after = {day: usd for day, usd in there["days"].items() if day > moved_on}
    ours = {day: usd for day, usd in here["days"].items() if day > moved_on}
    wrong: dict[str, Any] = {}
    if not after or after != ours:
        wrong["days after the move"] = [after, ours]
    if Decimal(opened["available"]) != Decimal(before["available"]):
        wrong["opening balance"] = [before["available"], opened["available"]]
    if opened["days"]:
        wrong["charged by the import"] = opened["days"]
    of_the_day = Decimal(there["days"][moved_on]) - Decimal(before["days"].get(moved_on, "0"))
    here_that_day = Decimal(here["days"].get(moved_on, "0"))
    apart = Decimal(here["available"]) - Decimal(there["available"])
    if apart != of_the_day - here_that_day:
        wrong["balances"] = [there["available"], here["available"]]
    for name, one in (("there", there), ("here", here)):
        if one["breaches"] or one["second_books"]["differences"]:
            wrong[f"books {name}"] = [one["breaches"], one["second_books"]]
    if there["lines"] != here["lines"] or before["lines"] != opened["lines"]:
        pairs = [(iccid, one, here["lines"].get(iccid)) for iccid, one in there["lines"].items()]
        wrong["lines"] = [pair for pair in pairs if pair[1] != pair[2]][:5] or "at the move"
    if compared["differences"]:
        wrong["differences"] = compared["first"][:5]
    return {
        "ok": not wrong,
        "wrong": wrong,
        "usd_after": {day: [usd, ours.get(day)] for day, usd in sorted(after.items())},
        "usd_off": f"{sum((Decimal(usd) - Decimal(ours.get(day, '0')) for day, usd in after.items()), Decimal(0)):f}",
        "balance": [there["available"], here["available"]],
        "line_days": [there["second_books"]["line_days"], here["second_books"]["line_days"]],
        "compared": compared["compared"],
    }


def page(found: dict[str, Any]) -> str:
    """What stands in the guide of a run."""
    days = [f"| {day} | {there} | {here} |" for day, (there, here) in found["usd_after"].items()]
    cut = "cut off once and run again" if found["cut"] else "run twice"
    there, here = found["line_days"]
    came = f"{found['dry_run']:,}, {found['imported']:,}, {found['again']:,}"
    rows = {
        "the dry run said, came, were there at the second run": f"{came}; the import was {cut}",
        "charged otherwise on these days": f"{found['usd_off']} USD",
        "available at last, there and here": f"{found['balance'][0]}, {found['balance'][1]} USD: apart by what was"
        " charged there alone on the day of the move",
        "days of lines compared by the clearing": f"{found['compared']:,}",
        "second books, days of lines recomputed there and here": f"{there:,}, {here:,}",
        "took": f"{found['seconds_until_moved']:.0f} s until all lines had come, {found['seconds']:.0f} s in all",
        "right": "yes" if found["ok"] else f"NO: {', '.join(found['wrong'])}",
    }
    began = (
        f"{found['lines']:,} lines of a second Linekeeper that runs as Keepgo, a third of them of a sub-account, moved"
        f" while they went on: {PAST} days of usage before, {found['days']} from the day of the move on."
    )
    heads = ["", "| day after the move | charged there, USD | charged here, USD |", "|---|---|---|", *days, ""]
    return "\n".join([began, *heads, "| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in rows.items())])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--days", type=int, default=3, help="of usage from the day of the move on")
    parser.add_argument("--report", action="store_true", help="write what was seen into docs/moving-from-keepgo.md")
    chosen = parser.parse_args()
    answer = played(lines=chosen.lines, days=chosen.days)
    if chosen.report:
        report.put(HEADING, page(answer), page=PAGE)
    told(answer)
    return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
