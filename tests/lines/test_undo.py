"""What a job did is brought back: over the lines that it changed, to what each was, and looked at first."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from accounts.models import Account
from accounts.queries import owner_of
from lines.commands import jobs
from lines.commands.tags import tag_lines
from lines.commands.wishes import deactivate_due
from lines.models import Job, Line, LineState, LineTag
from lines.policy import NO_DATE, Action, JobState, Wanted, undoing
from lines.work.jobs import run_jobs
from tests.fleets import Fleet, state


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(owner_of(account))
    return client


def done(account: Account, action: Action, lines: list[Line], /, **parameters: object) -> Job:
    job = jobs.start_job(
        account=account, lines=Line.objects.filter(pk__in=[line.pk for line in lines]), action=action,
        parameters=parameters, selection="these", by=owner_of(account).actor,
    )  # fmt: skip
    run_jobs(stop=lambda: False)
    return Job.objects.get(pk=job.pk)


def undo(account: Account, job: Job) -> list[Job]:
    """Every way back that the page offers, looked at, then begun."""
    client, begun = browser(account), []
    page = client.get(f"/jobs/{job.uuid.hex}/")
    for one, _, _ in page.context["undos"]:
        assert f'value="{one.before}"' in page.content.decode()
        answer = client.post(f"/jobs/{job.uuid.hex}/undo/", {"before": one.before})
        found = Job.objects.latest("pk")
        assert (answer["Location"], found.state, found.total) == (
            f"/jobs/{found.uuid.hex}/",
            JobState.PREVIEWED,
            one.lines,
        )
        assert "Chosen by: what “" in client.get(answer["Location"]).content.decode()
        client.post(f"{answer['Location']}start/")
        begun.append(found)
    run_jobs(stop=lambda: False)
    return begun


def wanted(lines: list[Line]) -> list[Wanted]:
    return [Wanted(state(line).wanted) for line in lines]


def test_only_lines_that_were_changed_go_back(fleet: Fleet) -> None:
    account = fleet.account()
    off, on = fleet.lines(account, 3, active=False), fleet.lines(account, 2)
    job = done(account, Action.ACTIVATE, off + on)
    (back,) = undo(account, job)
    assert (back.action, back.total) == (Action.DEACTIVATE, 3)
    assert wanted(off) == [Wanted.DEACTIVATED] * 3
    assert wanted(on) == [Wanted.ACTIVE] * 2
    (forth,) = undo(account, Job.objects.get(pk=back.pk))
    assert forth.action == Action.ACTIVATE
    assert wanted(off) == [Wanted.ACTIVE] * 3


def test_tags_that_were_there_before_stay(fleet: Fleet) -> None:
    account = fleet.account()
    lines = fleet.lines(account, 3)
    by = owner_of(account).actor
    tag_lines(line_ids=[lines[0].pk], account=account, names=["North"], by=by)
    job = done(account, Action.TAG, lines, tags=["north", "van"])
    assert {back.parameters["tags"][0]: back.total for back in undo(account, job)} == {"north": 2, "van": 1}
    assert [(one.line, one.tag.name) for one in LineTag.objects.all()] == [(lines[0], "North")]
    gone = done(account, Action.RESET_TAGS, lines)
    undo(account, gone)
    assert [one.tag.name for one in LineTag.objects.all()] == ["North"]


def test_lines_go_back_to_who_held_each(fleet: Fleet) -> None:
    account = fleet.account()
    one, two = fleet.account(parent=account), fleet.account(parent=account)
    lines = [fleet.line(one), fleet.line(account), fleet.line(two)]
    job = done(account, Action.ASSIGN, lines, account=two.uuid.hex)
    assert job.done == 2
    undo(account, job)
    assert [Line.objects.get(pk=line.pk).account for line in lines] == [one, account, two]


def test_dates_go_back(fleet: Fleet) -> None:
    account = fleet.account()
    lines = fleet.lines(account, 2)
    Line.objects.filter(pk=lines[0].pk).update(deactivation_date="2026-12-24", deactivation_by="somebody")
    job = done(account, Action.DEACTIVATE_ON, lines, date="2026-12-01")
    undo(account, job)
    dates = [Line.objects.get(pk=line.pk).deactivation_date for line in lines]
    assert dates == [dt.date(2026, 12, 24), None]


@pytest.mark.parametrize("action", [Action.DEACTIVATE_NEXT_DAY, Action.DEACTIVATE_ON])
def test_lines_that_are_off_by_now_are_on_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, action: Action) -> None:
    account = fleet.account()
    lines = fleet.lines(account, 2)
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T23:00:00+00:00")
    job = done(account, action, lines, **({"date": "2026-11-21"} if action is Action.DEACTIVATE_ON else {}))
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-21T09:00:00+00:00")
    deactivate_due(today=dt.date(2026, 11, 21))
    assert wanted(lines) == [Wanted.DEACTIVATED] * 2
    (back,) = undo(account, job)
    assert (back.action, wanted(lines)) == (Action.ACTIVATE, [Wanted.ACTIVE] * 2)


def test_a_stranger_and_a_subaccount_undo_nothing(fleet: Fleet) -> None:
    account = fleet.account()
    sub = fleet.account(parent=account)
    lines = fleet.lines(sub, 2, active=False)
    job = done(sub, Action.ACTIVATE, lines)
    path = f"/jobs/{job.uuid.hex}/undo/"
    assert browser(sub).get(f"/jobs/{job.uuid.hex}/").context["undos"] == []
    for who in (sub, account, fleet.account()):
        assert browser(who).post(path, {"before": "DEACTIVATED"}).status_code == 404
    mine = done(account, Action.ACTIVATE, fleet.lines(account, 1, active=False))
    for wrong in ("", "ACTIVE", "nonsense", "\0"):
        assert browser(account).post(f"/jobs/{mine.uuid.hex}/undo/", {"before": wrong}).status_code == 404
    assert Job.objects.filter(state=JobState.PREVIEWED).count() == 0
    assert set(LineState.objects.values_list("wanted", flat=True)) == {Wanted.ACTIVE}


@pytest.mark.parametrize("action", Action)
def test_nothing_is_undone_where_it_is_not_known_what_was(action: Action) -> None:
    assert undoing(action, "") is None
    if action is Action.SMS:
        assert undoing(action, "ACTIVE") is None
    if action in (Action.ACTIVATE, Action.DEACTIVATE):
        assert undoing(action, "SUSPENDED" if action is Action.ACTIVATE else "DEACTIVATED") is None
    if action is Action.DEACTIVATE_ON:
        assert undoing(action, NO_DATE) == (Action.KEEP, {})
