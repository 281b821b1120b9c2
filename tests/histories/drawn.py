"""What happens, as numbers drawn from a seed: a market and its moments for a whole batch, and each history by itself.

Nothing here looks at what came of it, so a history is the same alone, in a batch, and with steps left out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

START = dt.datetime(2026, 10, 29, 18, 0, tzinfo=dt.UTC)
WRAP = 2**32
ROUNDS = 36
GAPS = (1, 5, 7, 61, 300, 600, 900, 1440, 1440, 2000, 2880, 4500, 10_000)  # minutes
PLANS = 3

Step = tuple[str, int]


@dataclass(frozen=True)
class Network:
    """A carrier: its kind, the day on which its cycles begin, and where its counters wrap."""

    kind: str
    cycle_day: int = 1
    wraps_at: int | None = None
    later_day: int | None = None  # on which its cycles begin after a change


NETWORKS = (
    Network("simbase"),
    Network("iotportal"),
    Network("iotportal", 15),
    Network("iotportal", 28, WRAP),
    Network("iotportal", 1, WRAP),
    Network("iotportal", 20, None, 5),
)


@dataclass(frozen=True)
class DrawnPrice:
    network: int
    plan: int
    since: dt.datetime | None
    per_mb: Decimal
    per_day: Decimal
    abroad: tuple[tuple[str, Decimal], ...] = ()  # prices of countries that stand beside it
    per_month: Decimal = Decimal(0)
    activation: Decimal = Decimal(0)
    bundle: tuple[int, Decimal, bool] | None = None  # MB included, USD for a MB beyond them, whether it is a pool's


@dataclass(frozen=True)
class Times:
    """What all histories of a batch share: moments, sweeps, whole pages that come again or late, prices.

    Pages are what a batch takes its time for, so what comes again or late does so for many lines at once.
    """

    moments: tuple[dt.datetime, ...]
    sweeps: frozenset[int]
    repeats: frozenset[int]  # rounds whose pages of fresh answers are applied twice
    settles: frozenset[int]  # in which final totals come
    late: tuple[int, ...]  # how many rounds back the answers are that come late in a round
    turns: int
    prices: tuple[DrawnPrice, ...]


@dataclass(frozen=True)
class History:
    """One line's life: its carrier, who has it first, and what happens in each round, in this order."""

    seed: str
    number: int
    network: int
    holder: int  # 0 its account, 1 the sub-account, 2 nobody
    rounds: tuple[tuple[Step, ...], ...]

    def __str__(self) -> str:
        steps = [f"  round {number}: {list(steps)}" for number, steps in enumerate(self.rounds) if steps]
        return "\n".join(
            [f"seed {self.seed} history {self.number}: network {NETWORKS[self.network]}, holder {self.holder}", *steps]
        )


def times_of(seed: str) -> Times:
    draw = Random(f"{seed}:times")
    moments = [START]
    for _ in range(ROUNDS - 1):
        moments.append(moments[-1] + dt.timedelta(minutes=draw.choice(GAPS), seconds=draw.randrange(60)))
    sweeps, repeats, settles = (_some(draw, often) for often in (0.3, 0.15, 0.25))
    late = tuple(draw.choice((0, 0, 0, 1, 1, 2, 4)) for _ in range(ROUNDS))
    return Times(tuple(moments), sweeps, repeats, settles, late, draw.randrange(5, ROUNDS), tuple(_prices(draw)))


def _some(draw: Random, often: float) -> frozenset[int]:
    return frozenset(number for number in range(ROUNDS) if draw.random() < often)


def _prices(draw: Random) -> list[DrawnPrice]:
    found: list[DrawnPrice] = []
    for network in range(len(NETWORKS)):
        for plan in range(PLANS):
            per_day = Decimal(draw.choice((5, 25))) / 100 if plan == 2 else Decimal(0)
            found.append(DrawnPrice(network, plan, None, Decimal(draw.randint(0, 1000)) / 1000, per_day))
            for minute in sorted(draw.sample(range(50_000), draw.randint(0, 3))):
                since = START + dt.timedelta(minutes=minute)
                per_day = Decimal(draw.choice((0, 5, 30))) / 100 if plan == 2 else Decimal(0)
                found.append(DrawnPrice(network, plan, since, Decimal(draw.randint(0, 90)) / 1000, per_day))
    zones = Random(draw.random())
    found = [replace(one, abroad=_abroad(zones)) if one.plan == 1 else one for one in found]
    terms = Random(draw.random())
    return [_with_terms(terms, one) for one in found]


def _with_terms(draw: Random, price: DrawnPrice) -> DrawnPrice:
    """Fees a month and for activation, and data that is included: at some times of a plan only, its own or pooled."""
    if price.plan == 2:
        per_month, activation = (Decimal(draw.choice((0, 0, 1, 499, 1000))) / 100 for _ in range(2))
        price = replace(price, per_month=per_month, activation=activation)
    if draw.random() < 0.5:
        return price
    megabytes, per_mb = draw.choice((1, 7, 50, 400, 3000)), Decimal(draw.randint(0, 90)) / 1000
    return replace(price, per_mb=Decimal(0), bundle=(megabytes, per_mb, draw.random() < 0.5))


def _abroad(draw: Random) -> tuple[tuple[str, Decimal], ...]:
    """A zone of two countries, one of one, or none: a plan may have prices by zone at some times only."""
    if draw.random() < 0.3:
        return ()
    one, other = (Decimal(draw.randint(0, 90)) / 1000 for _ in range(2))
    return ("DE", one), ("FR", one), ("JP", other)


# What the carrier's world does, and how often of a hundred rounds; then what is done with the product, one in a round.
UNSEEN = (("use", 55), ("correct", 4), ("reset", 5), ("switch", 4))
SEEN = (
    ("read", 46),
    ("late", 14),
    ("jump", 2),
    ("plan", 5),
    ("deactivate", 1),
    ("activate", 4),
    ("hold", 2),
    ("release", 1),
    ("move", 1),
    ("take", 5),
    ("rebase", 2),
    ("agree", 2),
    ("decide", 2),
    ("settle", 8),
    ("look", 14),
    ("nothing", 7),
)


def history_of(seed: str, number: int) -> History:
    draw = Random(f"{seed}:{number}")
    network, holder = draw.choice((0, *range(len(NETWORKS)))), draw.choice((0, 0, 0, 0, 1, 2))
    names, weights = [name for name, _ in SEEN], [weight for _, weight in SEEN]
    rounds: list[tuple[Step, ...]] = [(("read", 0),)]
    for _ in range(ROUNDS - 1):
        steps = [(name, _amount(draw, name)) for name, often in UNSEEN if draw.randrange(100) < often]
        name = draw.choices(names, weights)[0]
        rounds.append((*steps, (name, _amount(draw, name))))
    return History(seed, number, network, holder, tuple(rounds))


def _amount(draw: Random, name: str) -> int:
    """Bytes for what moves a counter, else any small number."""
    if name in ("use", "correct"):
        most = draw.choice((2_000, 300_000_000, 300_000_000, 3 * 2**30, 7 * 2**30))
        return draw.randint(1, most)
    return draw.randrange(12)
