"""Custom fields set on many lines by a job: looked at first, done, brought back to what each line had."""

from __future__ import annotations

import pytest
from django.test import Client
from kit.errors import Invalid, NotFound

from accounts.models import Account, Event
from accounts.policy import OPERATOR
from accounts.queries import owner_of
from lines.commands import fields, jobs
from lines.models import CustomField, FieldValue, Job, Line
from lines.policy import Action, Verdict
from lines.policy.fields import FieldKind
from lines.queries.fields import values_of
from lines.queries.jobs import forecast, undos_of
from lines.work.jobs import run_jobs
from tests.evenly import evenly
from tests.fleets import Fleet


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.account()


@pytest.fixture
def lines(fleet: Fleet, account: Account) -> list[Line]:
    """Three: the first has everything, the second one thing, the third nothing."""
    for name, kind, choices in (("Depot", "choice", ("Berlin", "Porto")), ("Seats", "number", ())):
        fields.add_field(account=account, name=name, kind=FieldKind(kind), choices=choices, by=OPERATOR)
    found = fleet.lines(account, 3)
    give(found[0], Depot="Berlin", Seats=49)
    give(found[1], Seats=7)
    return found


def give(line: Line, **given: object) -> None:
    assert line.payer is not None
    values = fields.read_values(account=line.payer, given=given)
    fields.set_fields(line_ids=[line.pk], account=line.payer, values=values, by=OPERATOR)


def has(account: Account) -> list[dict[str, object]]:
    lines = Line.objects.filter(payer=account).order_by("pk")
    found = values_of(owner_of(account).memberships.get(account=account), [line.pk for line in lines])
    return [dict(found[line.pk]) for line in lines]


def looked_at(account: Account, given: dict[str, object]) -> Job:
    return jobs.preview_job(
        account=account, lines=Line.objects.all(), action=Action.FIELDS, parameters={"fields": given},
        selection="all", by=OPERATOR,
    )  # fmt: skip


def done(job: Job) -> Job:
    jobs.start(job=job, by=OPERATOR)
    run_jobs(stop=lambda: False)
    job.refresh_from_db()
    return job


def undone(account: Account, job: Job) -> Job:
    (way,) = undos_of(owner_of(account).memberships.get(account=account), job)
    (begun,) = jobs.undo(job=job, befores=[way.before], selection="what it changed", by=OPERATOR)
    assert (begun.total, forecast(begun).will) == (way.lines, way.lines)
    run_jobs(stop=lambda: False)
    begun.refresh_from_db()
    return begun


def test_it_is_done_as_forecast_and_each_line_gets_back_what_it_had(account: Account, lines: list[Line]) -> None:
    before = has(account)
    job = looked_at(account, {"depot": "berlin", "Seats": "49.0"})
    assert forecast(job).verdicts == {Verdict.DO: 2, Verdict.SAME: 1}
    assert has(account) == before
    done(job)
    assert (job.done, job.same, job.failed) == (2, 1, 0)
    assert has(account) == [{"Depot": "Berlin", "Seats": 49}] * 3
    assert Event.objects.filter(verb="line.fields_set").count() == 4
    back = undone(account, job)
    assert (back.action, back.done, has(account)) == (Action.RESTORE_FIELDS, 2, before)
    forth = undone(account, back)
    assert (forth.done, has(account)) == (2, [{"Depot": "Berlin", "Seats": 49}] * 3)


def test_values_are_taken_away_and_come_back(account: Account, lines: list[Line]) -> None:
    before = has(account)
    job = done(looked_at(account, {"Seats": None}))
    assert (job.done, job.same, has(account)) == (2, 1, [{"Depot": "Berlin"}, {}, {}])
    undone(account, job)
    assert has(account) == before


def test_what_went_meanwhile_is_refused_and_nothing_is_lost(account: Account, lines: list[Line]) -> None:
    """A choice that was previewed is taken away, and so is one that lines are to get back."""
    depot = CustomField.objects.get(name="Depot")
    job = done(looked_at(account, {"Depot": "Porto", "Seats": 1}))
    later = looked_at(account, {"Depot": "Berlin", "Seats": 2})
    fields.change_field(field=depot, name="Depot", choices=["PORTO"], shown=False, by=OPERATOR)
    now = has(account)
    assert now == [{"Depot": "PORTO", "Seats": 1}] * 3
    assert forecast(later).verdicts == {Verdict.NO_FIELD: 3}
    assert (done(later).refused, has(account)) == (3, now)
    (way,) = undos_of(owner_of(account).memberships.get(account=account), job)
    (back,) = jobs.undo(job=job, befores=[way.before], selection="what it changed", by=OPERATOR)
    assert forecast(back).verdicts == {Verdict.NO_FIELD: 1, Verdict.DO: 2}
    run_jobs(stop=lambda: False)
    assert has(account) == [now[0], {"Seats": 7}, {}]
    give(lines[0], Seats=5)
    fields.remove_field(field=depot, by=OPERATOR)
    assert FieldValue.objects.count() == 2


def test_what_a_job_is_told_is_checked_before_anything(account: Account, lines: list[Line], fleet: Fleet) -> None:
    for wrong in ({}, {"Depot": "Paris"}, {"Colour": "red"}, {"Seats": "many"}, None):
        with pytest.raises(Invalid):
            looked_at(account, wrong)  # type: ignore[arg-type]
    job = looked_at(account, {"Seats": 1})
    with pytest.raises(NotFound):
        jobs.preview_job(
            account=fleet.account(), lines=Line.objects.all(), action=Action.RESTORE_FIELDS,
            parameters={"job": job.uuid.hex}, selection="all", by=OPERATOR,
        )  # fmt: skip


def test_the_page_sets_what_is_filled_in_and_clears_what_is_ticked(account: Account, lines: list[Line]) -> None:
    client = Client()
    client.force_login(owner_of(account))
    depot, seats = (CustomField.objects.get(name=name).uuid.hex for name in ("Depot", "Seats"))
    assert "Set custom fields" in evenly(client.get("/lines/bulk/").content.decode())
    assert "No change" in evenly(client.get("/lines/bulk/?action=set-fields").content.decode())

    def post(**given: str) -> str:
        answer = client.post("/lines/bulk/", {"action": "set-fields", **given}, follow=True)
        return evenly(answer.content.decode())

    assert "Enter a value in at least one field" in post()
    both = {f"field-{seats}": "5", f"clear-{seats}": "on"}
    assert "Seats: enter a value or select Clear, not both" in post(**both)
    said = post(**{f"field-{depot}": "Porto", f"clear-{seats}": "on"})
    assert "Depot: Porto; Seats: cleared" in said
    job = done(Job.objects.get())
    assert has(account) == [{"Depot": "Porto"}] * 3
    page = client.get(f"/jobs/{job.uuid.hex}/")
    assert "Undo: restore custom fields" in evenly(page.content.decode())
    client.post(f"/jobs/{job.uuid.hex}/undo/", {"before": job.uuid.hex})
    assert "Each line gets back the values it had before" in evenly(
        client.get(f"/jobs/{Job.objects.latest('pk').uuid.hex}/").content.decode()
    )
