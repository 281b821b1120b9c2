"""What costs a carrier's calls is done so many times a day by one account, by whatever door it is asked; and not at all
by an account whose owner's address nobody has confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from kit import clock

from accounts.commands.people import UNCONFIRMED, Unconfirmed
from accounts.models import Account, Membership
from accounts.policy import OPERATOR, Actor
from accounts.queries import credential_of, owner_of
from lines.carriers.base import Setting, Switch
from lines.commands import jobs
from lines.commands.daily import SAID, DayLimit
from lines.commands.plans import change_plan_of_lines
from lines.commands.settings import set_on_line, throttle_lines
from lines.commands.sms import send_sms
from lines.commands.wishes import activate, deactivate
from lines.models import DoneOfDay, Job, JobItem, Line, LineSetting, LineState, RatePlan, SmsMessage
from lines.policy import Action, Verdict, Wanted
from lines.policy.budget import LEAST_LINES, Costly
from lines.queries.jobs import forecast
from lines.work.jobs import run_jobs
from tests.api.keepgo_client import KeepgoClient
from tests.fleets import Fleet, state
from tests.proofs import log_in

DOORS = {Action.ACTIVATE: {}, Action.SMS: {"text": "reboot"}}
TOMORROW = "2026-11-21T00:00:00+00:00"


@pytest.fixture(autouse=True)
def _three_a_day(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One a line and day, of an account of three lines."""
    settings.COSTLY_A_LINE_AND_DAY = {kind.value: 1 for kind in Costly}
    monkeypatch.setattr("lines.policy.budget.LEAST_LINES", 3)


