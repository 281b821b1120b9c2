"""Tenants whose every row carries a word of their own, so that it is noticed wherever it does not belong."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from django.db import connection
from kit import clock, crypto

from accounts import keys
from accounts.commands import open_account, open_subaccount, record
from accounts.commands.invitations import invite
from accounts.models import (
    Account,
    AccountExport,
    AccountExportPart,
    ApiCredential,
    ApiKey,
    Brand,
    BrandLogo,
    Membership,
    User,
)
from accounts.policy import OPERATOR, Role, Scope
from accounts.queries import credential_of
from automation.commands.feed import envelope
from automation.models import FeedEvent, FollowUp, Rule, RuleFire, WebhookDelivery, WebhookEndpoint
from automation.policy import Act, Outcome, Trigger
from automation.policy import Action as RuleAction
from billing.commands import adjust, post
from billing.commands.notifying import show_due
from billing.models import BillingDetails, Customer, Invoice, Notice, Payment, Statement, StatementPart, UsageDay
from billing.policy import EntryKind, PaymentState
from lines.carriers.base import Switch
from lines.commands.caps import Draft, add_cap
from lines.commands.claims import keep_claim_codes, note_guesses, prove, reserve
from lines.commands.fields import add_field, set_fields
from lines.commands.resale import Plus, add_price_list
from lines.commands.stock import add_carrier, add_rate_plan, import_lines
from lines.commands.usage_exports import ask_usage_export, keep_stretch
from lines.models import (
    Coverage,
    HolderCut,
    IccidList,
    ImportedDay,
    Job,
    JobItem,
    Line,
    LineDay,
    LineFile,
    LineState,
    LineTag,
    Move,
    MoveLine,
    NameSharing,
    NotesLeft,
    Order,
    Price,
    PriceList,
    RatePlan,
    ResaleDay,
    ResaleSeen,
    ResaleTerms,
    Sighting,
    SmsMessage,
    Tag,
)
from lines.policy import Action, ExportKind, JobState, SmsState, Wanted, Why
from lines.policy.caps import CapAction, CapKind, CapPeriod, CapUnit
from lines.policy.fields import FieldKind
from lines.queries.sought import Sought
from tests.fleets import holders_of, sum_day_rows
from tests.tenants.tenant_people import Browser, Tenant, World

OUR_NAME = "linekeeper"
PLAN = "zqplan"  # prices and carriers are the payer's to know
CARRIER = "zqcarrier"
BALANCE = ("7,531.97", "7531.97")
PER_MB = "0.013579"
SELLER = {"name": "Seller", "address": "Street", "tax_id": "", "mail": "", "prefix": "INV-"}


def build() -> World:
    carrier = add_carrier(
        name=CARRIER, kind="simbase", url="http://127.0.0.1:9", secrets={"api_key": "k" * 16}, by=OPERATOR
    )
    with connection.cursor() as cursor:  # numbers that stand nowhere else on a page
        cursor.execute("SELECT setval(pg_get_serial_sequence('lines_rateplan', 'id'), 8100000)")
    plan = add_rate_plan(
        name=PLAN, carrier=carrier, per_mb=Decimal(PER_MB), per_sms=Decimal("0.05"), per_day=Decimal(0), by=OPERATOR
    )
    acme, xeno = _main("zqacme", "89881111", plan), _main("zqxeno", "89884444", plan)
    harbour, sister = _sub(acme, "zqharbour", "89882222", plan), _sub(acme, "zqsister", "89883333", plan)
    theirs = _sub(xeno, "zqxeno", "89884444", plan, serial=50)
    for main, sub in ((acme, sister), (xeno, theirs)):
        main.objects |= {
            "subaccount": sub.account.uuid.hex,
            "sub_member": sub.objects["member"],
            "sub_invitation": sub.objects["invitation"],
        }
        _sold(main, sub, plan)
    _what_harbour_must_not_see(harbour, sister, acme)
    world = World(acme, harbour, sister, xeno)
    _people(world)
    _callers(world)
    return world


def _main(word: str, digits: str, plan: RatePlan) -> Tenant:
    account = open_account(name=f"{word} Ltd", owner_email=f"owner@{word}.example", professional=True, by=OPERATOR)
    adjust(account=account, amount=Decimal("7531.97"), reason=f"{word} starts", by=OPERATOR)
    tenant = Tenant(account, word, digits)
    _plan(tenant, plan)
    _brand(tenant, f"{word}.example")
    _lines(tenant, plan)
    _money(tenant)
    _work(tenant)
    made = add_price_list(account=account, name=f"{word} prices", plus=Plus(Decimal(20)), by=OPERATOR)
    tenant.objects["price_list"] = made.uuid.hex
    cap = Draft(
        CapKind.TAG,
        CapUnit.MB,
        CapPeriod.MONTH,
        Decimal(4_321_987),
        CapAction.NOTIFY,
        tag=Tag.objects.get(pk=tenant.objects["tag"]),
    )
    tenant.objects["cap"] = add_cap(account=account, draft=cap, by=OPERATOR).uuid.hex
    field = add_field(account=account, name=f"{word} field", kind=FieldKind.TEXT, by=OPERATOR)
    tenant.objects["field"] = field.uuid.hex
    line = Line.objects.filter(payer=account).order_by("pk")[0]
    set_fields(line_ids=[line.pk], account=account, values={field.pk: f"{word} value"}, by=OPERATOR)
    export = ask_usage_export(
        account=account, kind=ExportKind.DAYS, format="csv", start=clock.today(), end=clock.today(), sought=Sought(),
        said=f"{word} lines", sees_money=False, by=OPERATOR,
    )  # fmt: skip
    whole = [(f"{word} usage".encode(), 1)]
    keep_stretch(export_id=export.pk, day=export.start, following=export.end + dt.timedelta(days=1), pieces=whole)
    tenant.objects["usage_export"] = export.uuid.hex
    return tenant


def _plan(tenant: Tenant, public: RatePlan) -> None:
    """One that is for this account alone, with a network of its own; no line is on it."""
    own = add_rate_plan(
        name=f"{tenant.word} own plan", carrier=public.carrier, per_mb=Decimal("0.024681"), per_sms=Decimal(0),
        per_day=Decimal(0), accounts=[tenant.account], by=OPERATOR,
    )  # fmt: skip
    Coverage.objects.create(plan=own, country="Germany", code="DE", network=f"{tenant.word} own network")
    tenant.objects["plan"] = own.pk
    iccid = f"{tenant.digits}{900:011}"
    import_lines(
        rows=[(1, iccid)], carrier=own.carrier, plan=own, account=None, active=False, unchecked=True, by=OPERATOR
    )
    reserve(iccids=[iccid], account=tenant.account, batch=f"{tenant.word} batch", by=OPERATOR)
    keep_claim_codes(rows=[(iccid, "ABCD1234")], by=OPERATOR)
    note_guesses(account=tenant.account, address="", digests=[tenant.word])


def _sold(main: Tenant, sub: Tenant, plan: RatePlan) -> None:
    """What an account takes from its sub-account, by a list of its own."""
    both = {"account": sub.account, "payer": main.account}
    today, cost = clock.today(), Decimal("0.065")
    ResaleTerms.objects.create(**both, price_list=PriceList.objects.get(account=main.account), since=today)
    ResaleDay.objects.create(**both, day=today, plan=plan, used=5_000_000, data=Decimal("0.078"), cost=cost)
    ResaleSeen.objects.create(payer=main.account, day=today, digest=main.word, used=5_000_000, cost=cost, messages=0)
    line, price = Line.objects.get(pk=sub.objects["line_id"]), plan.prices.get()
    HolderCut.objects.create(**both, line=line, day=today, price=price, used=1, at=clock.now())


def _sub(parent: Tenant, word: str, digits: str, plan: RatePlan, *, serial: int = 0) -> Tenant:
    tenant = Tenant(open_subaccount(parent=parent.account, name=f"{word} sub", by=parent.actor), word, digits)
    _lines(tenant, plan, serial=serial)
    guest = User.objects.create_user(f"guest{serial}@{word}.example")
    member = Membership.objects.create(user=guest, account=tenant.account, role=Role.USER)
    asked = invite(
        account=tenant.account,
        email=f"asked{serial}@{word}.example",
        role=Role.USER,
        address="http://h",
        by=parent.actor,
    )
    tenant.objects |= {"member": member.pk, "invitation": asked.pk}
    return tenant


def _brand(tenant: Tenant, domain: str) -> None:
    """What sub-accounts see of their provider: its name and support are theirs to know, and no canary."""
    brand = Brand.objects.create(
        account=tenant.account, name="Nordlicht", accent="#8a2be2", support_mail="help@nordlicht.example",
        domain=domain, logo_digest="c" * 64,
    )  # fmt: skip
    BrandLogo.objects.create(brand=brand, image=b"png")
    tenant.objects["brand"] = brand.key


def _lines(tenant: Tenant, plan: RatePlan, *, serial: int = 0) -> None:
    """One line that runs, one that a rule holds, one that a person switched off."""
    offs = [(Wanted.ACTIVE, "", ""), (Wanted.DEACTIVATED, Why.RULE, f"{tenant.word} rule")]
    offs += [(Wanted.DEACTIVATED, Why.PERSON, f"owner@{tenant.word}.example")]
    for number, (wanted, why, who) in enumerate(offs, 1 + serial):
        line = Line.objects.create(
            iccid=f"{tenant.digits}{number:011}",
            carrier=plan.carrier,
            plan=plan,
            account=tenant.account,
            payer_id=tenant.account.payer_id,
            notes=f"{tenant.word} note {number}",
            imei=f"{tenant.digits}{number:07}",
            msisdn=f"{tenant.digits}{number:04}",
        )
        _used(line, plan.prices.get(), wanted, why, who)
        if number == 1 + serial:
            tenant.objects |= {"line": line.iccid, "line_id": line.pk}
            tenant.objects["sms"] = _message(line, f"{tenant.word} from the device").pk
            _seen(line, f"{tenant.word} network", tenant.account)


def _used(line: Line, price: Price, wanted: Wanted, why: str, who: str) -> None:
    today, now = clock.today(), clock.now()
    LineState.objects.create(
        line=line, cycle=today.replace(day=1), counter=5_000_000, day=today, day_bytes=5_000_000, read_at=now,
        last_seen=now, wanted=wanted, why=why, why_who=who, reported=Switch.ON, reported_word="enabled",
        reported_at=now, confirmed_at=now,
    )  # fmt: skip
    LineDay.objects.create(
        line=line, day=today, price=price, **holders_of(line),
        cycle=today.replace(day=1), used=5_000_000, cost=Decimal("0.065000"),
    )  # fmt: skip


def _seen(line: Line, network: str, account: Account) -> None:
    Sighting.objects.create(
        line=line, **(holders_of(line) | {"account_id": account.pk}), cycle=clock.today().replace(day=1),
        network=network,
        started_at=clock.now() - dt.timedelta(hours=3), ended_at=clock.now(), is_session=True, country="DE", used=1_000,
    )  # fmt: skip


def _message(line: Line, text: str, *, account: Account | None = None) -> SmsMessage:
    return SmsMessage.objects.create(
        line=line, carrier=line.carrier, **(holders_of(line) | ({"account_id": account.pk} if account else {})),
        to_device=False, text=text, state=SmsState.RECEIVED, is_open=False,
    )  # fmt: skip


def _money(tenant: Tenant) -> None:
    account, word, now = tenant.account, tenant.word, clock.now()
    UsageDay.objects.create(account=account, day=clock.today(), usage=Decimal("0.195"))
    Customer.objects.create(
        account=account, stripe_id=f"cus_{word}", card_id=f"pm_{word}", brand="visa", last4="4242", exp_month=1,
        exp_year=2031, name=f"{word} cardholder", card_since=now,
    )  # fmt: skip
    paid = Payment.objects.create(
        account=account, amount=Decimal("50"), state=PaymentState.SUCCEEDED, card_id=f"pm_{word}", brand="visa",
        last4="4242", stripe_id=f"pi_{word}", by=tenant.actor.name, ended_at=now,
    )  # fmt: skip
    pending = Payment.objects.create(
        account=account, amount=Decimal("60"), state=PaymentState.PENDING, card_id=f"pm_{word}", brand="visa",
        last4="4242", by=tenant.actor.name,
    )  # fmt: skip
    number = 700_000 + Invoice.objects.count()
    address = {"line1": f"{word} street", "city": word, "country": "NL"}
    buyer = {"name": f"{word} buyer", "address": address}
    terms = {"category": "S", "percent": "21", "country": "NL", "note": ""}
    invoice = Invoice.objects.create(
        number=number, payment=paid, account=account, amount=Decimal("50"), tax=Decimal("10.5"), terms=terms,
        seller=SELLER | {"country": "NL"}, buyer=buyer,
    )  # fmt: skip
    Invoice.objects.create(
        kind=Invoice.CREDIT_NOTE, number=number, corrects=invoice, account=account, amount=Decimal("20"), terms=terms,
        seller=SELLER | {"country": "NL"}, buyer=buyer, note=f"{word} refund",
    )  # fmt: skip
    BillingDetails.objects.create(account=account, name=f"{word} buyer", **address)
    last_year = clock.today() - dt.timedelta(days=365)
    post(account_id=account.pk, key=f"last-year:{word}", kind=EntryKind.ADJUSTMENT, amount=Decimal(1), day=last_year)
    post(account_id=account.pk, key=f"back:{word}", kind=EntryKind.ADJUSTMENT, amount=Decimal(-1), day=last_year)
    Notice.objects.create(account=account, key=f"notice:{word}", subject=f"{word} subject", text=f"{word} text")
    show_due()  # as each of its people finds it
    statement = Statement.objects.create(
        account=account, month=clock.today().replace(day=1), format="csv", by=tenant.actor.name, done_at=now
    )
    StatementPart.objects.create(statement=statement, number=0, content=word.encode())
    export = AccountExport.objects.create(account=account, by=tenant.actor.name, done_at=now, size=len(word))
    AccountExportPart.objects.create(export=export, number=0, content=word.encode())
    tenant.objects |= {
        "payment": paid.uuid.hex,
        "open_payment": pending.uuid.hex,
        "invoice": number,
        "credit_note": number,
        "closed_month": f"{last_year:%Y-%m}",
        "statement": statement.uuid.hex,
        "account_export": export.uuid,
    }


def _came_from_elsewhere(line: Line, account: Account, word: str) -> None:
    """A move that was confirmed long ago, with a day of before."""
    now = clock.now()
    move = Move.objects.create(
        account=account, carrier=line.carrier, began_by=f"{word} mover", confirmed_at=now, confirmed_by=f"{word} owner"
    )
    MoveLine.objects.create(
        move=move, iccid=line.iccid, notes=f"{word} moved", holder=account, plan=line.plan, line=line,
        day=dt.date(2020, 1, 2), taken_at=now,
    )  # fmt: skip
    ImportedDay.objects.create(line=line, day=dt.date(2020, 1, 1), payer=account, account=account, used=1)


def _work(tenant: Tenant) -> None:
    account, word, by = tenant.account, tenant.word, tenant.actor
    tag = Tag.objects.create(account=account, name=f"{word} tag")
    for line in Line.objects.filter(account=account):
        LineTag.objects.create(tag=tag, line=line)
    job = Job.objects.create(
        account=account, action=Action.ACTIVATE, by_kind=by.kind, by_name=by.name, selection=f"{word} lines",
        state=JobState.DONE, total=1, done=1, ended_at=clock.now(),
    )  # fmt: skip
    JobItem.objects.create(job=job, line_id=tenant.objects["line_id"], note=f"{word} item")
    order = Order.objects.create(
        account=account, quantity=20, contact=f"{word} contact", email=f"o@{word}.example", address=f"{word} street",
        by=by.name,
    )  # fmt: skip
    NotesLeft.objects.create(line_id=tenant.objects["line_id"], account=account, notes=f"{word} notes left")
    NameSharing.objects.create(account=account, by=by.name)
    _came_from_elsewhere(Line.objects.get(pk=tenant.objects["line_id"]), account, word)
    told = envelope(
        kind="line.assigned", ident=uuid.uuid4(), at=clock.now(), account=account.uuid, data={"holder": f"{word} told"}
    )
    FeedEvent.objects.create(account=account, topic="lines", type="line.assigned", at=clock.now(), body=told)
    prove(line_ids=[tenant.objects["line_id"]], payer_id=account.pk, by=OPERATOR)
    key, _ = keys.make_key(account=account, name=f"{word} key", scopes=[Scope.READ_LINES], days=30, by=by)
    asked = invite(account=account, email=f"asked@{word}.example", role=Role.USER, address="http://h", by=by)
    iccids = [tenant.objects["line"]]
    pasted = IccidList.objects.create(account=account, digest=word.encode().ljust(32), iccids=iccids, total=1)
    file = LineFile.objects.create(account=account, content=f"iccid\n{iccids[0]}\n".encode())
    tenant.objects |= {
        "list": pasted.uuid.hex,
        "file": file.uuid.hex,
        "tag": tag.pk,
        "job": job.uuid.hex,
        "order": order.uuid,
        "order_hex": order.uuid.hex,
        "api_key": key.pk,
    }
    tenant.objects |= {"invitation": asked.pk}
    _rule(tenant)
    _webhook(tenant)


def _rule(tenant: Tenant) -> None:
    account, word, line = tenant.account, tenant.word, tenant.objects["line_id"]
    rule = Rule.objects.create(account=account, name=f"{word} rule", trigger=Trigger.IMEI, action=RuleAction.DEACTIVATE)
    fire = RuleFire.objects.create(
        rule=rule,
        account=account,
        line_id=line,
        period="imei:1",
        because=f"{word} because",
        outcome=Outcome.DEACTIVATED,
    )
    follow = FollowUp.objects.create(
        fire=fire, line_id=line, act=Act.ACTIVATE, due_at=clock.now() + dt.timedelta(days=9)
    )
    tenant.objects |= {"rule": rule.uuid.hex, "follow_up": follow.pk}


def _webhook(tenant: Tenant) -> None:
    word = tenant.word
    webhook = WebhookEndpoint.objects.create(
        account=tenant.account, url=f"https://{word}.example/hook", topics=["lines"], secret=crypto.encrypt(word)
    )
    sent = WebhookDelivery.objects.create(endpoint=webhook, topic="lines", body=f'{{"note": "{word}"}}')
    tenant.objects |= {"webhook": webhook.uuid.hex, "message": sent.uuid.hex, "delivery": sent.pk}


def _what_harbour_must_not_see(harbour: Tenant, sister: Tenant, acme: Tenant) -> None:
    """Its line had another holder, wears its payer's tag, and was acted on by its payer's people."""
    line = Line.objects.get(pk=harbour.objects["line_id"])
    _message(line, f"{sister.word} words of a former holder", account=sister.account)
    SmsMessage.objects.create(
        line=line, carrier=line.carrier, account=harbour.account, payer=acme.account, to_device=True, text="on?",
        state=SmsState.REFUSED, is_open=False, last_error=f"{CARRIER} refused POST /simcards: 422", word=CARRIER,
        by=acme.actor.name,
    )  # fmt: skip
    NotesLeft.objects.create(line=line, account=sister.account, notes=f"{sister.word} door code")
    running = LineState.objects.filter(line__account=harbour.account, wanted=Wanted.ACTIVE)
    running.update(reported=None, reported_word=f"{CARRIER} ceased")
    LineTag.objects.create(tag_id=acme.objects["tag"], line=line)
    _seen(line, f"{sister.word} network", sister.account)
    detail = {"before": sister.account.name, "after": harbour.account.name}
    subject = f"line:{line.iccid}"
    record(by=acme.actor, verb="line.assigned", account_id=acme.account.pk, subject=subject, detail=detail)
    LineState.objects.filter(line__account=harbour.account, why=Why.PERSON).update(why_who=acme.actor.name)
    LineState.objects.filter(line__account=harbour.account, why=Why.RULE).update(why_who=f"{acme.word} rule")
    old = clock.today() - dt.timedelta(days=1)
    LineDay.objects.create(
        line=line, day=old, payer=acme.account, price=line.plan.prices.get(), account=sister.account,
        cycle=old.replace(day=1), used=87_654_321, cost=Decimal("1"),
    )  # fmt: skip
    sum_day_rows()


def _people(world: World) -> None:
    acme, people = world.acme, world.people
    people["owner"] = User.objects.get(email=f"owner@{acme.word}.example")
    for role in (Role.USER, Role.OPERATOR, Role.VIEWER):
        people[role.value] = acme.person(role)
    people["sub-account"] = world.harbour.person(Role.USER, "login")
    people["sub-account's owner"] = world.harbour.person(Role.OWNER, "head")
    people["stranger"] = User.objects.get(email=f"owner@{world.xeno.word}.example")
    people["deactivated"] = User.objects.create_user("former@person.example")
    Membership.objects.create(user=people["deactivated"], account=acme.account, role=Role.USER, is_active=False)
    people["back office"] = User.objects.create_superuser("boss@office.example")
    acme.objects["member"] = Membership.objects.get(user=people["user"]).pk
    world.xeno.objects["member"] = Membership.objects.get(user=world.xeno.person(Role.VIEWER)).pk
    world.browsers = {"anonymous": Browser()} | {name: Browser(user) for name, user in people.items()}


def _callers(world: World) -> None:
    for name, tenant in (
        ("owner's key", world.acme),
        ("sub-account's key", world.harbour),
        ("stranger's key", world.xeno),
    ):
        found = credential_of(tenant.account)
        world.callers[name] = {"uuid": found.user_uuid, "key": found.shared_key}
    revoked = ApiCredential.objects.create(
        account=world.acme.account, user_uuid=uuid.uuid4().hex, shared_key=crypto.encrypt("5" * 32),
        revoked_at=clock.now() - dt.timedelta(days=30),
    )  # fmt: skip
    world.callers["revoked key"] = {"uuid": revoked.user_uuid, "key": "5" * 32}
    _, reading = keys.make_key(
        account=world.acme.account, name="reads", scopes=[Scope.READ_LINES], days=30, by=world.acme.actor
    )
    row, ended = keys.make_key(
        account=world.acme.account, name="ended", scopes=[Scope.READ_MONEY], days=30, by=world.acme.actor
    )
    ApiKey.objects.filter(pk=row.pk).update(revoked_at=clock.now())
    world.callers["reading bearer key"] = {"bearer": reading}
    world.callers["revoked bearer key"] = {"bearer": ended}
    world.callers["nobody"] = {}
