"""A batch of histories through the product: each with an account and a line of its own, all of a round at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands import seal_days
from billing.policy import Decision
from lines.carriers.base import Device, Reading
from lines.commands.adding import NewLine, add_lines
from lines.commands.bundles import charge_bundles
from lines.commands.devices import keep_device
from lines.commands.fees import charge_fees
from lines.commands.held import CycleUnsettled, decide_held
from lines.commands.holders import assign
from lines.commands.leaving import release_lines
from lines.commands.plans import change_plan_of_lines
from lines.commands.readings import apply_readings
from lines.commands.rebasing import CounterMoved, OwnRebase, ask_rebase, decide_rebase
from lines.commands.stock import add_carrier
from lines.commands.tuning import tune_carrier
from lines.commands.wishes import activate_lines, deactivate_lines
from lines.models import Carrier, HeldMovement, Line, LineState, Price, RatePlan, RebaseRequest, Zone
from lines.policy import Hold, Wanted, Why
from lines.recount.bundles import Term
from lines.recount.calendars import BEGINNING, Calendar, Turn, cycle_of, following
from lines.recount.rules import Dated, data_price
from lines.recount.rules import Price as DatedPrice
from tests.fleets import MB, SECRETS
from tests.histories.drawn import NETWORKS, PLANS, START, History, Step, Times, times_of
from tests.histories.model import DAY, SHOWN, Answer, Carried, Life

CREDIT = Decimal(10_000_000_000)  # so much that no balance ever turns: that is others' test
SECOND = Actor(ActorKind.BACK_OFFICE, "second@office.example")

ACCOUNTS = """
INSERT INTO accounts_account (uuid, name, parent_id, is_professional, is_active, created_at)
SELECT gen_random_uuid(), 'account ' || n, NULL, false, true, %(now)s FROM generate_series(1, %(payers)s) n;
INSERT INTO accounts_account (uuid, name, parent_id, is_professional, is_active, created_at)
SELECT gen_random_uuid(), 'north of ' || id, id, false, true, %(now)s
  FROM (SELECT id FROM accounts_account WHERE parent_id IS NULL ORDER BY id LIMIT %(half)s) own ORDER BY id;
WITH given AS (
    INSERT INTO billing_adjustment (account_id, amount, reason, by, created_at)
    SELECT id, %(credit)s, 'a history', 'operator', %(now)s FROM accounts_account WHERE parent_id IS NULL ORDER BY id
    RETURNING id, account_id, amount)
