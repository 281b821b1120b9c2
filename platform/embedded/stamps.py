"""Work that is done once for each state of its sources, whoever comes first."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from embedded.processes import locked


def once(stamp: Path, sources: Iterable[str | bytes], lock: Path, work: Callable[[], object]) -> None:
    """Do the work unless the stamp says that it was done from these very sources; one process at a time."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.encode() if isinstance(source, str) else source)
        digest.update(b"\0")
    wanted = digest.hexdigest()
    if _text(stamp) == wanted:
        return
    with locked(lock):
        if _text(stamp) != wanted:
            work()
            stamp.write_text(wanted)


def _text(stamp: Path) -> str:
    try:
        return stamp.read_text()
    except FileNotFoundError:
        return ""
