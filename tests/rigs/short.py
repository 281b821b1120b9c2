"""Short runs of chaos, faults and soak beside one another, on one installation: what the suite has time for.

    python -m tests.rigs.short [--seed 7]

It prints one JSON document with the answer of each, and exits 1 where one is not right.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.rigs import chaos, fault_rig, soak
from tests.rigs.customers import Customers
from tests.rigs.installation import installation, told
from tests.rigs.receivers import receivers

SIMBASE, IOTPORTAL = 24, 12  # lines
KILLS = 12
MINUTES, EVERY = 1 / 3, 0.5  # of the soak; seconds between two samples
SLACK = 4.0  # processes were started a moment ago


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Says on standard error how long a part took."""
    began = time.monotonic()
    yield
    sys.stderr.write(f"{what}: {time.monotonic() - began:.1f} s\n")


def run(seed: int) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    with timed("all"), receivers() as listening, installation(simbase=SIMBASE, iotportal=IOTPORTAL) as one:
        with timed("first readings, cards and addresses"):
            customers = Customers(one, random.Random(seed))
            customers.give_cards_and_addresses(listening)
        with timed("soak"):
            answers["soak"] = soak.played(one, customers, minutes=MINUTES, every=EVERY, slack=SLACK)
        with timed("faults"):
            results, books = fault_rig.all_played(one, fault_rig.SHORT, fault_rig.SOME_TIME)
            is_ok = books and all(found["ok"] for found in results)
            answers["faults"] = {"ok": is_ok, "books": books, "faults": results}
        with timed("chaos"):
            answers["chaos"] = chaos.played(one, customers, listening, kills=KILLS, minutes=5, seed=seed, each=KILLS)
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    answers = run(parser.parse_args().seed)
    told(answers)
    return 0 if all(answer["ok"] for answer in answers.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
