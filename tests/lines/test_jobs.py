"""Jobs: what is done to many lines, once to each, by whom it was asked and on nobody else's lines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from kit import clock
from kit.errors import Invalid, NotFound, Refusal

from accounts.commands.credentials import rotate_key
from accounts.commands.desk import let_into_back_office, put_out_of_back_office
from accounts.keys import make_key, revoke_key
from accounts.models import Account, ApiKey, Event, Membership
from accounts.policy import OPERATOR, Actor, ActorKind, Scope, key_actor
from accounts.queries import credential_of, owner_of
from billing.commands import adjust
from lines.commands import jobs, wishes
from lines.commands.holders import follow_holder
from lines.models import Drive, Job, JobItem, Line, LineState, RatePlan
from lines.policy import OF_SUBACCOUNTS, Action, Item, JobState, Verdict, Wanted, Why
from lines.queries.jobs import forecast
from lines.work.jobs import run_jobs
from tests.fleets import Fleet, state


def by(account: Account) -> Actor:
    return owner_of(account).actor


def begin(account: Account, action: Action = Action.ACTIVATE, /, **parameters: object) -> Job:
    """A job on all lines of the account."""
    return jobs.start_job(
        account=account, lines=Line.objects.all(), action=action, parameters=parameters, selection="all", by=by(account)
    )


def work() -> int:
    return run_jobs(stop=lambda: False)


def after(job: Job) -> Job:
    """The job when the workers have done what there is."""
    work()
    job.refresh_from_db()
    return job


def wants(account: Account) -> dict[Wanted, int]:
    found = LineState.objects.filter(line__payer_id=account.payer_id).values_list("wanted", flat=True)
    return {wanted: list(found).count(wanted) for wanted in Wanted if wanted in found}


def test_every_line_is_activated_once_with_one_event_and_one_drive(fleet: Fleet) -> None:
    account = fleet.account()
    lines = fleet.lines(account, 30, active=False) + fleet.lines(account, 5)
    job = after(begin(account))
    assert (job.state, job.total, job.done, job.same, job.refused, job.failed) == (JobState.DONE, 35, 30, 5, 0, 0)
    assert wants(account) == {Wanted.ACTIVE: 35}
    assert Event.objects.filter(verb="line.activated", actor_name=owner_of(account).email).count() == 30
    assert Drive.objects.filter(line__in=lines).count() == 35
    assert work() == 0


def test_only_lines_of_the_account_are_taken_whatever_was_chosen(fleet: Fleet) -> None:
    account, stranger = fleet.account(), fleet.account()
    sub = fleet.account(parent=account)
    own, under, foreign = (fleet.line(one, active=False) for one in (account, sub, stranger))
    assert after(begin(sub)).total == 1
    assert (state(under).wanted, state(own).wanted) == (Wanted.ACTIVE, Wanted.DEACTIVATED)
    assert after(begin(account)).total == 2
    assert state(foreign).wanted == Wanted.DEACTIVATED


def test_a_line_that_left_the_account_meanwhile_is_not_touched(fleet: Fleet) -> None:
    account = fleet.account()
    sub, other = fleet.account(parent=account), fleet.account(parent=account)
    stays, goes = fleet.lines(sub, 2, active=False)
    job = begin(sub)
    Line.objects.filter(pk=goes.pk).update(account=other)
    after(job)
    assert JobItem.objects.get(job=job, line=goes).verdict == Verdict.GONE
    assert (state(stays).wanted, state(goes).wanted) == (Wanted.ACTIVE, Wanted.DEACTIVATED)


def test_a_red_balance_refuses_and_a_refill_lets_the_same_job_try_again(fleet: Fleet) -> None:
    account = fleet.account(credit="1")
    fleet.lines(account, 4, active=False)
    job = after(begin(account))
    assert (job.done, job.refused) == (0, 4)
    assert set(JobItem.objects.filter(job=job).values_list("verdict", flat=True)) == {Verdict.RED}
    adjust(account=account, amount=Decimal(50), reason="a refill", by=OPERATOR)
    jobs.retry_failed(job=job, by=by(account))
    jobs.retry_failed(job=job, by=by(account))  # the second click
    assert (after(job).done, job.refused, job.state) == (4, 0, JobState.DONE)


def test_deactivation_waits_for_midnight_and_takes_suspended_lines_at_once(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 3)
    off = fleet.line(account, active=False)
    LineState.objects.filter(line__account=account, wanted=Wanted.ACTIVE).update(wanted=Wanted.ACTIVE)
    job = after(begin(account, Action.DEACTIVATE_NEXT_DAY))
    assert (job.done, job.refused) == (3, 1)
    assert JobItem.objects.get(job=job, line=off).verdict == Verdict.DEACTIVATED
    assert Line.objects.filter(deactivation_date="2026-11-21").count() == 3
    kept = after(begin(account, Action.KEEP))
    assert (kept.done, kept.same) == (3, 1)
    assert Line.objects.exclude(deactivation_date=None).count() == 0


def test_a_previewed_job_does_nothing_until_it_is_started(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 3, active=False)
    job = jobs.preview_job(
        account=account, lines=Line.objects.all(), action=Action.ACTIVATE, selection="all", by=by(account)
    )
    assert (work(), wants(account)) == (0, {Wanted.DEACTIVATED: 3})
    assert forecast(job).verdicts == {Verdict.DO: 3}
    jobs.start(job=job, by=by(account))
    jobs.start(job=job, by=by(account))
    assert after(job).done == 3
    assert Event.objects.filter(verb="job.start").count() == 1


def test_a_paused_job_rests_and_a_cancelled_one_leaves_the_rest_alone(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 10, active=False)
    job = begin(account)
    assert jobs.work_chunk(job_id=job.pk, limit=4) == 4
    jobs.pause(job=job, by=by(account))
    assert (after(job).done, job.state, job.stopped_by) == (4, JobState.PAUSED, owner_of(account).email)
    jobs.resume(job=job, by=by(account))
    assert jobs.work_chunk(job_id=job.pk, limit=2) == 2
    jobs.cancel(job=job, by=by(account))
    assert (after(job).done, job.left, job.state) == (6, 4, JobState.CANCELLED)
    with pytest.raises(jobs.CannotMove):
        jobs.resume(job=job, by=by(account))
    assert wants(account) == {Wanted.ACTIVE: 6, Wanted.DEACTIVATED: 4}


def test_a_worker_that_dies_in_a_set_leaves_no_trace_of_it(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    account = fleet.account()
    fleet.lines(account, 6, active=False)
    job = begin(account)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_write_outcomes", killed)
        with pytest.raises(SystemExit):
            jobs.work_chunk(job_id=job.pk)
    assert wants(account) == {Wanted.DEACTIVATED: 6}
    assert Event.objects.filter(verb="line.activated").count() == 0
    assert after(job).done == 6
    assert Event.objects.filter(verb="line.activated").count() == 6


def test_one_line_that_fails_does_not_hold_up_the_others(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    account = fleet.account()
    bad = fleet.lines(account, 5, active=False)[0]
    whole = wishes.activate_lines

    def fails(*, line_ids: list[int], **more: Any) -> dict[int, Verdict]:
        assert bad.pk not in line_ids, "a bug"
        return whole(line_ids=line_ids, **more)

    monkeypatch.setattr("lines.commands.acts.wishes.activate_lines", fails)
    job = after(begin(account))
    assert (job.done, job.failed, job.state) == (4, 1, JobState.DONE)
    assert "log" in JobItem.objects.get(job=job, line=bad).note


def test_who_may_no_longer_act_stops_their_job(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 3, active=False)
    job = begin(account)
    Membership.objects.filter(account=account).update(is_active=False)
    assert (after(job).state, job.done) == (JobState.CANCELLED, 0)


def test_the_same_key_is_the_same_job(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 2, active=False)
    asked: dict[str, Any] = {
        "account": account,
        "lines": Line.objects.all(),
        "selection": "all",
        "by": by(account),
        "key": "once",
    }
    first = jobs.start_job(action=Action.ACTIVATE, **asked)
    assert jobs.start_job(action=Action.ACTIVATE, **asked) == first
    with pytest.raises(Invalid):
        jobs.start_job(action=Action.DEACTIVATE, **asked)
    assert Job.objects.count() == 1


def test_no_line_is_no_job(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match="No line is chosen"):
        begin(fleet.account())
    assert Job.objects.count() == 0


def test_lines_go_to_a_subaccount_of_ours_and_back(fleet: Fleet) -> None:
    account = fleet.account()
    sub, foreign = fleet.account(parent=account), fleet.account()
    lines = fleet.lines(account, 3)
    job = after(begin(account, Action.ASSIGN, account=sub.uuid.hex))
    assert (job.done, Line.objects.filter(account=sub, payer=account).count()) == (3, 3)
    assert Event.objects.filter(verb="line.assigned", account=account).count() == 3
    assert not Event.objects.filter(verb="line.assigned", account=sub).exists()
    assert after(begin(account, Action.ASSIGN, account=sub.uuid.hex)).same == 3
    assert after(begin(account, Action.ASSIGN, account=account.uuid.hex)).done == 3
    with pytest.raises(NotFound):
        begin(account, Action.ASSIGN, account=foreign.uuid.hex)
    assert {line.account_id for line in Line.objects.filter(pk__in=[one.pk for one in lines])} == {account.pk}


def test_nothing_is_activated_in_a_subaccount_that_is_off(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    line = fleet.line(sub, active=False)
    Account.objects.filter(pk=sub.pk).update(is_active=False)
    job = begin(account)
    assert forecast(job).verdicts == {Verdict.HOLDER_OFF: 1}
    assert after(job).refused == 1
    with pytest.raises(wishes.HolderOff):
        wishes.activate(line=line, by=OPERATOR)


def test_what_a_person_switches_off_stays_off_when_its_subaccount_comes_back(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    Account.objects.filter(pk=sub.pk).update(is_active=False)
    follow_holder(holder=Account.objects.get(pk=sub.pk))
    assert after(begin(account, Action.DEACTIVATE)).done == 1
    Account.objects.filter(pk=sub.pk).update(is_active=True)
    follow_holder(holder=Account.objects.get(pk=sub.pk))
    assert (state(line).wanted, state(line).why) == (Wanted.DEACTIVATED, Why.PERSON)


def test_a_plan_of_another_carrier_is_refused_line_by_line(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.lines(account, 2)
    fleet.lines(account, 3, "iotportal")
    cheap = RatePlan.objects.create(name="cheap", carrier=fleet.carriers["iotportal"])
    job = begin(account, Action.PLAN, plan=cheap.pk)
    assert forecast(job).verdicts == {Verdict.DO: 3, Verdict.OTHER_CARRIER: 2}
    assert (after(job).done, job.refused) == (3, 2)
    assert Line.objects.filter(plan=cheap).count() == 3


def test_a_subaccount_starts_no_job_beyond_its_rights(fleet: Fleet) -> None:
    sub = fleet.account(parent=fleet.account())
    fleet.line(sub)
    for action in set(Action) - OF_SUBACCOUNTS:
        with pytest.raises(Refusal):
            begin(sub, action)
    assert Job.objects.count() == 0


def test_the_forecast_is_what_then_happens(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    fleet.lines(account, 3), fleet.lines(sub, 4, active=False), fleet.lines(account, 2, "iotportal", active=False)
    Line.objects.filter(account=account, carrier=fleet.carriers["simbase"]).update(
        deactivation_date="2026-12-01", deactivation_by="jane@acme.example"
    )
    for action in (Action.KEEP, Action.DEACTIVATE_NEXT_DAY, Action.ACTIVATE, Action.DEACTIVATE):
        job = begin(account, action)
        said = forecast(job)
        after(job)
        counts = (said.will, said.verdicts.get(Verdict.SAME, 0), said.refused)
        assert counts == (job.done, job.same, job.refused), action
        assert JobItem.objects.filter(job=job, state=Item.WAITING).count() == 0


def begun_with(account: Account, name: str, action: Action = Action.ACTIVATE) -> Job:
    lines = Line.objects.all()
    return jobs.start_job(account=account, lines=lines, action=action, selection="all", by=key_actor(name))


@pytest.mark.parametrize("ends", ["revoked", "made anew", "narrowed", "replaced", "lives"])
def test_jobs_of_a_key_that_was_revoked_stop(fleet: Fleet, ends: str) -> None:
    """Whoever stole a key and began something must not have it done once the key is gone."""
    account = fleet.account()
    fleet.lines(account, 2)
    row, _ = make_key(account=account, name="ci", scopes=[Scope.ACTIVATE_LINES], days=30, by=OPERATOR)
    by_bearer, by_shared = begun_with(account, "ci"), begun_with(account, credential_of(account).user_uuid[:8])
    with clock.frozen(clock.now() + dt.timedelta(minutes=1)):
        if ends in ("revoked", "made anew"):
            revoke_key(key=row, by=OPERATOR)
        if ends == "made anew":
            make_key(account=account, name="ci", scopes=[Scope.ACTIVATE_LINES], days=30, by=OPERATOR)
        if ends == "narrowed":
            ApiKey.objects.filter(pk=row.pk).update(scopes=[Scope.READ_LINES])
        if ends == "replaced":
            rotate_key(account=account, overlap_hours=0, last=None, by=OPERATOR)
    assert (after(by_bearer).state == "done") is (ends in ("replaced", "lives"))
    assert (after(by_shared).state == "done") is (ends != "replaced")
    assert {by_bearer.stopped_by, by_shared.stopped_by} <= {"", "system"}


def test_jobs_of_who_was_put_out_of_the_back_office_stop(fleet: Fleet) -> None:
    account = fleet.account()
    fleet.line(account)
    let_into_back_office(email="anna@office.example", password="orbit-lantern-42", by=OPERATOR)
    anna, lines = Actor(ActorKind.BACK_OFFICE, "anna@office.example"), Line.objects.all()
    job = jobs.start_job(account=account, lines=lines, action=Action.ACTIVATE, selection="all", by=anna)
    put_out_of_back_office(email="anna@office.example", by=OPERATOR)
    assert after(job).state == "cancelled"
