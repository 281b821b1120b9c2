"""The back office: who comes in, that it only reads, and that its changes are commands with a name and a reason."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from kit import clock
from kit.errors import Invalid

from accounts.commands.desk import let_into_back_office
from accounts.models import Account, Event, User
from accounts.policy import OPERATOR, Actor, ActorKind
from billing.commands.credits import Decided, OwnRequest, ask_credit, decide_credit
from billing.models import CreditRequest, Entry, Wallet
from billing.policy import Decision, EntryKind
from lines.models import BooksCheck, Line, Order, Price, RatePlan
from lines.queries.margin import margins
from lines.tasks import prove_books
from tests.fleets import sum_day_rows
from tests.proofs import log_in

pytestmark = pytest.mark.django_db

ANNA = Actor(ActorKind.BACK_OFFICE, "anna@office.example")
BEN = Actor(ActorKind.BACK_OFFICE, "ben@office.example")


def enrolled(email: str = ANNA.name) -> User:
    user = let_into_back_office(email=email, password="orbit-lantern-42", by=OPERATOR)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return user


@pytest.fixture
def office() -> Client:
    return log_in(Client(), enrolled(), proved=("password", "mfa"))


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_only_who_runs_the_installation_comes_in_and_only_with_a_second_factor(acme: Account) -> None:
    strangers, insider = Client(), Client()
    assert strangers.get("/back-office/").status_code == 302
    assert "/accounts/login/" in strangers.get("/back-office/", follow=True).redirect_chain[-1][0]
    owner = User.objects.get(email="jane@acme.example")
    strangers.force_login(owner)
    assert strangers.get("/back-office/", follow=True).status_code == 404
    assert strangers.get("/back-office/billing/wallet/", follow=True).status_code == 404
    bare = let_into_back_office(email="bare@office.example", password="orbit-lantern-42", by=OPERATOR)
    insider.force_login(bare)
    chain = insider.get("/back-office/", follow=True).redirect_chain
    assert chain[-1][0].startswith(reverse("mfa_index"))
    log_in(insider, enrolled(), proved=("password", "mfa"))
    assert insider.get("/back-office/").status_code == 200


def test_looser_rules_for_scripts_hold_there_alone(office: Client, acme: Account) -> None:
    assert "unsafe-eval" in office.get("/back-office/")["Content-Security-Policy"]
    assert "unsafe" not in Client().get("/accounts/login/")["Content-Security-Policy"]


def test_every_desk_opens_and_none_lets_a_row_be_made_changed_or_deleted(
    office: Client, fleet: dict[str, Line], stranger: Account
) -> None:
    ask_credit(account=stranger, kind=EntryKind.ADJUSTMENT, amount=Decimal(5), reason="x", key=uuid.uuid4(), by=ANNA)
    for model in admin.site._registry:  # the libraries' tables open to nobody
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model._meta.app_label in ("auth", "mfa", "usersessions", "account", "socialaccount"):
            continue
        assert office.get(reverse(f"{base}_changelist")).status_code == 200, base
        assert office.get(reverse(f"{base}_changelist") + "?q=acme").status_code == 200, base
        row = model._default_manager.first()
        if row is not None:
            change = reverse(f"{base}_change", args=[row.pk])
            assert office.get(change).status_code == 200, base
            assert office.post(change, {"name": "changed"}).status_code == 403, base
            assert office.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403, base
        assert office.get(reverse(f"{base}_add")).status_code == 403, base
    assert "Credits that wait" not in text_of(office, "/back-office/")


def test_a_credit_up_to_the_limit_is_posted_once_and_one_above_waits_for_a_second_person(
    office: Client, acme: Account
) -> None:
    path = reverse("admin:billing_wallet_by_hand", args=[acme.pk])
    form = {"kind": "discount", "amount": "60", "reason": "a late card", "key": uuid.uuid4()}
    for _ in range(2):
        assert office.post(path, form).status_code == 302
    assert Entry.objects.get(account=acme).amount == 60
    office.post(path, form | {"key": uuid.uuid4(), "amount": "50"})  # 60 and 50 are over 100
    waiting = CreditRequest.objects.get(state=Decision.OPEN)
    assert "Credits that wait for a second person: 1" in text_of(office, "/back-office/")
    approve = reverse("admin:billing_creditrequest_approve", args=[waiting.pk])
    refused = office.post(approve)
    assert (refused.status_code, Entry.objects.count()) == (422, 1)
    assert "somebody else of the back office" in refused.content.decode()
    second = Client()
    log_in(second, enrolled(BEN.name), proved=("password", "mfa"))
    assert second.post(approve).status_code == 302
    assert second.post(approve).status_code == 422
    waiting.refresh_from_db()
    assert waiting.entry is not None
    assert (waiting.state, waiting.decided_by, waiting.entry.amount) == ("done", BEN.name, 50)
    assert Wallet.objects.get(account=acme).posted == Decimal("233.45")


def test_another_mail_address_makes_nobody_a_second_person(office: Client, acme: Account) -> None:
    path = reverse("admin:billing_wallet_by_hand", args=[acme.pk])
    form = {"kind": "adjustment", "amount": "90", "reason": "a late card"}
    office.post(path, form | {"key": uuid.uuid4()})
    office.post(path, form | {"key": uuid.uuid4(), "amount": "5000"})
    User.objects.filter(email=ANNA.name).update(email="anna.b@office.example")
    waiting = CreditRequest.objects.get(state=Decision.OPEN)
    assert office.post(reverse("admin:billing_creditrequest_approve", args=[waiting.pk])).status_code == 422
    office.post(path, form | {"key": uuid.uuid4()})  # 90 and 90 of one person are over 100
    assert CreditRequest.objects.filter(state=Decision.OPEN).count() == 2
    assert Entry.objects.get(account=acme).amount == 90


def test_debits_count_to_the_limit_too_and_a_form_is_one_accounts(acme: Account, stranger: Account) -> None:
    key = uuid.uuid4()
    given: dict[str, Any] = {"kind": EntryKind.ADJUSTMENT, "reason": "x", "by": ANNA}
    assert ask_credit(account=acme, amount=Decimal(-60), key=key, **given).state == Decision.DONE
    assert ask_credit(account=acme, amount=Decimal(60), key=uuid.uuid4(), **given).state == Decision.OPEN
    with pytest.raises(Invalid):
        ask_credit(account=stranger, amount=Decimal(5), key=key, **given)


def test_a_refused_credit_moves_nothing(acme: Account) -> None:
    asked = ask_credit(
        account=acme, kind=EntryKind.ADJUSTMENT, amount=Decimal(-500), reason="x", key=uuid.uuid4(), by=ANNA
    )
    with pytest.raises(OwnRequest):
        decide_credit(request_id=asked.pk, agreed=False, by=ANNA)
    decide_credit(request_id=asked.pk, agreed=False, by=BEN)
    with pytest.raises(Decided):
        decide_credit(request_id=asked.pk, agreed=True, by=BEN)
    assert Entry.objects.count() == 0


def test_acting_for_an_account_has_a_banner_a_users_rights_and_a_name_in_its_log(
    office: Client, acme: Account, fleet: dict[str, Line]
) -> None:
    begin = reverse("admin:accounts_account_act_for", args=[acme.pk])
    assert office.post(begin, {"reason": ""}).status_code == 422
    response = office.post(begin, {"reason": "their call of today"}, follow=True)
    assert "You act for" in response.content.decode()
    iccid = fleet["by person"].iccid
    office.post(f"/lines/{iccid}/notes/", {"notes": "seen with the customer"})
    assert office.get("/billing/add-funds/").status_code == 404
    office.post("/accounts/stop-acting/")
    assert "You act for" not in office.get("/accounts/login/", follow=True).content.decode()
    done = Event.objects.filter(account=acme, actor_kind=ActorKind.BACK_OFFICE).order_by("pk")
    assert {event.actor_name for event in done} == {ANNA.name}
    verbs = [event.verb for event in done]
    assert (verbs[0], verbs[-1], len(verbs)) == ("back_office.acts", "back_office.left", 3)


def test_nobody_acts_for_an_account_without_the_back_office(acme: Account, harbour: Account) -> None:
    client = Client()
    client.force_login(User.objects.get(email="sub@harbour.example"))
    session = client.session
    session["acting_for"] = acme.uuid.hex
    session.save()
    assert "You act for" not in client.get("/").content.decode()


def test_new_prices_begin_in_the_future_and_costs_make_margins(
    office: Client, acme: Account, fleet: dict[str, Line], plan: RatePlan
) -> None:
    price = Price.objects.get(plan=plan)
    sum_day_rows()
    [before] = margins(by="plan", month=clock.today().replace(day=1))
    assert (before.cost, before.is_whole) == (Decimal(0), False)
    cost = {"cost_per_mb": "0.004", "cost_per_sms": "0.01", "cost_per_day": "0"}
    office.post(reverse("admin:lines_price_know_cost", args=[price.pk]), cost)
    [row] = margins(by="account", month=clock.today().replace(day=1), payer_id=acme.pk)
    assert (row.name, row.income, round(row.cost, 6), row.is_whole) == ("Acme", Decimal("1.5"), Decimal("0.6"), True)
    assert row.percent == 60
    assert len(margins(by="line", month=clock.today().replace(day=1), payer_id=acme.pk)) == 2
    text = text_of(office, f"{reverse('admin:margins')}?by=account")
    assert "Acme $1.50 $0.60 $0.90 60.0%" in text
    assert "give its whole name" in text_of(office, f"{reverse('admin:margins')}?by=line")
    new = cost | {"per_mb": "0.02", "per_sms": "0.05", "per_day": "0", "since": "2020-01-01 00:00"}
    path = reverse("admin:lines_rateplan_set_price", args=[plan.pk])
    assert "in the future" in office.post(path, new).content.decode()
    assert office.post(path, new | {"since": "2099-01-01 00:00"}).status_code == 302
    assert Price.objects.filter(plan=plan).count() == 2


def test_orders_are_answered_and_the_books_are_proved(office: Client, acme: Account) -> None:
    order = Order.objects.create(
        account=acme, quantity=50, contact="Jane", email="jane@acme.example", address="Quay 1", by="jane@acme.example"
    )
    assert "Orders to answer: 1" in text_of(office, "/back-office/")
    office.post(reverse("admin:lines_order_answer_it", args=[order.pk]), {"answer": "On Friday."})
    order.refresh_from_db()
    assert (order.state, order.answered_by) == ("answered", ANNA.name)
    books = reverse("admin:books")
    office.post(books)
    office.post(books)
    assert "under way" in text_of(office, books)
    assert [prove_books(), prove_books()] == [1, 0]
    assert BooksCheck.objects.get().is_good is False  # the fixture's wallet has no ledger rows
    assert "do not add up" in text_of(office, books)


def test_an_account_is_opened_and_made_professional_with_a_reason(office: Client, acme: Account) -> None:
    form = {"name": "New Ltd", "owner": "new@new.example"}
    assert office.post(reverse("admin:accounts_account_open_account"), form).status_code == 302
    assert Account.objects.get(name="New Ltd").memberships.get().user.email == "new@new.example"
    path = reverse("admin:accounts_account_switch_kind", args=[acme.pk])
    office.post(path, {"reason": "their contract"})
    acme.refresh_from_db()
    assert acme.is_professional
    assert Event.objects.get(verb="account.kind_changed").detail["reason"] == "their contract"


@pytest.mark.parametrize(
    "action", ["act_for", "switch_kind", "open_account", "by_hand", "reserve", "load_codes", "confirm"]
)
def test_at_an_open_browser_nobody_changes_what_matters(office: Client, acme: Account, action: str) -> None:
    """Money, whose stock is whose and what a customer sees ask for the password again; desks do unless they say so."""
    session = office.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 600
    session.save()
    owners = {"act_for": "accounts_account", "switch_kind": "accounts_account", "open_account": "accounts_account"}
    of = owners.get(action, "billing_wallet" if action == "by_hand" else "lines_line")
    has_row = action in ("act_for", "switch_kind", "by_hand")
    path = reverse(f"admin:{of}_{action}", args=[acme.pk] if has_row else [])
    for answer in (office.get(path), office.post(path, {"reason": "to help", "kind": "discount", "amount": "5"})):
        assert "/reauthenticate/" in answer["Location"]
    assert not Event.objects.filter(verb__in=["acting.began", "account.kind_changed", "ledger.discount"]).exists()
    assert "acting" not in office.session
