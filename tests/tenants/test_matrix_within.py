"""The tenant matrix, inside requests and beside answers: what a body or a form names of others is what does not exist,
in every file there is, in each mail that leaves, and in each message to a webhook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from api.calling import JSON
from api.routes import ENDPOINTS
from django.core import mail
from django.db import connection, transaction
from kit.endpoints import Endpoint
from pytest_django import DjangoDbBlocker

from accounts.commands import record
from accounts.models import Membership
from accounts.policy import Right
from accounts.tasks import mail_invitations
from automation.commands.feed import publish
from automation.commands.telling import tell_of
from automation.models import Rule, RuleFire, WebhookDelivery
from billing.mail import letter_of
from billing.models import Notice
from tests.tenants.matrix import (
    API_VALUES,
    CALLERS,
    ONCE,
    absent,
    address,
    ask,
    call,
    forbidden,
    objects,
    others_of,
    routes,
    tenant_of,
)
from tests.tenants.tenant_people import Tenant, World
from tests.tenants.tenant_table import Row
from tests.tenants.test_matrix import world  # noqa: F401 - the fixture of the module

pytestmark = pytest.mark.django_db
NO_WORD_OF = ("nobody", "revoked key", "revoked bearer key", "reading bearer key")

# What a member of a body names: a kind of the world's objects.
NAMED = {
    "iccid": "line", "iccids": "line", "only_iccids": "line", "except_iccids": "line", "rate_plan_id": "plan",
    "to_rate_plan_id": "plan", "account_uuid": "account_hex", "ids": "sms", "id": "sms",
}  # fmt: skip
# Members that a sample leaves out and that name something.
MORE: dict[str, dict[str, Any]] = {
    "add_rule": {"only_iccids": [], "except_iccids": [], "account_uuid": "", "rate_plan_id": 0},
    "start_job": {"account_uuid": ""},
}


def bodies(one: Endpoint) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each member that names something, with a body around it that is well otherwise."""
    if one.body is None:
        return
    sample = {name: value for name, value in json.loads(JSON.encode(one.body)).items() if value is not None}
    for name in {**sample, **MORE.get(one.name, {})}:
        if name in NAMED:
            body = dict(sample)
            if one.name == "start_job":
                body = {"action": "assign" if name == "account_uuid" else "activate", "iccids": []}
            yield name, body


def as_named(name: str, value: Any) -> Any:
    return [value] if name.endswith("s") else value


WRITES = [(one, name, body) for one in ENDPOINTS if one.writes for name, body in bodies(one)]


