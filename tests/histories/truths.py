"""A batch beside its model; what differs is found, drawn again alone, and made as short as it can be."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from billing.models import Entry, Wallet
from lines.books import check_books
from lines.models import HeldMovement, LineDay, LineState, Overage
from lines.policy import Hold
from lines.recount.bundles import recount_bundles
from tests.histories.drawn import History, history_of
from tests.histories.model import DAY, Beyond
from tests.histories.world import CREDIT, World
from tests.lines.test_second_books import second_books

NOTHING = Decimal(0)
Wrong = dict[int, list[str]]  # a history's number, and what differs


@dataclass
class Batch:
    """What came of some histories: which went wrong, and how much was done."""

    wrong: Wrong = field(default_factory=lambda: defaultdict(list))
    did: dict[str, int] = field(default_factory=dict)


def run(seed: str, histories: Sequence[History]) -> Batch:
    """Nothing of it stays. What raises is everybody's fault as long as it is not known whose."""
    batch = Batch()
    with transaction.atomic():
        world = World(seed, histories)
        try:
            world.run()
            _compare(world, batch.wrong)
        except Exception as error:  # noqa: BLE001 - whatever it is, the history that leads to it is wanted
            batch.wrong = {one.number: [f"{type(error).__name__}: {error}"] for one in histories}
        batch.did = dict(world.did)
        transaction.set_rollback(True)
    return batch


def _compare(world: World, wrong: Wrong) -> None:
    _rows(world, wrong)
    _beyond(world, wrong)
    _counters(world, wrong)
    _money(world, wrong)
    by_iccid = {life.iccid: life.history.number for life in world.lives}
    found = second_books(today=world.now.date())
    for one in found.first:
        wrong[by_iccid[one["iccid"]]].append(f"the second books: {one}")
    world.did["line-days"] = found.line_days
    world.did["held"] = HeldMovement.objects.count()
    checks = [check for check in check_books()["checks"] if not check["ok"]]
    if checks:
        by_line = {life.line: life.history.number for life in world.lives}
        by_account = {account: life.history.number for life in world.lives for account in life.accounts}
        for check in checks:
            row = check["first"][0]
            whose = (
                by_iccid.get(row.get("iccid", ""))
                or by_line.get(row.get("line_id"))
                or by_account.get(row.get("account_id") or row.get("payer_id"))
            )
            wrong[world.lives[0].history.number if whose is None else whose].append(f"check_books: {check}")


def _rows(world: World, wrong: Wrong) -> None:
    """Bytes, cost and fee of each line, payer, day and price."""
    found: dict[int, dict[tuple[int, dt.date, int], tuple[int, Decimal, Decimal]]] = defaultdict(dict)
    rows = LineDay.objects.values_list("line_id", "payer_id", "day", "price_id", "used", "cost", "fee")
    for line, payer, day, price, used, cost, fee in rows:
        if used or fee:
            found[line][payer, day, price] = used, cost, fee
    for life in world.lives:
        owed = life.owed(world.now.date() + DAY, world.per_mb)
        for key in sorted(owed.keys() | found[life.line].keys()):
            if owed.get(key) != (is_so := found[life.line].get(key)):
                payer, day, price = key
                wrong[life.history.number].append(
                    f"{day} payer {payer} price {price}: charged {_said(is_so)}, the model says {_said(owed.get(key))}"
                )


def _beyond(world: World, wrong: Wrong) -> None:
    """What is beyond bundles, by payer, day and price; each account of a history has one line, so a pool is its."""
    whose = {account: life.line for life in world.lives for account in life.accounts}
    found: dict[int, dict[Beyond, tuple[int, int]]] = defaultdict(dict)
    for row in Overage.objects.all():
        sums = row.used, int(row.cost * 1_000_000)
        found[whose[row.payer_id]][row.payer_id, row.line_id is None, row.day, row.price_id] = sums
        world.did["days beyond bundles"] += 1
    for life in world.lives:
        if (right := life.beyond(world.now.date() + DAY)) != (is_so := found[life.line]):
            wrong[life.history.number].append(f"beyond bundles {is_so}, the model says {right}")
    books = recount_bundles()
    for one in books.differences:
        number = next(life.history.number for life in world.lives if one["payer"] in life.accounts)
        wrong[number].append(f"the second books of bundles: {one}")
    if books.waiting:
        wrong[world.lives[0].history.number].append(f"{books.waiting} bundles were not counted")


def _said(row: tuple[int, Decimal, Decimal] | None) -> str:
    return "nothing" if row is None else f"{row[0]} bytes, ${row[1]}, fee ${row[2]}"


