"""docs/reliability.md: what each rig saw when it last ran, a section for each command, which writes it itself."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import platform
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
TITLE = (
    "# What it survives\n\nWhat each command saw when it last ran. Each writes its own section here, date and machine"
    " included.\n"
)
ORDER = ("make chaos", "make faults", "make soak", "make restore-drill", "make upgrade-drill")


def write(command: str, body: str, *, page: Path = PAGE) -> None:
    """Puts `body` (Markdown without headings of the second level) in the place of the section of this command.

    Sections of other commands stay as they are; those in ORDER stand first, in that order.
    """
    if any(line.startswith("## ") for line in body.splitlines()):
        raise ValueError("a section has no heading of the second level within")
    page.touch()
    with page.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two rigs may end at once
        sections = _sections(file.read())
        sections[command] = f"{written()}\n\n{body.strip()}\n"
        names = sorted(sections, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
        text = TITLE + "".join(f"\n## {name}\n{sections[name]}" for name in names)
        file.seek(0)
        file.truncate()
        file.write(text)


def put(heading: str, body: str, *, page: Path) -> None:
    """Puts `body` under this heading of a page that people write, at its end where there is none; all else stays."""
    if any(line.startswith("## ") for line in body.splitlines()):
        raise ValueError("a section has no heading of the second level within")
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(f"\n## {heading}\n")
    _, more, after = rest.partition("\n## ") if found else ("", "", "")
    whole = f"{before.rstrip()}\n\n## {heading}\n{written()}\n\n{body.strip()}\n"
    page.write_text(whole + (f"\n## {after}" if more else ""), encoding="utf-8")


def section(command: str, *, page: Path = PAGE) -> str:
    """What stands there of a command; empty before its first run."""
    return _sections(page.read_text(encoding="utf-8")).get(command, "") if page.exists() else ""


def written(now: dt.datetime | None = None) -> str:
    """When and on what machine."""
    now = now or dt.datetime.now(dt.UTC)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"Written on {now:%Y-%m-%d %H:%M} UTC, {machine}."


def _sections(text: str) -> dict[str, str]:
    """The page's sections by their headings; each ends with one line break."""
    _, *parts = ("\n" + text).split("\n## ")
    found = (part.partition("\n") for part in parts)
    return {name.strip(): body.strip() + "\n" for name, _, body in found}
