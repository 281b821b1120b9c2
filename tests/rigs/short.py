"""Short runs of chaos, faults and soak beside one another, on one installation: what the suite has time for.

    python -m tests.rigs.short [--seed 7]

It prints one JSON document with the answer of each, and exits 1 where one is not right.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

from tests.rigs import chaos, fault_rig, soak
from tests.rigs.customers import Customers
from tests.rigs.installation import installation, told
from tests.rigs.receivers import receivers

SIMBASE, IOTPORTAL = 24, 12  # lines
KILLS = 12
MINUTES = 1.0
SLACK = 4.0  # processes were started a moment ago


def run(seed: int) -> dict[str, Any]:
    with receivers() as listening, installation(simbase=SIMBASE, iotportal=IOTPORTAL) as one:
        customers = Customers(one, random.Random(seed))
        customers.give_cards_and_addresses(listening)
        answers: dict[str, Any] = {}
        answers["soak"] = soak.played(one, customers, minutes=MINUTES, every=1.0, slack=SLACK)
        results, books = fault_rig.all_played(one, fault_rig.SHORT, fault_rig.SOME_TIME)
        answers["faults"] = {"ok": books and all(found["ok"] for found in results), "books": books, "faults": results}
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
