"""One action on many lines by API: begun at once, done by workers, a result for each line."""

from __future__ import annotations

import time

import pytest

from accounts import keys
from accounts.models import Account, Event
from accounts.policy import OPERATOR, Scope
from lines.commands.jobs import finish_job, work_chunk
from lines.models import Job, Line
from lines.policy import Wanted
from lines.work.jobs import run_jobs
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet, state


def work() -> None:
    job = Job.objects.latest("pk")
    while work_chunk(job_id=job.pk):
        pass
    finish_job(job_id=job.pk)


def test_a_job_is_begun_followed_and_has_a_result_for_each_line(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    lines, theirs = fleet.lines(account, 3), fleet.line(fleet.account())
    client.post(f"sim_card/{lines[0].iccid}/deactivate")
    asked = {"action": "deactivate", "iccids": [*(line.iccid for line in lines), theirs.iccid, "8900000000000000000"]}
    begun = client.post("jobs", asked, key="night")
    again = client.post("jobs", asked, key="night")
    assert begun.content == again.content
    job = begun.json()
    assert (job["state"], job["total"], job["done"]) == ("running", 3, 0)
    assert job["unknown_iccids"] == [theirs.iccid, "8900000000000000000"]
    assert Job.objects.count() == 1
    work()
    over = client.get(f"jobs/{job['uuid']}").json()
    assert (over["state"], over["done"], over["same"], over["refused"]) == ("done", 2, 1, 0)
    results = client.get(f"jobs/{job['uuid']}/lines", per_page=2).json()
    assert [one["state"] for one in results["data"]] == ["same", "done"]
    more = client.http.get(results["links"]["next"], headers=client.headers()).json()
    assert [(one["iccid"], one["state"]) for one in more["data"]] == [(lines[2].iccid, "done")]
    assert client.get(f"jobs/{job['uuid']}/lines", state="same").json()["total"] == 1
    assert {state(line).wanted for line in lines} == {Wanted.DEACTIVATED}
    assert state(theirs).wanted == Wanted.ACTIVE
    assert client.get("jobs").json()["data"][0]["uuid"] == job["uuid"]
    assert Event.objects.filter(verb="line.deactivated", actor_kind="key").count() == 3


def test_lines_are_chosen_by_a_filter(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    fleet.lines(account, 2)
    subs = fleet.lines(sub, 2)
    job = client.post("jobs", {"action": "tag", "filter": {"account_uuid": sub.uuid.hex}, "tags": ["bike"]}).json()
    assert (job["total"], job["selection"]) == (2, f"lines by filter: account_uuid {sub.uuid.hex}")
    work()
    assert client.get("tags").json()["data"] == [{"name": "bike", "lines": 2}]
    assert client.get(f"sim_card/{subs[0].iccid}/tags").json() == {"tags": ["bike"]}
    assert client.post("jobs", {"action": "untag", "filter": {"all": True}, "tags": ["bike"]}).json()["total"] == 4


def test_what_makes_no_job_is_refused(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    iccids = [fleet.line(account).iccid]
    for body, status in (
        ({"action": "explode", "iccids": iccids}, 422), ({"action": "activate"}, 422),
        ({"action": "activate", "iccids": iccids, "filter": {"all": True}}, 422),
        ({"action": "activate", "iccids": []}, 422),
        ({"action": "activate", "iccids": ["12"]}, 422), ({"action": "tag", "iccids": iccids}, 422),
        ({"action": "assign", "iccids": iccids, "account_uuid": "0" * 32}, 404),
        ({"action": "deactivate-on", "iccids": iccids, "date": "2020-01-01"}, 422),
        ({"action": "activate", "iccids": iccids, "date": "2099-01-01"}, 422),
        ({"action": "sms", "iccids": iccids, "text": "x" * 71}, 422), ({"action": "sms", "iccids": iccids}, 422),
        ({"action": "plan", "iccids": iccids, "rate_plan_id": 2**31 - 1}, 404),
    ):  # fmt: skip
        assert client.post("jobs", body).status_code == status, body
    assert Job.objects.count() == 0


def test_a_job_rests_goes_on_ends_and_is_tried_again(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    fleet.lines(account, 2, active=False)
    job = client.post("jobs", {"action": "activate", "filter": {"all": True}}).json()["uuid"]
    first = int(time.time()) - 10
    for number, (move, status, now) in enumerate((
        ("pause", 200, "paused"), ("retry", 409, None), ("resume", 200, "running"), ("cancel", 200, "cancelled"),
        ("resume", 409, None), ("cancel", 200, "cancelled"),
    )):  # fmt: skip
        answer = client.post(f"jobs/{job}/{move}", timestamp=first + number)
        assert (answer.status_code, answer.json().get("state")) == (status, now)


def test_a_job_is_its_accounts_own_and_its_keys_may(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    line, subs = fleet.line(account), fleet.line(sub, active=False)
    job = client.post("jobs", {"action": "activate", "iccids": [line.iccid]}).json()["uuid"]
    for stranger in (client_of(sub), strange := client_of(other := fleet.account())):
        Account.objects.filter(pk=other.pk).update(is_professional=True) if stranger is strange else None
        assert stranger.get(f"jobs/{job}").status_code == 404
        assert stranger.get(f"jobs/{job}/lines").status_code == 404
        assert stranger.post(f"jobs/{job}/cancel").status_code == 404
    own = client_of(sub)
    assert own.post("jobs", {"action": "deactivate", "iccids": [subs.iccid]}).status_code == 403
    assert own.post("jobs", {"action": "activate", "iccids": [subs.iccid, line.iccid]}).json()["total"] == 1


@pytest.mark.parametrize(
    ("scope", "status"), [(Scope.READ_LINES, 403), (Scope.ACTIVATE_LINES, 403), (Scope.MANAGE_LINES, 200)]
)
def test_a_key_needs_the_actions_scope(
    client: KeepgoClient, fleet: Fleet, account: Account, scope: Scope, status: int
) -> None:
    iccid = fleet.line(account).iccid
    key = keys.make_key(account=account, name="k", scopes=[scope], days=7, by=OPERATOR)[1]
    body = {"action": "deactivate", "iccids": [iccid]}
    answer = client.http.post(
        f"/api/{client.account_uuid}/jobs", body, "application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == status


def test_a_finished_job_is_undone_to_what_each_line_was(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    lines = [fleet.line(account), fleet.line(sub)]
    iccids = [line.iccid for line in lines]
    job = client.post("jobs", {"action": "tag", "iccids": iccids, "tags": ["bike"]}).json()
    assert client.post(f"jobs/{job['uuid']}/undo").status_code == 409  # not over yet
    work()
    assert client_of(sub).post(f"jobs/{job['uuid']}/undo").status_code == 404
    later = int(time.time()) - 20  # the same request is accepted once
    undone = client.post(f"jobs/{job['uuid']}/undo", timestamp=later).json()["jobs"]
    assert [(one["action"], one["state"], one["total"]) for one in undone] == [("untag", "running", 2)]
    work()
    assert client.get("tags").json()["data"] == [{"name": "bike", "lines": 0}]


def test_all_ways_back_are_gone_however_many(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    holders = [fleet.account(parent=account) for _ in range(12)]
    lines = [fleet.line(holder) for holder in holders]
    job = client.post("jobs", {"action": "assign", "account_uuid": account.uuid.hex, "filter": {"all": True}}).json()
    work()
    assert len(client.post(f"jobs/{job['uuid']}/undo").json()["jobs"]) == 12
    run_jobs(stop=lambda: False)
    assert [Line.objects.get(pk=line.pk).account for line in lines] == holders