INSERT INTO billing_entry (account_id, key, kind, amount, day, posted_at, note)
SELECT account_id, 'adjustment:' || id, 'adjustment', amount, %(today)s, %(now)s, '' FROM given;
INSERT INTO billing_wallet (account_id, posted, accrued, is_red)
SELECT id, %(credit)s, 0, false FROM accounts_account WHERE parent_id IS NULL;
"""


@dataclass
class World:
    """Everything of one batch. `lives` are in the order of `histories`."""

    seed: str
    histories: Sequence[History]
    times: Times = field(init=False)
    number: int = 0  # of the round
    now: dt.datetime = START
    carriers: list[Carrier] = field(default_factory=list)
    plans: list[list[RatePlan]] = field(default_factory=list)
    prices: dict[int, Dated[DatedPrice]] = field(default_factory=dict)
    per_mb: dict[int, Decimal] = field(default_factory=dict)
    abroad: dict[tuple[int, dt.datetime | None], dict[str, DatedPrice]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    terms: dict[int, list[Term]] = field(default_factory=lambda: defaultdict(list))  # of plans, that include data
    lives: list[Life] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)
    did: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def run(self) -> None:
        """All rounds, and then what is left to read and to seal."""
        times = self.times = times_of(self.seed)
        with clock.frozen(START):
            self._market(times)
            self._lines()
        for number, moment in enumerate(times.moments):
            self.number = number
            self.now = moment
            with clock.frozen(moment):
                if number == times.turns:
                    self._turn_cycles()
                self._round([(life, life.history.rounds[number]) for life in self.lives])
                if number in times.sweeps:
                    self.sweep()
        for _ in range(2):
            self.now += DAY
            with clock.frozen(self.now):
                self._round([(life, (("read", 0),)) for life in self.lives])
        for _ in range(2):
            self.now += DAY
            with clock.frozen(self.now):
                self.sweep()

    # What there is

    def _market(self, times: Times) -> None:
        for number, network in enumerate(NETWORKS):
            self.carriers.append(
                add_carrier(
                    name=f"network {number}",
                    kind=network.kind,
                    url="http://127.0.0.1:9",
                    secrets=SECRETS[network.kind],
                    cycle_day=network.cycle_day,
                    by=OPERATOR,
                )
            )
            made = [RatePlan(name=f"plan {number}.{one}", carrier=self.carriers[-1]) for one in range(PLANS)]
            self.plans.append(RatePlan.objects.bulk_create(made))
        rows = Price.objects.bulk_create(
            Price(
                plan=self.plans[one.network][one.plan],
                valid_from=one.since,
                per_mb=one.per_mb,
                per_day=one.per_day,
                per_month=one.per_month,
                activation=one.activation,
                included_mb=one.bundle and one.bundle[0],
                per_mb_beyond=one.bundle and one.bundle[1],
                is_pooled=bool(one.bundle and one.bundle[2]),
            )
            for one in times.prices
        )
        self._zones(times)
        dated: dict[int, list[tuple[dt.datetime, DatedPrice]]] = defaultdict(list)
        for row in rows:
            abroad = self.abroad.get((row.plan_id, row.valid_from), {})
            price = DatedPrice(row.pk, row.per_mb, row.per_day, abroad, row.per_month, row.activation)
            if row.included_mb and row.per_mb_beyond is not None:
                beyond = int(row.per_mb_beyond * 1_000_000)
                term = Term(row.pk, row.valid_from or BEGINNING, row.included, beyond, row.is_pooled)
                self.terms[row.plan_id].append(term)
            dated[row.plan_id].append((row.valid_from or BEGINNING, price))
            self.per_mb[row.pk] = row.per_mb
        self.prices = {plan: Dated(pairs) for plan, pairs in dated.items()}

    def _zones(self, times: Times) -> None:
        zones = [Zone.objects.create(carrier=carrier, name="abroad") for carrier in self.carriers]
        rows = Price.objects.bulk_create(
            Price(
                plan=self.plans[one.network][one.plan],
                zone=zones[one.network],
                country=country,
                valid_from=one.since,
                per_mb=per_mb,
            )
            for one in times.prices
            for country, per_mb in one.abroad
        )
        for row in rows:
            self.abroad[row.plan_id, row.valid_from][row.country] = DatedPrice(row.pk, row.per_mb)
            self.per_mb[row.pk] = row.per_mb

    def _lines(self) -> None:
        """Accounts and lines as they are when they have just been added, on and confirmed by nobody yet."""
        count = len(self.histories)
        named: dict[str, Any] = {
            "payers": 2 * count,
            "half": count,
            "credit": CREDIT,
            "now": START,
            "today": START.date(),
        }
        with connection.cursor() as cursor:
            cursor.execute(ACCOUNTS, named)
        payers = list(Account.objects.filter(parent=None).order_by("pk"))
        subs = list(Account.objects.exclude(parent=None).order_by("parent_id"))
        self.accounts = {account.pk: account for account in (*payers, *subs)}
        lines, held = [], []
        for place, history in enumerate(self.histories):
            own, sub, other = payers[place], subs[place], payers[count + place]
            held.append((own.pk, sub.pk, other.pk))
            holder = (own, sub, None)[history.holder]
            plan = self.plans[history.network][0]
            lines.append(
                Line(
                    iccid=f"8944{history.number:015}",
                    carrier=plan.carrier,
                    plan=plan,
                    account=holder,
                    payer=holder and own,
                    added_at=START,
                )
            )
        Line.objects.bulk_create(lines)
        LineState.objects.bulk_create(
            LineState(line=line, wanted=Wanted.ACTIVE, wanted_at=START, why="")
            if line.payer_id
            else LineState(line=line, wanted=Wanted.DEACTIVATED, wanted_at=START, why=Why.NEW)
            for line in lines
        )
        fee_plans = frozenset(plan for plan, prices in self.prices.items() if any(p.has_fee for p in prices.values))
        for history, line, accounts in zip(self.histories, lines, held, strict=True):
            self.lives.append(self._life(history, line, accounts, fee_plans))

    def _life(self, history: History, line: Line, accounts: tuple[int, int, int], fee_plans: frozenset[int]) -> Life:
        network = NETWORKS[history.network]
        calendar = Calendar((Turn(network.cycle_day),))
        carried = Carried(network, calendar, calendar.of(START))
        carried.counter = network.wraps_at - 30_000_000 if network.wraps_at else 0
        life = Life(
            history,
            line.iccid,
            line.pk,
            accounts,
            self.prices,
            carried,
            None,
            line.plan_id,
            [(START, line.plan_id)],
            fee_plans,
            self.terms,
        )
        if line.payer_id:
            life.begins(line.payer_id, START)
            life.is_wanted = True
        return life

    # Rounds

    def _round(self, steps: Iterable[tuple[Life, tuple[Step, ...]]]) -> None:
        asked: dict[str, list[tuple[Life, int]]] = defaultdict(list)
        for life, its in steps:
            for name, amount in its:
                self.did[name] += 1
                match name:
                    case "use":
                        life.carried.use(self.now, amount)
                    case "correct":
                        life.carried.correct(amount)
                    case "reset":
                        life.carried.reset(self.now)
                    case "switch":
                        life.carried.status = SHOWN[amount % len(SHOWN)]
                    case "nothing":
                        pass
                    case "settle" if self.number not in self.times.settles:
                        pass
                    case "late" if not self.times.late[self.number]:
                        pass
                    case _:
                        asked[name].append((life, amount))
            jumps = any(name == "jump" for name, _ in its)
            life.answers.append(life.carried.shows(life.iccid, self.now, self.number % 12, 1024 if jumps else 1))
        asked["read"] += asked.pop("jump", [])
        for name, lives in sorted(asked.items()):
            getattr(self, f"_{name}")(lives)

    def sweep(self) -> None:
        """What the hourly sweeps do: fees up to today, and the days before it into the ledger."""
        today = clock.today()
        charge_fees(today=today)
        for life in self.lives:
            life.fees_are_charged(today)
        charge_bundles(today=today)
        while seal_days(before=today):
            pass

    def _turn_cycles(self) -> None:
        """A carrier's cycles begin on another day from its next one on; the one that is open goes on until then."""
        for number, network in enumerate(NETWORKS):
            if network.later_day is None:
                continue
            self.carriers[number] = tune_carrier(
                carrier=self.carriers[number], by=OPERATOR, cycle_day=network.later_day
            )
            since = following(cycle_of(self.now.date(), network.later_day))
            calendar = Calendar((Turn(network.cycle_day), Turn(network.later_day, self.now, since)))
            for life in self.lives:
                if life.history.network == number:
                    life.carried.calendar = calendar
                    for course in life.courses:
                        course.calendar = calendar

    # Readings

    def _read(self, lives: Sequence[tuple[Life, int]]) -> None:
        """Each line as its carrier shows it now; in some rounds all of it comes twice. One that jumps shows kB that are
        read as MB."""
        for _ in range(2 if self.number in self.times.repeats else 1):
            self._tell([(life, life.answers[-1]) for life, _ in lives])

    def _late(self, lives: Sequence[tuple[Life, int]]) -> None:
        """Answers that were on their way since an earlier round, or that come again."""
        back = min(self.times.late[self.number], self.number)
        self._tell([(life, life.answers[-1 - back]) for life, _ in lives])

    def _settle(self, lives: Sequence[tuple[Life, int]]) -> None:
        """Final totals of all months that are over."""
        finals: dict[dt.date, list[tuple[Life, Answer]]] = defaultdict(list)
        for life, _ in lives:
            if life.carried.is_timed:
                for month, total in life.carried.months.items():
                    if month < life.carried.calendar.of(self.now):
                        finals[month].append((life, Answer(self.now, Reading(life.iccid, total, month))))
        for _, told in sorted(finals.items()):
            self._tell(told, are_finals=True)

    def _tell(self, told: Sequence[tuple[Life, Answer]], *, are_finals: bool = False) -> None:
        """A page for each carrier and moment, oldest last: the order in which they are applied is theirs."""
        pages: dict[tuple[int, dt.datetime], list[tuple[Life, Answer]]] = defaultdict(list)
        for life, answer in told:
            pages[life.history.network, answer.page_at].append((life, answer))
        for (number, moment), page in sorted(pages.items(), key=lambda one: one[0], reverse=True):
            network = NETWORKS[number]
            self.did["readings"] += len(page)
            self.did["pages"] += 1
            apply_readings(
                carrier=self.carriers[number],
                readings=[answer.reading for _, answer in page],
                read_at=moment,
                has_finals=network.kind == "simbase",
                are_finals=are_finals,
                wraps_at=network.wraps_at,
            )
            for life, answer in page:
                life.read(answer, final=are_finals)

    def _look(self, lives: Sequence[tuple[Life, int]]) -> None:
        """The carrier is asked where a line is: some tell a session, which goes on or is over, and one says nothing."""
        lines = Line.objects.filter(pk__in=[life.line for life, _ in lives])
        since = {line.pk: line.held_since or line.added_at for line in lines}
        for life, which in lives:
            country = ("DE", "FR", "JP", "US", "")[which % 5]
            session: tuple[dt.datetime, dt.datetime | None] | None = None
            if which % 3 == 1:
                started = self.now - dt.timedelta(minutes=17 * which + 1)
                session = started, self.now - dt.timedelta(minutes=which) if which % 2 else None
            began, ended = session or (None, None)
            told = Device(country=country or None, session_started=began, session_ended=ended)
            keep_device(line_id=life.line, device=told, asked_at=self.now)
            life.held_since = since[life.line]
            life.look(self.now, country, session)

    # Lines

    def _plan(self, lives: Sequence[tuple[Life, int]]) -> None:
        by_plan: dict[int, tuple[RatePlan, list[Life]]] = {}
        for life, which in lives:
            plan = self.plans[life.history.network][which % PLANS]
            by_plan.setdefault(plan.pk, (plan, []))[1].append(life)
        for plan, its in by_plan.values():
            change_plan_of_lines(line_ids=[life.line for life in its], plan=plan, by=OPERATOR)
            for life in its:
                life.put_on(plan.pk, self.now)

    def _activate(self, lives: Sequence[tuple[Life, int]]) -> None:
        activate_lines(line_ids=[life.line for life, _ in lives], by=OPERATOR)
        for life, _ in lives:
            life.want(self.now, on=True)

    def _deactivate(self, lives: Sequence[tuple[Life, int]]) -> None:
        deactivate_lines(line_ids=[life.line for life, _ in lives], by=OPERATOR)
        for life, _ in lives:
            life.want(self.now, on=False)

    def _hold(self, lives: Sequence[tuple[Life, int]]) -> None:
        """To the sub-account or back: nobody pays another sum for it."""
        for life, which in lives:
            assign(line_ids=[life.line], holder=self.accounts[life.accounts[which % 2]], by=OPERATOR)

    def _release(self, lives: Sequence[tuple[Life, int]]) -> None:
        release_lines(line_ids=[life.line for life, _ in lives], to=None, by=OPERATOR)
        for life, _ in lives:
            life.leaves(self.now)

    def _move(self, lives: Sequence[tuple[Life, int]]) -> None:
        """From the account that pays to another one, without a day in stock."""
        for life, _ in lives:
            if life.payer is None:
                continue
            to = life.accounts[2] if life.payer == life.accounts[0] else life.accounts[0]
            assert release_lines(line_ids=[life.line], to=self.accounts[to], by=OPERATOR) == 1
            life.leaves(self.now)
            life.begins(to, self.now)
            activate_lines(line_ids=[life.line], by=OPERATOR)
            life.want(self.now, on=True)

    def _take(self, lives: Sequence[tuple[Life, int]]) -> None:
        """A line of stock becomes an account's: what it used before is nobody's."""
        for life, which in lives:
            if life.payer is not None:
                continue
            account, plan = self.accounts[life.accounts[which % 2 * 2]], self.plans[life.history.network][which % PLANS]
            row = NewLine(1, life.iccid, plan.name)
            added = add_lines(account=account, rows=[row], active=True, by=OPERATOR)
            assert added.lines == [row], added.bad
            if plan.pk != life.plan:
                life.plan = plan.pk
                life.plans.append((self.now, plan.pk))
            life.begins(account.pk, self.now)
            life.want(self.now, on=True)

    # The back office

    def _rebase(self, lives: Sequence[tuple[Life, int]]) -> None:
        """Above the limit a second person is asked, and nobody agrees with themselves."""
        for life, how in lives:
            cycle, highest = life.standing()
            counter = (0, highest // 2, highest + MB, highest + 9 * 2**30)[how % 4]
            if cycle is None or counter == highest or life.request is not None:
                continue
            by = Actor(ActorKind.BACK_OFFICE, f"{life.history.number}@office.example")
            asked = ask_rebase(iccid=life.iccid, counter=counter, reason="a history", key=uuid.uuid4(), by=by)
            worth = data_price(abs(counter - highest), self._price(life).per_mb)
            today = sum((one for at, one in life.rebased if at > self.now - DAY), Decimal(0))
            assert (asked.state == Decision.OPEN) == (worth + today > settings.CREDIT_LIMIT), life.history
            if asked.state == Decision.DONE:
                self._rebased(life, asked)
                continue
            life.request = asked.pk
            try:
                decide_rebase(request_id=asked.pk, agreed=True, by=by)
                raise AssertionError("somebody agreed with themselves")
            except OwnRebase:
                pass

    def _agree(self, lives: Sequence[tuple[Life, int]]) -> None:
        """A second person agrees, or refuses where the counter has moved on or the line is somebody else's."""
        for life, _ in lives:
            if life.request is None:
                continue
            try:
                self._rebased(life, decide_rebase(request_id=life.request, agreed=True, by=SECOND))
            except CounterMoved:
                decide_rebase(request_id=life.request, agreed=False, by=SECOND)
            life.request = None

    def _rebased(self, life: Life, done: RebaseRequest) -> None:
        self.did["rebased by two" if life.request else "rebased by one"] += 1
        assert life.course is not None
        life.course.rebase(done.cycle, done.counter)
        life.rebased.append((done.asked_at, done.worth))

    def _price(self, life: Life) -> DatedPrice:
        price = self.prices[life.plan].at(self.now)
        assert price is not None
        return price

    def _decide(self, lives: Sequence[tuple[Life, int]]) -> None:
        """A person believes a held movement or lets it go; not while nobody knows which cycle it is of."""
        ids = [life.line for life, _ in lives]
        held = {row.line_id: row for row in HeldMovement.objects.filter(line__in=ids, state=Hold.HELD).order_by("pk")}
        for life, how in lives:
            row = held.get(life.line)
            if row is None:
                continue
            course = next(
                one
                for one in life.courses[::-1]
                if one.payer == row.payer_id and row.cycle in one.held and one.held[row.cycle].counter == row.counter
            )
            is_open = course is life.course and not life.carried.is_timed
            is_unsettled = is_open and course.open is not None and course.open < course.calendar.of(self.now)
            try:
                decide_held(held_id=row.pk, charge=how % 2 == 0, by=SECOND)
                assert not is_unsettled
                course.decide(row.cycle, is_charged=how % 2 == 0)
                self.did["decided"] += 1
            except CycleUnsettled:
                assert is_unsettled
