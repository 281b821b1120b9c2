"""What people are told: each finds their own, once, as they chose; mails stay as they were unless somebody chose."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from kit import clock
from kit.errors import Invalid

from accounts.commands import record
from accounts.models import Account, Membership, User
from accounts.policy import OPERATOR, Actor, ActorKind, Role
from accounts.queries import owner_of
from automation.commands import feed, webhooks
from automation.models import FeedEvent
from automation.work import rules
from automation.work import webhooks as work
from billing.commands import notices, notifying
from billing.commands.notifying import Chosen
from billing.models import Notice, Notification
from billing.policy.notices import Kind, Mailing, Wish
from billing.queries.notices import count_unread, notifications_of, recipients_of
from billing.words import Telling, Told
from lines.commands.jobs import finish_job, start_job, work_chunk
from lines.models import Carrier, Line
from lines.policy import Action
from tests.fleets import Fleet

TOLD = Told("A subject", "A text")


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.account()


def person(account: Account, name: str, role: Role = Role.USER) -> Membership:
    user = User.objects.create_user(f"{name}@acme.example")
    return Membership.objects.create(user=user, account=account, role=role)


def place_of(user: User, account: Account) -> Membership:
    return Membership.objects.select_related("user", "account").get(user=user, account=account)


def found(account: Account) -> list[tuple[str, str]]:
    """Who finds what there."""
    rows = Notification.objects.filter(account=account, in_console=True).order_by("user__email", "pk")
    return list(rows.values_list("user__email", "notice__subject"))


def tell(account: Account, key: str, kind: Kind = Kind.MONEY, to: tuple[str, ...] = ()) -> Notice:
    notices.tell(account_id=account.pk, key=key, told=Told(key, "A text"), kind=kind, to=to)
    return Notice.objects.select_related("account").get(key=key)


def choose(place: Membership, kind: Kind, *, console: bool = True, mail: Wish = Wish.USUAL, hook: bool = False) -> None:
    notifying.choose(membership=place, chosen={kind: Chosen(console, mail, hook)})


def test_who_may_finds_each_notice_once_and_a_subaccounts_people_theirs_alone(fleet: Fleet, account: Account) -> None:
    inner = fleet.account(parent=account)
    owner, staff = owner_of(account).email, person(account, "staff")
    outside = person(inner, "outside")
    tell(account, "money"), tell(account, "order", Kind.JOBS, to=(staff.user.email,))
    tell(inner, "theirs", to=(outside.user.email.upper(),))
    assert [notifying.show_due() for _ in range(2)] == [3, 0]
    assert found(account) == [(owner, "money"), (staff.user.email, "money"), (staff.user.email, "order")]
    assert found(inner) == [(outside.user.email, "theirs")]
    assert (count_unread(staff), count_unread(outside)) == (2, 1)
    assert [notifying.mark_read(membership=staff) for _ in range(2)] == [2, 0]
    assert (count_unread(staff), count_unread(outside)) == (0, 1)


def test_mails_are_as_they_were_until_somebody_chooses(account: Account) -> None:
    owner, staff = owner_of(account), person(account, "staff")
    usual = tell(account, "usual")
    named = tell(account, "named", Kind.RULES, to=("stranger@else.example", staff.user.email))
    assert recipients_of(usual) == [owner.email]
    assert recipients_of(named) == ["stranger@else.example", staff.user.email]
    choose(staff, Kind.MONEY, mail=Wish.ALL)
    choose(place_of(owner, account), Kind.MONEY, mail=Wish.NONE)
    choose(staff, Kind.RULES, mail=Wish.NONE)
    assert (recipients_of(usual), recipients_of(named)) == ([staff.user.email], ["stranger@else.example"])
    Membership.objects.filter(pk=staff.pk).update(is_active=False)
    assert recipients_of(usual) == []
    while (claimed := notices.claim_notice()) is not None:
        assert claimed.pk == named.pk
        claimed.mailed_at = clock.now()
        notices.save_posted(notice=claimed, fields=["mailed_at"])
    usual.refresh_from_db()
    assert (usual.mailing, usual.tries) == (Mailing.NOBODY, 0)


def test_nobody_finds_in_the_console_what_they_chose_not_to(account: Account) -> None:
    staff = person(account, "staff")
    choose(staff, Kind.MONEY, console=False)
    tell(account, "money")
    notifying.show_due()
    assert found(account) == [(owner_of(account).email, "money")]
    with pytest.raises(Invalid):
        choose(staff, Kind.INVITATIONS)  # not theirs to hear of


def test_a_job_is_told_to_who_started_it_and_news_are_told_once(fleet: Fleet, account: Account) -> None:
    staff = person(account, "staff")
    lines = fleet.lines(account, 2, active=True)
    by = Actor(ActorKind.PERSON, staff.user.email)
    ours = Line.objects.filter(pk__in=[line.pk for line in lines])
    for who in (by, OPERATOR):
        job = start_job(account=account, lines=ours, action=Action.DEACTIVATE, selection="two", by=who)
        work_chunk(job_id=job.pk)
        finish_job(job_id=job.pk)
    record(
        by=by, verb="staff.joined", account_id=account.pk, subject=f"person:{staff.user.email}", detail={"role": "user"}
    )
    with clock.frozen(clock.now() - dt.timedelta(days=2)):
        record(by=by, verb="staff.joined", account_id=account.pk, subject="person:old@acme.example")
    assert [rules.tell_news() for _ in range(2)] == [2, 0]
    notifying.show_due()
    joined = f"{staff.user.email} joined {account.name}"
    assert found(account) == [(owner_of(account).email, joined), (staff.user.email, "Deactivate: completed")]
    assert {recipients_of(notice) == [] for notice in Notice.objects.select_related("account")} == {True}


def test_what_happens_to_people_of_a_subaccount_is_told_to_who_provides_it(fleet: Fleet, account: Account) -> None:
    inner = fleet.account(parent=account)
    outside = person(inner, "outside")
    record(by=OPERATOR, verb="staff.joined", account_id=inner.pk, subject=f"person:{outside.user.email}")
    to, former = outside.user.email, owner_of(account).email
    record(by=OPERATOR, verb="ownership.offered", account_id=inner.pk, subject=f"person:{to}")
    record(by=OPERATOR, verb="ownership.declined", account_id=account.pk, subject="person:x@acme.example")
    detail = {"before": former, "after": "x@acme.example"}
    record(
        by=OPERATOR, verb="ownership.transferred", account_id=account.pk, subject="person:x@acme.example", detail=detail
    )
    assert rules.tell_news() == 4
    notifying.show_due()
    assert {subject for _, subject in found(account)} == {
        f"{to} joined {inner.name}", "Your offer was declined", f"x@acme.example owns {account.name} now",
    }  # fmt: skip
    assert found(inner) == [(to, f"{inner.name} is offered to you")]


def test_a_carrier_that_goes_back_and_forth_is_told_at_once_and_once_at_the_end_of_its_hour(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    for minute in range(5):
        monkeypatch.setenv("LINEKEEPER_NOW", (start + dt.timedelta(minutes=minute)).isoformat())
        told = Told(f"turn {minute}", "A text")
        one = Telling(account.pk, f"carrier:{minute}", told, "/lines/", about="carrier:7")
        notifying.tell_many(kind=Kind.CARRIERS, tellings=[one])
        notifying.show_due()
    owner = owner_of(account).email
    assert found(account) == [(owner, "turn 0")]
    monkeypatch.setenv("LINEKEEPER_NOW", (start + dt.timedelta(minutes=61)).isoformat())
    notifying.show_due()
    assert found(account) == [(owner, "turn 0"), (owner, "turn 4")]


def test_carriers_are_told_of_by_name_to_who_may_see_them(fleet: Fleet, account: Account) -> None:
    inner = fleet.account(parent=account)
    line, _ = fleet.line(account), person(inner, "outside")
    Line.objects.filter(pk=line.pk).update(account=inner)
    rows = [(line.carrier_id, line.carrier.name, account.pk, account.uuid)]
    feed._notify(rows, {line.carrier_id: ("carrier.recovered", {})}, clock.now())
    notifying.show_due()
    assert found(account) == [(owner_of(account).email, f"{line.carrier.name} is read again")]
    assert found(inner) == []
    assert Carrier.objects.get(pk=line.carrier_id).name in Notice.objects.get().subject


def test_webhooks_hear_once_of_what_people_chose_so(account: Account) -> None:
    owner, staff = owner_of(account), person(account, "staff")
    webhooks.add_webhook(account=account, url="https://hooks.example.com/a", topics=["notifications"], by=OPERATOR)
    for place in (place_of(owner, account), staff):
        choose(place, Kind.MONEY, console=False, hook=True)
    tell(account, "money")
    notifying.show_due()
    assert found(account) == []
    assert [work.plan() for _ in range(2)] == [1, 0]
    (row,) = FeedEvent.objects.filter(type="notification.sent")
    data = json.loads(row.body)["data"]
    assert (data["kind"], data["title"], sorted(data["people"])) == (
        "money",
        "money",
        sorted([owner.email, staff.user.email]),
    )
    assert notifications_of(staff).count() == 0


def test_what_people_found_is_kept_for_ninety_days(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(account, "old")
    notifying.show_due()
    monkeypatch.setenv("LINEKEEPER_NOW", (clock.now() + dt.timedelta(days=91)).isoformat())
    tell(account, "new")
    notifying.show_due()
    assert [subject for _, subject in found(account)] == ["new"]
    assert Notice.objects.count() == 2