@pytest.fixture(autouse=True)
def _on_is_on(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wanted on is confirmed on."""
    made = fleet.lines

    def lines(*given: Any, **named: Any) -> list[Line]:
        found = made(*given, **named)
        LineState.objects.filter(line__in=found, wanted=Wanted.ACTIVE).update(reported=Switch.ON)
        return found

    monkeypatch.setattr(fleet, "lines", lines)


def by(account: Account) -> Actor:
    return owner_of(account).actor


def unconfirm(account: Account) -> Account:
    EmailAddress.objects.filter(email=owner_of(account).email).update(verified=False)
    return account


def job(account: Account, action: Action) -> Job:
    return jobs.preview_job(
        account=account, lines=Line.objects.all(), action=action, parameters=DOORS[action], selection="all",
        by=by(account),
    )  # fmt: skip


def done(job: Job, account: Account) -> dict[str, int]:
    """What became of a job's lines: verdict -> how many."""
    jobs.start(job=job, by=by(account))
    run_jobs(stop=lambda: False)
    verdicts = list(JobItem.objects.filter(job=job).values_list("verdict", flat=True))
    return {verdict: verdicts.count(verdict) for verdict in set(verdicts)}


@pytest.mark.parametrize("action", list(DOORS))
def test_a_job_does_what_is_left_of_the_day_and_says_so_before(fleet: Fleet, action: Action) -> None:
    account, quiet = fleet.account(), fleet.account()
    fleet.lines(account, 3, active=action is Action.SMS)
    sub = fleet.account(parent=account)
    fleet.lines(sub, 1, active=action is Action.SMS)
    DoneOfDay.objects.create(account=account, kind=_kind(action), day="2026-11-20", done=2)
    begun = job(account, action)
    assert forecast(begun).verdicts == {Verdict.DO: 2, Verdict.OVER_DAY: 2}
    assert done(begun, account) == {Verdict.DO: 2, Verdict.OVER_DAY: 2}
    beside = fleet.line(quiet, active=action is Action.SMS)
    if action is Action.SMS:
        assert send_sms(line=beside, text="hello", by=by(quiet)).pk
    else:
        activate(line=beside, by=by(quiet))


def _kind(action: Action) -> str:
    return Costly.SMS if action is Action.SMS else Costly.ACTIVATION


def test_at_midnight_there_is_as_much_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    account = fleet.account()
    line = fleet.lines(account, 3)[0]
    for _ in range(3):
        send_sms(line=line, text="reboot", by=by(account))
    with pytest.raises(DayLimit, match="Daily limit reached"):
        send_sms(line=line, text="reboot", by=by(account))
    assert SmsMessage.objects.count() == 3
    assert send_sms(line=line, text="by the operator", by=OPERATOR).pk
    monkeypatch.setenv("LINEKEEPER_NOW", TOMORROW)
    assert send_sms(line=line, text="reboot", by=by(account)).pk


def test_switching_on_and_off_comes_to_an_end_and_off_always_works(fleet: Fleet) -> None:
    account = fleet.account()
    line = fleet.lines(account, 3, active=False)[0]
    for _ in range(3):
        activate(line=line, by=by(account))
        activate(line=line, by=by(account))  # it is so already: nothing counts
        deactivate(line=line, by=by(account))
    with pytest.raises(DayLimit):
        activate(line=line, by=by(account))
    assert state(line).wanted == Wanted.DEACTIVATED


def test_settings_and_rate_plans_share_one_limit(fleet: Fleet) -> None:
    account = fleet.account()
    line, other, third = fleet.lines(account, 3)
    set_on_line(line=line, setting=Setting.THROTTLE, value="100", by=by(account))
    plan = RatePlan.objects.create(name="other", carrier=line.carrier)
    assert set(change_plan_of_lines(line_ids=[line.pk, other.pk], plan=plan, by=by(account)).values()) == {Verdict.DO}
    assert throttle_lines(line_ids=[third.pk], kbps=100, by=by(account)) == {third.pk: Verdict.OVER_DAY}
    assert change_plan_of_lines(line_ids=[third.pk], plan=plan, by=by(account)) == {third.pk: Verdict.OVER_DAY}
    with pytest.raises(DayLimit):
        set_on_line(line=third, setting=Setting.THROTTLE, value="100", by=by(account))
    assert not LineSetting.objects.filter(line=third).exists()
    assert Line.objects.get(pk=third.pk).plan == third.plan


def test_console_and_api_say_it_in_the_same_words(fleet: Fleet) -> None:
    account = fleet.account()
    Account.objects.filter(pk=account.pk).update(is_professional=True)
    line = fleet.lines(account, 3)[0]
    DoneOfDay.objects.create(account=account, kind=Costly.SMS, day="2026-11-20", done=3)
    DoneOfDay.objects.create(account=account, kind=Costly.SETTING, day="2026-11-20", done=3)
    console = log_in(Client(), owner_of(account))
    found = credential_of(account)
    api, now = KeepgoClient(account.uuid.hex, found.user_uuid, found.shared_key), int(clock.now().timestamp())
    asked: list[tuple[str, dict[str, str], str, dict[str, Any], Costly]] = [
        (f"/lines/{line.iccid}/sms/send/", {"text": "reboot"}, "sms", {"text": "reboot"}, Costly.SMS),
        (
            f"/lines/{line.iccid}/settings/throttle/",
            {"kbps": "100"},
            "settings",
            {"throttle_kbps": 100},
            Costly.SETTING,
        ),
    ]
    for path, form, name, body, kind in asked:
        assert SAID[kind] in console.post(path, form, follow=True).content.decode(), path
        answer = api.post(f"sim_card/{line.iccid}/{name}", body, timestamp=now)
        assert (answer.status_code, answer.json()["detail"]) == (429, SAID[kind])


def test_the_least_is_as_much_as_ten_lines_have() -> None:
    from lines.policy import budget

    assert LEAST_LINES == 10
    assert budget.allowed_a_day(2, lines=7) == 14


# Accounts whose owner's address is not confirmed


@pytest.mark.parametrize("holder", ["the account", "a sub-account of it"])
@pytest.mark.parametrize("action", list(DOORS))
def test_no_job_of_an_unconfirmed_account_spends(fleet: Fleet, action: Action, holder: str) -> None:
    account = fleet.account()
    asks = account if holder == "the account" else fleet.account(parent=account)
    fleet.lines(asks, 2, active=action is Action.SMS)
    unconfirm(account)
    begun = job(asks, action)
    assert forecast(begun).verdicts == {Verdict.UNCONFIRMED: 2}
    assert done(begun, asks) == {Verdict.UNCONFIRMED: 2}
    assert not SmsMessage.objects.exists()


def test_no_setting_and_no_plan_of_an_unconfirmed_account_changes(fleet: Fleet) -> None:
    account = unconfirm(fleet.account())
    line = fleet.line(account)
    plan = RatePlan.objects.create(name="other", carrier=line.carrier)
    assert throttle_lines(line_ids=[line.pk], kbps=100, by=by(account)) == {line.pk: Verdict.UNCONFIRMED}
    assert change_plan_of_lines(line_ids=[line.pk], plan=plan, by=by(account)) == {line.pk: Verdict.UNCONFIRMED}
    with pytest.raises(Unconfirmed, match=UNCONFIRMED):
        set_on_line(line=line, setting=Setting.THROTTLE, value="100", by=by(account))
    page = log_in(Client(), owner_of(account)).post(f"/lines/{line.iccid}/plan/", {"plan": str(plan.pk)}, follow=True)
    assert UNCONFIRMED in page.content.decode()
    assert Membership.objects.filter(account=account).exists()
    assert Line.objects.get(pk=line.pk).plan == line.plan