def _counters(world: World, wrong: Wrong) -> None:
    states = LineState.objects.in_bulk()
    held: dict[int, set[tuple[int, dt.date, int]]] = defaultdict(set)
    for row in HeldMovement.objects.filter(state=Hold.HELD):
        held[row.line_id].add((row.payer_id, row.cycle, row.counter))
    for life in world.lives:
        state = states[life.line]
        standing = (state.cycle, state.counter) if life.payer is not None else (None, 0)
        if standing != life.standing():
            wrong[life.history.number].append(f"its counter stands at {standing}, the model says {life.standing()}")
        if held[life.line] != life.held():
            wrong[life.history.number].append(f"held {held[life.line]}, the model says {life.held()}")


def _money(world: World, wrong: Wrong) -> None:
    """What is available is what was given less all cost; the ledger has each day's, once all is sealed."""
    wallets = {one.account_id: one.posted - one.accrued for one in Wallet.objects.all()}
    rows = Entry.objects.filter(kind="usage").values_list("account_id", "day").annotate(usd=Sum("amount"))
    posted = {(account, day): -usd for account, day, usd in rows if usd}
    for life in world.lives:
        days: dict[tuple[int, dt.date], Decimal] = defaultdict(Decimal)
        for (payer, day, _), (_, cost, fee) in life.owed(world.now.date() + DAY, world.per_mb).items():
            days[payer, day] += cost + fee
        for (payer, _, day, _), (_, millionths) in life.beyond(world.now.date() + DAY).items():
            days[payer, day] += Decimal(millionths) / 1_000_000
        for account in (life.accounts[0], life.accounts[2]):
            theirs = {key: usd for key, usd in days.items() if key[0] == account and usd}
            if wallets[account] != CREDIT - sum(theirs.values(), NOTHING):
                wrong[life.history.number].append(f"account {account} has ${wallets[account]}, not what its days leave")
            today = world.now.date()
            in_ledger = {key: usd for key, usd in posted.items() if key[0] == account}
            if in_ledger != {key: usd for key, usd in theirs.items() if key[1] < today}:
                wrong[life.history.number].append(f"the ledger has {in_ledger}, the days are {theirs}")


def first_wrong(
    seed: str, histories: Sequence[History], known: Wrong, ran: Callable[[str, Sequence[History]], Batch] = run
) -> tuple[History, list[str]]:
    """A history that goes wrong alone, as short as it can be made; or as it is, where it goes wrong in company only."""
    by_number = {one.number: one for one in histories}
    for number in list(known)[:5] if len(known) < len(histories) else _halved(seed, histories, ran):
        if said := ran(seed, [by_number[number]]).wrong:
            return _shortened(seed, by_number[number], ran, said[number])
    number, said_here = next(iter(known.items()))
    return by_number[number], ["only together with the others of its batch:", *said_here]


def _halved(seed: str, histories: Sequence[History], ran: Callable[[str, Sequence[History]], Batch]) -> list[int]:
    """Whose fault it is that the whole batch raised."""
    while len(histories) > 1:
        half = histories[: len(histories) // 2]
        histories = half if ran(seed, half).wrong else histories[len(histories) // 2 :]
    return [histories[0].number]


def _shortened(
    seed: str, history: History, ran: Callable[[str, Sequence[History]], Batch], said: list[str]
) -> tuple[History, list[str]]:
    """Rounds and then steps are left out, last first, as long as it goes wrong."""
    for number in reversed(range(len(history.rounds))):
        its = history.rounds[number]
        for fewer in [(), *(its[:n] + its[n + 1 :] for n in reversed(range(len(its))))] if its else []:
            rounds = (*history.rounds[:number], fewer, *history.rounds[number + 1 :])
            shorter = replace(history, rounds=rounds)
            if wrong := ran(seed, [shorter]).wrong:
                history, said = shorter, wrong[history.number]
                break
    return history, said


def check(seed: str, numbers: Sequence[int]) -> Batch:
    """Runs these histories of a seed. Raises AssertionError with one that goes wrong and how to see it alone."""
    histories = [history_of(seed, number) for number in numbers]
    batch = run(seed, histories)
    if batch.wrong:
        history, said = first_wrong(seed, histories, batch.wrong)
        raise AssertionError(
            "\n".join(
                [
                    f"{len(batch.wrong)} of {len(histories)} histories cost something else than they should.",
                    f"Alone: make histories SEED={seed} ONLY={history.number}. As short as it goes wrong:",
                    str(history),
                    *said[:8],
                ]
            )
        )
    return batch