@pytest.fixture(scope="module", autouse=True)
def _keys_are_long(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        make_keys_long()


def make_keys_long() -> None:
    """A page is compared without what was asked in it: a key of one digit would take that digit out of all of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1000000) FROM pg_sequences"
            " WHERE schemaname = 'public' AND coalesce(last_value, 0) < 1000000"
        )


@pytest.mark.parametrize(("one", "name", "body"), WRITES, ids=lambda given: getattr(given, "name", str(given)[:20]))
def test_what_a_body_names_of_others_is_what_does_not_exist(
    world: World,  # noqa: F811
    one: Endpoint,
    name: str,
    body: dict[str, Any],
) -> None:
    wrong = []
    for caller, who in CALLERS.items():
        if caller in NO_WORD_OF:
            continue
        tenant, words = tenant_of(world, who), forbidden(world, who)
        path = _own_path(one, tenant)
        for other in others_of(world, who) if path is not None else ():
            theirs = objects(other).get(NAMED[name])
            if theirs is None or theirs == objects(tenant).get(NAMED[name]):
                continue
            answers = []
            for value in (theirs, absent(theirs)):
                given = body | {name: as_named(name, value)}
                if one.name == "start_job" and name == "account_uuid":
                    given["iccids"] = [objects(tenant)["line"]]
                response, wrote = call(world, caller, tenant.account, one.verbs[0], str(path), given)
                said = _without(response.body, value)
                answers.append((response.status_code, ONCE.sub("", said), sorted(wrote)))
                if met := words.search(said):
                    wrong.append(f"{caller}: {one.path} {name}={value} shows {met[0]!r}")
            if answers[0] != answers[1]:
                wrong.append(f"{caller}: {one.path} {name}: others' is {answers[0]}, none is {answers[1]}")
    assert not wrong, "\n".join(wrong)


def _own_path(one: Endpoint, tenant: Tenant) -> str | None:
    values = {value: objects(tenant).get(API_VALUES.get(value, value)) for value in one.values}
    return None if None in values.values() else one.path.format(**values)


def _without(body: str, value: Any) -> str:
    """What was asked is said again; a picture's numbers are nobody's."""
    plain = re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL)
    asked = str(value).replace("-", "")
    if is_key := len(asked) == 32 and not asked.isdecimal():  # where an ICCID is asked for, as much of it as one has
        asked = asked[:16]
    said = "-?".join(map(re.escape, asked)) + (r"[\w-]*" if is_key else "")
    return re.sub(rf"\d+ (?:s|min|h) ago|(?<![\w-]){said}(?![\w-])", "", plain, flags=re.IGNORECASE)


# The console: (route, what its address names, form or query, the field that names something, its kind).
FORMS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("lines", "GET", {}, "subaccount", "subaccount"),
    ("lines", "GET", {}, "tag", "tag"),
    ("lines", "GET", {}, "list", "list"),
    ("lines-csv", "GET", {}, "subaccount", "subaccount"),
    ("lines-csv", "GET", {}, "list", "list"),
    ("lines-xlsx", "GET", {}, "tag", "tag"),
    ("lines-bulk", "GET", {}, "list", "list"),
    ("lines-bulk", "POST", {"action": "activate"}, "line", "line"),
    ("lines-bulk", "POST", {"action": "assign"}, "account", "subaccount"),
    ("lines-find", "POST", {}, "iccids", "line"),
    ("lines-add", "POST", {"plan": "zqplan"}, "iccid", "line"),
    ("lines-add-many", "POST", {"sure": "1"}, "kept", "file"),
    ("line-sms-settle", "POST", {"do": "again"}, "message", "sms"),
    ("rule_activity", "GET", {}, "rule", "rule"),
    ("rule_activity_csv", "GET", {}, "rule", "rule"),
    ("new_rule", "POST", {"name": "r", "trigger": "imei", "action": "deactivate"}, "holder", "subaccount"),
    ("new_rule", "POST", {"name": "r", "trigger": "imei", "action": "tell"}, "tells", "member"),
    ("new_rule", "POST", {"name": "r", "trigger": "imei", "action": "deactivate"}, "only_iccids", "line"),
    ("subaccount_assign", "POST", {"key": "5" * 32}, "iccids", "line"),
    ("choose_account", "POST", {}, "account", "account_hex"),
    ("sms", "GET", {}, "q", "line"),
    ("search", "GET", {}, "q", "line"),
    ("audit", "GET", {}, "q", "line"),
    ("audit_csv", "GET", {}, "q", "line"),
]


@pytest.mark.parametrize(("name", "method", "form", "field", "kind"), FORMS, ids=lambda given: str(given)[:24])
def test_what_a_form_names_of_others_is_what_does_not_exist(
    world: World,  # noqa: F811
    name: str,
    method: str,
    form: dict[str, Any],
    field: str,
    kind: str,
) -> None:
    pattern, _ = routes()[name]
    wrong = []
    for who in ("owner", "user", "viewer", "sub-account", "sub-account's owner", "stranger"):
        tenant, words = tenant_of(world, who), forbidden(world, who)
        here = {"iccid": objects(tenant)["line"], "key": objects(tenant).get("subaccount", "0" * 32)}
        path = address(pattern, here)
        for other in others_of(world, who):
            theirs = objects(other).get(kind)
            if theirs is None or theirs == objects(tenant).get(kind):
                continue
            answers = []
            for value in (theirs, absent(theirs)):
                given = form | {field: value}
                row = Row(Right.SEE_LINES, get=given, post=given)
                response, wrote = ask(world, who, method, path, row)
                said = _without(response.body, value)
                where = _without(response.get("Location", ""), value)
                answers.append((response.status_code, ONCE.sub("", where), _plain(said), sorted(wrote)))
                if met := words.search(said):
                    wrong.append(f"{who}: {path} {field} shows {met[0]!r}")
            if answers[0] != answers[1]:
                wrong.append(f"{who}: {path} {field}: {_difference(*answers)}")
    assert not wrong, "\n".join(wrong)


def _plain(body: str) -> str:
    return re.sub(r"\d{4,}[\d ]*|\d\d:\d\d(:\d\d)?", "", ONCE.sub("", body))


def _difference(theirs: tuple[Any, ...], none: tuple[Any, ...]) -> str:
    for a, b in zip(theirs, none, strict=True):
        if a != b:
            lines = [pair for pair in zip(str(a).splitlines(), str(b).splitlines(), strict=False) if pair[0] != pair[1]]
            return f"others' is {(lines or [(a, b)])[0][0]!r:.300}, none is {(lines or [(a, b)])[0][1]!r:.300}"
    return ""


FILES = {"lines-csv": "csv", "lines-xlsx": "spreadsheetml", "audit_csv": "csv", "rule_activity_csv": "csv",
         "line-connections-csv": "csv", "line-readings-csv": "csv", "job-csv": "csv", "invoice": "pdf",
         "invoice_xml": "xml", "credit_note": "pdf", "credit_note_xml": "xml",
         "month_statement": "pdf"}  # fmt: skip


IN_ADDRESS = {"iccid": "line", "key": "job", "number": "invoice", "month": "closed_month"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_holds_what_is_its_readers_and_nothing_more(world: World, name: str) -> None:  # noqa: F811
    """With one's own word in it, so that it was read at all."""
    for who in ("owner", "sub-account", "stranger"):
        tenant, pattern = tenant_of(world, who), routes()[name][0]
        named = [one for pair in re.findall(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>", pattern) for one in pair if one]
        values = {one: objects(tenant).get(IN_ADDRESS.get(one, one)) for one in named}
        if None in values.values():
            continue
        response, _ = ask(world, who, "GET", address(pattern, values), Row(Right.SEE_LINES, get={}))
        if response.status_code == 404:
            continue
        assert FILES[name] in response["Content-Type"]
        assert not (met := forbidden(world, who).search(response.body)), f"{who}: {name} shows {met[0]}"
        if name not in ("line-readings-csv",):
            assert tenant.word in response.body or tenant.digits in response.body, f"{who}: {name} shows nothing"


def decoded(part: Any) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode("utf-8", "replace")


def test_each_mail_says_nothing_that_is_not_for_who_gets_it(world: World) -> None:  # noqa: F811
    """Invitations, offers, notices with their invoices, and what rules tell, each searched whole for others' words."""
    with transaction.atomic():
        for tenant in (world.acme, world.xeno):
            rule = Rule.objects.get(uuid=tenant.objects["rule"])
            rule.tells.add(Membership.objects.get(account=tenant.account, role="owner"))
            RuleFire.objects.filter(rule=rule).update(mail_due=True)
            assert tell_of(rule_id=rule.pk)
        mail.outbox.clear()
        mail_invitations()
        letters = [letter.message() for letter in mail.outbox]
        letters += [letter_of(notice).message() for notice in Notice.objects.all()]
        transaction.set_rollback(True)
    tenants = (world.acme, world.harbour, world.sister, world.xeno)
    assert len(letters) >= 6
    for letter in letters:
        text = "\n".join(decoded(part) for part in letter.walk() if part.get_content_maintype() == "text")
        of = next(tenant for tenant in tenants if f"@{tenant.word}." in str(letter["To"]))
        who = {world.xeno.word: "stranger", world.harbour.word: "sub-account"}.get(of.word, "owner")
        if of is world.sister:
            continue  # its people are asked by acme: nothing of others is in it
        found = forbidden(world, who).search(re.sub(r"https?://\S+", "", text))
        assert not found, f"a mail to {letter['To']} ({letter['Subject']}) shows {found and found[0]}"


def test_each_webhook_hears_of_its_own_account_alone(world: World) -> None:  # noqa: F811
    """Every event of every tenant, told to all webhooks that there are."""
    with transaction.atomic():
        WebhookDelivery.objects.all().delete()
        for tenant in (world.acme, world.harbour, world.sister, world.xeno):
            for verb in ("line.activated", "line.deactivated"):
                subject, detail = f"line:{tenant.objects['line']}", {"note": tenant.word}
                record(by=tenant.actor, verb=verb, account_id=tenant.account.pk, subject=subject, detail=detail)
        publish(after=0)
        told = list(
            WebhookDelivery.objects.select_related("endpoint__account").values_list("endpoint__account", "body")
        )
        transaction.set_rollback(True)
    assert {account for account, _ in told} == {world.acme.account.pk, world.xeno.account.pk}
    for account, body in told:
        who = "owner" if account == world.acme.account.pk else "stranger"
        found = forbidden(world, who).search(body)
        assert not found, f"the webhook of {account} hears {found and found[0]} in {body}"


def test_each_error_of_the_api_says_nothing_of_others(world: World) -> None:  # noqa: F811
    """A name, a value and a body that are wrong, at every call, with others' words all around."""
    theirs = objects(world.xeno)
    words = forbidden(world, "owner")
    for one in ENDPOINTS:
        path = one.path.format(**{value: objects(world.acme).get(API_VALUES.get(value, value)) for value in one.values})
        for body in ({"zq": 1}, {"account_uuid": theirs["account_hex"]}, {"iccids": [theirs["line"], 7]}):
            if one.writes:
                response, wrote = call(world, "owner's key", world.acme.account, one.verbs[0], path, body)
                assert response.status_code in (200, 404, 409, 422), (one.name, body, response.body)
                assert not words.search(response.body.replace(theirs["line"], "")), response.body
                assert response.status_code == 200 or not wrote, (one.name, wrote)
