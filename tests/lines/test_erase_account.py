"""An account is erased: nothing of its people is left but what law and books need, and nobody else loses a row."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from console.erasing import decide, erase_account
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from kit import clock

from accounts.audit import differences, heads, prove
from accounts.commands import record
from accounts.commands.erasing import NotErased, ask_erasure
from accounts.commands.events import seal
from accounts.models import Account, ApiCredential, Brand, Erasure, Event, Membership, User
from accounts.policy import OPERATOR, Actor, ActorKind, Role
from automation.commands.rules import Draft, add_rule
from automation.commands.sandbox import settle
from automation.policy import Action as Does
from automation.policy import Trigger as RuleTrigger
from billing.commands import adjust
from billing.commands.erasing import NotSettled
from billing.models import Entry, Notice, Wallet
from lines.commands.leaving import release_lines
from lines.commands.retention import REMOVED
from lines.commands.sandbox import change_imei, drop_sandbox, make_sandbox, receive_sms
from lines.commands.wishes import activate, edit_notes
from lines.models import Job, JobItem, Line, SandboxSim, Sighting, SmsMessage, Tag
from lines.policy import SmsState
from tests.fleets import Fleet, at, books_hold
from tests.lines.test_retention import message, sighted
from tests.worlds import operator

STAYS = {"accounts_event", "billing_invoice", "billing_payment", "billing_entry", "billing_adjustment"}


def lived(fleet: Fleet) -> Account:
    """An account with people, a sub-account, money and lines that it no longer has."""
    account = fleet.account(credit="25")
    sub = fleet.account(parent=account, credit="0")
    line = fleet.line(account)
    sighted(line, at("2026-11-20T08:00"))
    message(line, at("2026-11-20T08:00"), price="0", state=SmsState.RECEIVED)
    Brand.objects.create(account=account, name="Ann's SIMs", support_mail="help@ann.example")
    Tag.objects.create(account=sub, name="Ann's car")
    Notice.objects.create(account=account, key="a", subject="Dear Ann", text="Your balance", to=["ann@acme.example"])
    job = Job.objects.create(account=account, action="tag", by_kind="person", by_name="ann@acme.example")
    JobItem.objects.create(job=job, line=line)
    both = User.objects.create_user("both@acme.example", "p" * 20)
    for held in (account, fleet.account()):
        Membership.objects.create(user=both, account=held, role=Role.USER)
    EmailAddress.objects.create(user=both, email=both.email)
    return account


def released(account: Account) -> None:
    """Its lines go back to stock, and the last cent is paid out."""
    release_lines(line_ids=list(Line.objects.filter(payer=account).values_list("pk", flat=True)), to=None, by=OPERATOR)
    SmsMessage.objects.update(is_open=False)
    adjust(account=account, amount=-Wallet.objects.get(account=account).posted, reason="paid out", by=OPERATOR)


def test_it_is_refused_while_there_are_lines_or_money(fleet: Fleet) -> None:
    account = lived(fleet)
    with pytest.raises(CommandError, match="settle it first"):
        call_command("erase_account", account.uuid.hex, "--name", account.name)
    with pytest.raises(CommandError, match="name is not"):
        call_command("erase_account", account.uuid.hex, "--name", "Another")
    wallet = Wallet.objects.get(account=account)
    Wallet.objects.filter(pk=wallet.pk).update(posted=0, accrued=0)
    with pytest.raises(CommandError, match="has 1 line"):
        call_command("erase_account", account.uuid.hex, "--name", account.name)
    assert Membership.objects.filter(account=account).exists()
    assert Sighting.objects.exists()


def test_nothing_of_people_is_left_but_what_must_be(fleet: Fleet) -> None:
    account, other = lived(fleet), fleet.account()
    before = {name: rows_of(name) for name in STAYS}
    owner = User.objects.get(memberships__account=account, memberships__role=Role.OWNER)
    released(account)
    would = operator("erase_account", account.uuid.hex, "--name", account.name, "--preview")
    assert Membership.objects.filter(account=account).exists()
    told = operator("erase_account", account.uuid.hex, "--name", account.name)
    assert told["erased"] == would["would_go"]
    assert told["erased"]["User"] == 2
    for name in STAYS:
        assert rows_of(name) >= before[name], name
    assert not User.objects.filter(pk=owner.pk).exists()
    assert User.objects.filter(email="both@acme.example").exists()  # has a place elsewhere
    assert not Membership.objects.filter(account=account).exists()
    assert SmsMessage.objects.get().text == REMOVED
    for model in (Sighting, Job, JobItem, Tag, Brand, Notice):
        assert not model.objects.exists(), model
    assert not ApiCredential.objects.filter(account=account).exists()
    account.refresh_from_db()
    assert (account.is_active, account.name) == (False, f"Erased {account.uuid.hex[:8]}")
    assert Entry.objects.filter(account=account).exists()
    other.refresh_from_db()
    assert other.is_active
    assert Membership.objects.filter(account=other).exists()
    operator("erase_account", account.uuid.hex, "--name", account.name)  # harmless twice
    for text in (owner.email, "Ann", "ann@acme.example"):
        assert [model for model in apps.get_models() if where_it_says(model._meta.db_table, text)] == [], text


def rows_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def where_it_says(table: str, text: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text LIKE %s", [f"%{text}%"])
        return int(cursor.fetchone()[0])


def test_books_and_audit_are_whole_afterwards(fleet: Fleet) -> None:
    account, other = lived(fleet), fleet.account()
    record(by=OPERATOR, verb="person.invited", account_id=account.pk, detail={"email": "ann@acme.example"})
    record(by=OPERATOR, verb="person.invited", account_id=other.pk, detail={"email": "ann@acme.example"})
    seal()
    kept = heads()
    released(account)
    erase_account(account=account, by=OPERATOR)
    books_hold()
    assert prove().is_whole
    assert differences(kept) == []
    assert Event.objects.get(account=other, verb="person.invited").detail == {"email": "ann@acme.example"}
    emptied = Event.objects.filter(account=account, erased_at__isnull=False)
    assert set(emptied.values_list("actor_name", "subject")) == {("", "")}
    assert emptied.count() > 3


def test_an_event_is_emptied_by_nobody_else_and_never_in_secret(fleet: Fleet) -> None:
    account = fleet.account()
    seal()
    event = Event.objects.filter(account=account).earliest("pk")
    empty = {"actor_name": "", "subject": "", "detail": {}, "erased_at": clock.now()}
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(**empty)
    Account.objects.filter(pk=account.pk).update(is_active=False, erased_at=clock.now())
    Event.objects.filter(pk=event.pk).update(**empty)
    assert prove().broken == [(event.pk, "it was emptied")]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(detail={"another": "story"})


def test_one_person_asks_and_another_erases(fleet: Fleet) -> None:
    account = lived(fleet)
    anna, ben = (Actor(ActorKind.BACK_OFFICE, f"{name}@office.example", pk) for name, pk in (("anna", 1), ("ben", 2)))
    erasure = ask_erasure(account=account, reason="a letter", by=anna)
    assert ask_erasure(account=account, reason="another", by=ben) == erasure
    with pytest.raises(NotErased):
        decide(erasure=erasure, agreed=True, by=anna)
    with pytest.raises(NotSettled):  # and it waits still
        decide(erasure=erasure, agreed=True, by=ben)
    released(account)
    decide(erasure=Erasure.objects.get(), agreed=True, by=ben)
    account.refresh_from_db()
    assert account.erased_at is not None
    with pytest.raises(NotErased):
        ask_erasure(account=account, reason="again", by=anna)


def test_a_sub_account_is_erased_with_its_account(fleet: Fleet) -> None:
    sub = fleet.account(parent=fleet.account(), credit="0")
    with pytest.raises(CommandError, match="sub-account"):
        call_command("erase_account", sub.uuid.hex, "--name", sub.name)
    sub.refresh_from_db()
    assert sub.is_active


def test_its_test_accounts_go_with_it(fleet: Fleet) -> None:
    """The open one and a closed one: people, texts, devices, rules and lines."""
    account = lived(fleet)
    owner = User.objects.get(memberships__account=account, memberships__role=Role.OWNER)
    by = owner.actor
    for number in (1, 2):
        test = make_sandbox(account=account, by=by)
        line = Line.objects.filter(payer=test).order_by("pk")[0]
        activate(line=line, by=by)
        settle(account_id=test.pk)
        receive_sms(line=line, text=f"Ann is at the gate {number}")
        change_imei(line=line, imei="352099001761481")
        edit_notes(line=line, notes="Ann's car", by=by)
        draft = Draft(name="Ann's rule", trigger=RuleTrigger.IMEI, action=Does.DEACTIVATE)
        add_rule(account=test, draft=draft, by=by)
        settle(account_id=test.pk)
        if number == 1:
            drop_sandbox(account=account, by=by)
    line = Line.objects.filter(payer=test).order_by("pk")[0]
    change_imei(line=line, imei="490154203237518")
    released(account)
    told = operator("erase_account", account.uuid.hex, "--name", account.name)
    assert (told["erased"]["Rule"], told["erased"]["Swept"]) == (2, 2)
    assert not Line.objects.exclude(payer=None).exists()
    assert not SandboxSim.objects.exists()
    assert not SmsMessage.objects.exclude(text=REMOVED).exists()
    assert set(Account.objects.filter(is_test=True).values_list("is_active", flat=True)) == {False}
    for text in (owner.email, "Ann", "352099001761481", "490154203237518"):
        assert [model for model in apps.get_models() if where_it_says(model._meta.db_table, text)] == [], text
    account.refresh_from_db()
    operator("erase_account", account.uuid.hex, "--name", account.name)  # harmless twice
    books_hold()
