"""Every page there is, in a real Chromium: on a desk in the light and on a phone in the dark nothing scrolls sideways
and axe finds nothing serious. Routes are those of the tenant matrix, which fails for a route that it does not know."""

from __future__ import annotations

from decimal import Decimal

import pytest
from allauth.mfa.models import Authenticator
from console.desks import DESKS
from django.urls import reverse
from kit import clock
from playwright.sync_api import Page

from accounts.commands.desk import let_into_back_office
from accounts.models import Brand, User
from accounts.policy import OPERATOR
from lines.commands.resale import Credit, charge_by
from lines.models import Line, PriceList, RatePlan, ResaleDay
from tests.console.axe_checks import serious_findings, wrong_in_any_look
from tests.console.console_people import Visit
from tests.tenants.tenant_people import World
from tests.tenants.tenant_table import PUBLIC, ROWS
from tests.tenants.tenant_world import build

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OFFICE = "anna@office.example"
SUBS = ("home", "lines", "line", "sms", "profile")
# What is no page, or leads to one that is met anyway.
NO_PAGES = {
    "openapi", "api_changes", "api", "office_api",
    "brand_style", "brand_logo", "mfa_download_recovery_codes", "invoice", "statement",
    "invoice_xml", "credit_note", "credit_note_xml", "month_statement",
    "search", "account_file", "usage-csv", "usage-export-file", "job-tray",
    "lines-csv", "lines-xlsx", "line-connections-csv", "line-readings-csv", "job-csv", "rule_activity_csv", "audit_csv",
    "google_login", "google_callback", "google_login_by_token", "mfa_login_webauthn", "come_in", "card_given",
    "mfa_authenticate", "account_logout", "account_set_password", "account_inactive", "mfa_remove_webauthn",
    "mfa_edit_webauthn", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "socialaccount_signup", "socialaccount_login_error",
    "own_wallet", "own_statement",  # of a sub-account that pays from its own balance: asked below
    "manifest", "worker",
    "invitation", "office_pass", "former_invitation", "former_office_pass", "open_link",
}  # fmt: skip
PAGES = sorted(name for name, row in ROWS.items() if row.get is not None and name not in NO_PAGES)
PARTS = 4  # so that several workers share them


@pytest.fixture
def world() -> World:
    """Accounts with an object of each kind, in our own branding."""
    world = build()
    Brand.objects.all().delete()
    return world


def address(name: str, world: World) -> str:
    objects = world.acme.objects | {"nothing": "nothing", "endpoint": "accounts", "problem": "our-error"}
    return reverse(name, kwargs={value: objects[kind] for value, kind in ROWS[name].names.items()})


def wrong_with(page: Page, paths: list[str]) -> str:
    """What is wrong with these pages, a line each; the frame around all of them is judged once."""
    wrong = []
    for path in paths:
        answer = page.goto(path)
        if answer is None or not answer.ok:
            wrong.append(f"{path} answers {answer and answer.status}")
            continue
        within = "html" if path == paths[0] else "main"
        wrong += [f"{path} {finding}" for finding in wrong_in_any_look(page, within=within)]
    return "\n".join(wrong)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_of_an_owner_fits_and_is_accessible(world: World, visit: Visit, part: int) -> None:
    names = [name for name in PAGES if ROWS[name].right != PUBLIC]
    owner = world.people["owner"]
    owner.set_password("orbit-lantern-42")
    owner.save()
    assert wrong_with(visit(login=owner.email), [address(name, world) for name in names[part::PARTS]]) == ""


def test_every_page_at_the_door_fits_and_is_accessible(world: World, visit: Visit) -> None:
    names = [name for name in PAGES if ROWS[name].right == PUBLIC]
    assert wrong_with(visit(), [address(name, world) for name in names]) == ""


def test_every_page_of_a_sub_account_fits_and_is_accessible(world: World, visit: Visit) -> None:
    line = world.harbour.objects["line"]
    paths = [reverse(name, args=[line] if name.startswith("line-") or name == "line" else []) for name in SUBS]
    assert wrong_with(visit(login=world.people["sub-account"].email), paths) == ""


def test_a_sub_accounts_own_balance_fits_and_is_accessible(world: World, visit: Visit) -> None:
    acme, harbour = world.acme.account, world.harbour.account
    today = clock.today()
    first = Credit(Decimal(30), "In advance", "first")
    charge_by(
        subaccount=harbour, price_list=PriceList.objects.get(account=acme), since=today, credit_limit=None,
        credit=first, by=OPERATOR,
    )  # fmt: skip
    plan = RatePlan.objects.get(pk=Line.objects.get(pk=world.harbour.objects["line_id"]).plan_id)
    ResaleDay.objects.create(account=harbour, payer=acme, day=today, plan=plan, used=5_000_000, data=Decimal("0.078"))
    page = visit(login=world.people["sub-account"].email)
    assert wrong_with(page, [reverse("own_wallet")]) == ""
    assert page.get_by_role("heading", name="Balance").is_visible()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_desk_of_the_back_office_is_accessible_in_both_themes(world: World, visit: Visit, part: int) -> None:
    let_into_back_office(email=OFFICE, password="orbit-lantern-42", by=OPERATOR)
    Authenticator.objects.create(user=User.objects.get(email=OFFICE), type="totp", data={"secret": "x"})
    paths = [reverse(f"admin:{name}") for _, desks in DESKS for name, _, _ in desks]
    line, account = Line.objects.earliest("pk"), world.acme.account
    paths += [
        reverse("admin:index"),
        reverse("admin:lines_line_change", args=[line.pk]),
        reverse("admin:accounts_account_change", args=[account.pk]),
        reverse("admin:billing_wallet_by_hand", args=[account.pk]),
    ]
    page, wrong = visit(login=OFFICE), []
    for number, path in enumerate(paths[part::PARTS]):
        page.goto(path)
        for is_dark in (False, True):  # as unfold itself switches
            page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", is_dark)
            findings = serious_findings(page, within="#main" if number else "html", again=is_dark)
            wrong += [f"{path} {'dark' if is_dark else 'light'} {finding}" for finding in findings]
    assert "\n".join(wrong) == ""
