"""Everything of an account leaves in one file: all of its tables, nobody else's rows, nothing that opens something."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from console import account_data
from console.account_data import EXPORTED, LEFT_OUT, IsSubaccount, columns, export
from console.tasks import write_account_exports
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.commands import exports
from accounts.commands.desk import let_into_back_office
from accounts.models import Account, AccountExport, Event, Membership, User
from accounts.policy import OPERATOR, Role
from accounts.queries import owner_of
from billing.models import Entry
from lines.models import Line
from tests.fleets import MB, Fleet
from tests.proofs import log_in, with_factor
from tests.responses import streamed_content

OURS = ("accounts", "billing", "lines", "automation", "subaccounts")
OPENS = ("secret", "password", "token", "hash", "sessions_key", "salt")
HOLDERS = (Account, User, Line)


def leads_to_an_account(model: type[models.Model], seen: frozenset[type[models.Model]] = frozenset()) -> bool:
    """By its own keys, or by those of what it points to."""
    if model in HOLDERS:
        return True
    if model in seen:
        return False
    targets = [one.related_model for one in model._meta.fields if one.is_relation and one.related_model]
    return any(
        leads_to_an_account(target, seen | {model})
        for target in targets
        if isinstance(target, type) and target._meta.app_label in OURS
    )


def test_every_table_that_leads_to_an_account_leaves_or_says_why_not() -> None:
    leading = {
        model._meta.label for model in apps.get_models() if model._meta.app_label in OURS and leads_to_an_account(model)
    }
    assert leading - set(EXPORTED) - set(LEFT_OUT) == set()
    assert set(EXPORTED) & set(LEFT_OUT) == set()
    assert (set(EXPORTED) | set(LEFT_OUT)) - leading == set()
    assert all(LEFT_OUT.values())


def test_no_column_that_opens_something_leaves() -> None:
    for label in EXPORTED:
        opens = [name for name in columns(label) if any(word in name for word in OPENS)]
        assert opens == [], label
    assert "shared_key" not in {name for label in EXPORTED for name in columns(label)}


def read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name).decode("utf-8-sig") for name in packed.namelist()}


def test_the_file_has_the_accounts_rows_and_nobody_elses(fleet: Fleet, tmp_path: Path) -> None:
    account, other = fleet.account(), fleet.account()
    sub = fleet.account(parent=account, credit="0")
    line = fleet.line(account)
    foreign = fleet.line(other)
    Line.objects.filter(pk=line.pk).update(account=sub, notes="=HYPERLINK(1)")
    for hour, counter in ((8, 0), (9, 5 * MB)):
        fleet.read(line, f"2026-11-20T{hour:02}:00", counter)
        fleet.read(foreign, f"2026-11-20T{hour:02}:00", counter)
    path, rows = export(account, tmp_path, by=OPERATOR)
    assert path.stat().st_mode & 0o077 == 0
    found = read(path)
    assert len(found) == 2 * len(EXPORTED) + 1
    for label, count in rows.items():
        name = label.replace(".", "/").lower()
        told = json.loads(found[f"{name}.json"])
        assert len(told) == count == len(list(csv.reader(io.StringIO(found[f"{name}.csv"])))) - 1, label
    assert (rows["accounts.Account"], rows["lines.Line"], rows["lines.LineDay"]) == (2, 1, 1)
    assert [one["amount"] for one in json.loads(found["billing/entry.json"])] == [
        str(amount) for amount in Entry.objects.filter(account=account).values_list("amount", flat=True)
    ]
    everything = "".join(found.values())
    assert line.iccid in everything
    assert foreign.iccid not in everything
    assert other.uuid.hex not in everything.replace("-", "")
    assert "'=HYPERLINK" in found["lines/line.csv"]  # no formula for a spreadsheet
    people = User.objects.filter(memberships__account=account).values_list("password", flat=True)
    assert not [password for password in people if password and password in everything]
    assert Event.objects.filter(account=account, verb="account.exported").count() == 1


def test_a_sub_accounts_data_leave_with_its_parents(fleet: Fleet, tmp_path: Path) -> None:
    sub = fleet.account(parent=fleet.account(), credit="0")
    with pytest.raises(IsSubaccount):
        export(sub, tmp_path, by=OPERATOR)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_whole_or_not_there(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = fleet.account()
    monkeypatch.setattr(account_data, "csv_lines", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("account_export", account.uuid.hex, "--to", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert not Event.objects.filter(verb="account.exported").exists()


def test_an_owner_asks_a_worker_writes_and_the_owner_alone_downloads(fleet: Fleet) -> None:
    account, other = fleet.account(), fleet.account()
    line = fleet.line(account)
    owner, stranger = (log_in(Client(), owner_of(one)) for one in (account, other))
    assert owner.post("/account-data/export/").status_code == 302
    owner.post("/account-data/export/")  # the same one
    assert "Queued" in owner.get("/account-data/").content.decode()
    assert write_account_exports() > 0
    assert write_account_exports() == 0
    found = AccountExport.objects.get()
    page = owner.get("/account-data/").content.decode()
    assert f"/account-data/{found.uuid}.zip" in page
    answer = owner.get(f"/account-data/{found.uuid}.zip")
    content = streamed_content(answer)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        assert line.iccid in packed.read("lines/line.csv").decode()
    assert stranger.get(f"/account-data/{found.uuid}.zip").status_code == 404
    verbs = Event.objects.filter(account=account, verb__startswith="account.export").values_list("verb", flat=True)
    assert sorted(verbs) == ["account.export_asked", "account.export_downloaded", "account.exported"]


def test_only_its_owner_sees_the_page_and_proves_who_they_are(fleet: Fleet) -> None:
    account = fleet.account()
    user = User.objects.create_user("jane@acme.example", "p" * 20)
    Membership.objects.create(user=user, account=account, role=Role.USER)
    assert log_in(Client(), user).get("/account-data/").status_code == 404
    owner = owner_of(account)
    owner.set_password("a long password of Ann")
    owner.save()
    unproved = log_in(Client(), owner, proved=())
    away = unproved.post("/account-data/export/")["Location"]
    assert "reauthenticate" in away
    assert away.endswith("next=%2Faccount-data%2F")  # the page, not where only a form may go
    assert not AccountExport.objects.exists()


def test_an_export_whose_worker_dies_is_tried_again_and_given_up_in_words(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = fleet.account()
    exports.ask_export(account=account, by=OPERATOR)
    monkeypatch.setattr(account_data, "csv_lines", lambda _: 1 / 0)
    for minute in range(3):
        monkeypatch.setenv("LINEKEEPER_NOW", f"2026-11-20T12:{10 * minute:02}:00+00:00")
        with pytest.raises(ZeroDivisionError):
            write_account_exports()
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-20T12:40:00+00:00")
    assert write_account_exports() == 0
    assert AccountExport.objects.get().failed == exports.TOO_MUCH
    monkeypatch.setenv("LINEKEEPER_NOW", "2026-11-28T12:40:00+00:00")
    write_account_exports()
    assert not AccountExport.objects.exists()


def test_the_back_office_exports_and_downloads(fleet: Fleet) -> None:
    account = fleet.account()
    anna = let_into_back_office(email="anna@office.example", password="orbit-lantern-42", by=OPERATOR)
    desk = log_in(Client(), with_factor(anna), proved=("password", "mfa"))
    path = reverse("admin:accounts_account_export_everything", args=[account.pk])
    assert "queued" in desk.post(path, follow=True).content.decode()
    write_account_exports()
    download = reverse("admin:accounts_accountexport_download", args=[AccountExport.objects.get().pk])
    assert streamed_content(desk.get(download))[:2] == b"PK"
    erase = reverse("admin:accounts_account_erase", args=[account.pk])
    assert "settle it first" in desk.get(erase).content.decode()
    assert desk.post(erase, {"reason": "a letter"}).status_code == 422
