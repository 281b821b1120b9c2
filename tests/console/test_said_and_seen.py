"""What pages say is so: levels of messages, typed input that is wrong, months that are not whole, a first evening, and
the back office's inbox; and the head of a page that stays."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from allauth.mfa.models import Authenticator
from console.queries import spending_of
from django.contrib import admin
from django.db.models import Model
from django.template.loader import render_to_string
from django.test import Client
from kit import clock
from kit.backoffice import Desk
from kit.labels import label_of, labels

from accounts.commands.desk import let_into_back_office
from accounts.commands.invitations import invite
from accounts.mails.letters import who_asks
from accounts.models import Account, Brand, Invitation
from accounts.policy import OPERATOR, Actor, ActorKind, Role
from accounts.queries import owner_of
from billing.models import UsageDay, Wallet
from billing.policy import EntryKind, RefillState, refill_amount
from billing.policy.refills import rounding
from lines.models import Carrier, Difference, Job, JobItem, Line, Order, SmsMessage
from lines.policy import Action, Differs, Item, JobState, SmsState
from tests.console.console_people import DESK, MakeLine, Visit, client_of, place_of
from tests.proofs import log_in

pytestmark = pytest.mark.django_db
JANE = Actor(ActorKind.PERSON, "jane@acme.example")


def page_of(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# Messages


@pytest.mark.parametrize(
    ("emails", "said"),
    [
        ("a1@x.example, not-an-address, b2@x.example", "“not-an-address” isn’t an email address"),
        ("a1@x.example b2 c3@ @d4", "“b2”, “c3@”, “@d4” aren’t email addresses"),
        ("a1@x.example; x; y; z; w", "“x”, “y”, “z” and 1 more aren’t email addresses"),
        ("Jane Doe", "“jane”, “doe” aren’t email addresses"),
        (" ,; ", "Enter an email address"),
    ],
)
def test_a_wrong_address_among_three_invites_nobody_and_is_named(acme: Account, emails: str, said: str) -> None:
    answer = client_of(acme).post("/staff/invite/", {"emails": emails, "role": "user"}, follow=True)
    assert said in words_of(answer.content.decode()).replace("&#x27;", "'")
    assert not Invitation.objects.exists()


def test_names_as_mail_programs_write_them_are_read(acme: Account) -> None:
    typed = '"Doe, Jane" <A1@x.example>, Bob B. <b2@x.example>\nc3@x.example'
    client = log_in(Client(), owner_of(acme), proved=("password", "mfa"))
    client.post("/staff/invite/", {"emails": typed, "role": "user"}, follow=True)
    assert set(Invitation.objects.values_list("email", flat=True)) == {"a1@x.example", "b2@x.example", "c3@x.example"}


def test_an_error_doesnt_look_like_a_success(acme: Account, make_line: MakeLine) -> None:
    line = make_line(acme)
    client = client_of(acme)
    good = client.post(f"/lines/{line.iccid}/notes/", {"notes": "here"}, follow=True).content.decode()
    assert re.search(r'class="said success"\s+role="status"', good)
    bad = client.post(f"/lines/{line.iccid}/notes/", {"notes": "x" * 501}, follow=True).content.decode()
    assert re.search(r'class="said error"\s+role="alert"\s*>.*?>Error:<', bad, re.DOTALL)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/audit/", "/lines/", "/tutorial/", "/billing/explain/"])
def test_the_head_stays_and_headings_of_tables_stay_below_it(
    acme: Account, make_line: MakeLine, visit: Visit, path: str
) -> None:
    for number in range(60):
        line = make_line(acme, notes=f"Truck {number}")
        client_of(acme).post(f"/lines/{line.iccid}/notes/", {"notes": f"truck {number}"})
    page = visit(login="jane@acme.example", viewport=DESK)
    page.goto(f"{path}?size=100" if path == "/lines/" else path)
    page.evaluate("scrollTo(0, 1500)")
    top = "box => document.querySelector(box).getBoundingClientRect().top"
    assert page.evaluate("scrollY") > 300
    assert page.evaluate(top, ".head") == 0
    if path in ("/audit/", "/lines/"):
        below = page.evaluate("document.querySelector('.head').getBoundingClientRect().bottom")
        assert page.evaluate(top, "main thead th") == pytest.approx(below, abs=1)


# Figures


@pytest.mark.parametrize(
    ("average", "amount", "said"),
    [("57.448", 500, "Capped at the $500 maximum"), ("7", 100, "Rounded up"), ("0.3", 50, "Minimum $50")],
)
def test_an_amount_says_whether_it_was_rounded_up_or_capped(average: str, amount: int, said: str) -> None:
    assert refill_amount(Decimal(average)) == amount
    assert rounding(Decimal(average)) == said


def spent(account: Account, day: str, usd: str = "10") -> None:
    UsageDay.objects.create(account=account, day=dt.date.fromisoformat(day), usage=Decimal(usd))


def test_a_month_that_began_in_its_middle_is_compared_with_nothing(acme: Account) -> None:
    for day in ("2026-10-16", "2026-11-02", "2026-11-20"):
        spent(acme, day)
    place, today = place_of(acme), dt.date(2026, 11, 20)
    found = spending_of(place, today=today)
    assert found is not None
    assert found.change == "No full last month to compare with: usage began on 16 Oct"
    spent(acme, "2026-09-30")
    again = spending_of(place, today=today)
    assert again is not None
    assert again.change == "100% more than last month to date ($10.00)"


def test_messages_stand_by_when_they_were_sent(acme: Account, make_line: MakeLine) -> None:
    line, now = make_line(acme), clock.now()
    for minutes, text in ((3, "sms-third"), (1, "sms-first"), (2, "sms-second")):  # as they were stored
        SmsMessage.objects.create(
            line=line, carrier=line.carrier, account=acme, payer=acme, to_device=False, text=text,
            state=SmsState.RECEIVED, is_open=False, at=now - dt.timedelta(minutes=minutes),
        )  # fmt: skip
    for path in ("/sms/", f"/lines/{line.iccid}/sms/"):
        said = page_of(client_of(acme), path)
        places = [said.index(text) for text in ("sms-first", "sms-second", "sms-third")]
        assert places == sorted(places)
    second = SmsMessage.objects.get(text="sms-second")
    older = page_of(client_of(acme), f"/sms/?before={second.pk}")
    assert "sms-third" in older
    assert "sms-first" not in older


def test_a_new_owner_without_a_line_meets_no_alarm(acme: Account, make_line: MakeLine) -> None:
    Wallet.objects.update(posted=0, is_red=True)
    client = client_of(acme)
    for path in ("/", "/billing/", "/billing/explain/"):
        said = words_of(page_of(client, path))
        assert "suspended" not in said.replace("minimum balance", ""), path
        assert "No lines yet" in said
    assert 'class="red"' not in page_of(client, "/")
    make_line(acme)
    assert "Balance too low: $0.00" in words_of(page_of(client, "/"))


def test_who_joins_under_a_white_label_reads_the_providers_name(acme: Account, harbour: Account) -> None:
    Brand.objects.create(account=acme, name="Northwind", accent="#8a2be2", support_mail="help@northwind.example")
    for account, who in ((harbour, "Northwind"), (acme, JANE.name)):
        invite(account=account, email="new@delta.example", role=Role.USER, address="http://h", by=JANE)
        asked = Invitation.objects.get(account=account)
        html = render_to_string("accounts/invitation.html", {"invitation": asked, "who": who_asks(asked)})
        assert f"{who} invited" in words_of(html)
        assert (JANE.name in html) == (account is acme)


@pytest.mark.parametrize(("done", "run_from", "said"), [(0, 0, "Queued"), (1, 0, "Running"), (1, 1, "Queued")])
def test_a_job_of_which_nothing_has_moved_is_queued(
    acme: Account, make_line: MakeLine, done: int, run_from: int, said: str
) -> None:
    job = Job.objects.create(
        account=acme, action=Action.ACTIVATE, by_kind=JANE.kind, by_name=JANE.name, selection="all",
        state=JobState.RUNNING, total=2, done=done, run_from=run_from,
    )  # fmt: skip
    for number in range(2):
        JobItem.objects.create(job=job, line=make_line(acme), state=Item.DONE if number < done else Item.WAITING)
    for path in ("/jobs/", f"/jobs/{job.uuid.hex}/"):
        assert said in words_of(page_of(client_of(acme), path)), path


# The back office


@pytest.fixture
def office() -> Client:
    user = let_into_back_office(email="anna@office.example", password="orbit-lantern-42", by=OPERATOR)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return log_in(Client(), user, proved=("password", "mfa"))


def test_the_inbox_tells_of_differences_at_carriers(office: Client, acme: Account, make_line: MakeLine) -> None:
    carrier = make_line(acme).carrier
    assert "differences between" not in page_of(office, "/back-office/").lower()
    for number in range(10):
        Difference.objects.create(
            carrier=carrier, iccid=f"89{number:017}", kind=Differs.DRIFT, said="in stock, and the carrier says enabled"
        )
    said = words_of(page_of(office, "/back-office/"))
    assert "Differences between carriers and us: 10" in said
    assert "Nothing. No order" not in said


def test_rows_and_columns_of_every_desk_have_names(office: Client, acme: Account) -> None:
    desks = {model: desk for model, desk in admin.site._registry.items() if isinstance(desk, Desk)}
    assert len(desks) > 25
    for model, desk in desks.items():
        assert model.__str__ is not Model.__str__, model
        for field in model._meta.fields:
            shown = str(field.verbose_name)
            assert not re.search(r"^(is|has) |_|[a-z][0-9]|\b(uuid|sms|id|iccid)\b", shown), (desk, shown)
            assert all("_" not in str(label) for _, label in field.flatchoices), (desk, field)
    order = Order.objects.create(
        account=acme, quantity=20, contact="Jane", email="j@acme.example", address="Street 1", by="jane"
    )
    said = page_of(office, f"/back-office/lines/order/{order.pk}/change/")
    assert "object (" not in said
    assert f"Order {order.pk}" in said


def test_names_of_the_code_become_words() -> None:
    assert [label_of(name) for name in ("is auto", "last4", "uuid", "sms sent", "IMEI")] == [
        "Auto", "Last 4", "UUID", "SMS sent", "IMEI",
    ]  # fmt: skip
    assert dict(labels(EntryKind))[EntryKind.TOP_UP.value] == "Top up"
    assert dict(labels(EntryKind))[EntryKind.SMS.value] == "SMS"
    assert dict(labels(RefillState))[RefillState.NEEDS_CARD.value] == "Needs card"
    assert Line.__str__ is not Model.__str__


def test_a_carrier_whose_adapter_was_taken_away_is_shown_all_the_same(
    office: Client, acme: Account, make_line: MakeLine
) -> None:
    """Its package may come back; until then nothing can be asked of it, and no page fails for that."""
    line = make_line(acme)
    Carrier.objects.filter(pk=line.carrier_id).update(kind="gone")
    for path in ("/back-office/lines/carrier/", f"/back-office/lines/carrier/{line.carrier_id}/change/"):
        page_of(office, path)
    for path in ("/lines/", f"/lines/{line.iccid}/"):
        page_of(client_of(acme), path)
