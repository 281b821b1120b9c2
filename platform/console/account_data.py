"""Everything of an account in one zip file: each table as JSON and as CSV, without what opens something.

Which tables, and by which way their rows belong to an account, stands here; a table that leads to an account and is
neither here nor among those left out fails a test.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from kit import clock
from kit.errors import Refusal
from kit.sheets import csv_lines
from kit.sql import streamed

from accounts.commands import record
from accounts.models import Account
from accounts.policy import Actor

# Table and the way from it to the account that pays; sub-accounts' rows come with their parent's.
EXPORTED = {
    "accounts.Account": "",
    "accounts.User": "memberships__account",
    "accounts.Membership": "account",
    "accounts.Invitation": "account",
    "accounts.OwnershipOffer": "account",
    "accounts.Brand": "account",
    "accounts.Event": "account",
    "accounts.ApiKey": "account",
    "accounts.ApiDay": "account",
    "accounts.Erasure": "account",
    "billing.Wallet": "account",
    "billing.Entry": "account",
    "billing.UsageDay": "account",
    "billing.Adjustment": "account",
    "billing.CreditRequest": "account",
    "billing.Customer": "account",
    "billing.BillingDetails": "account",
    "billing.Payment": "account",
    "billing.Reversal": "payment__account",
    "billing.Refund": "payment__account",
    "billing.Invoice": "account",
    "billing.Notice": "account",
    "billing.Notification": "account",
    "billing.NotificationChoice": "membership__account",
    "billing.AutoRefill": "account",
    "lines.Line": "payer",
    "lines.LineState": "line__payer",
    "lines.LineDevice": "line__payer",
    "lines.LineSetting": "line__payer",
    "lines.LineDay": "payer",
    "lines.LineCycle": "payer",
    "lines.LinePlan": "line__payer",
    "lines.LineHolding": "payer",
    "lines.OnSpan": "payer",
    "lines.HeldMovement": "payer",
    "lines.Rebase": "payer",
    "lines.Sighting": "payer",
    "lines.LineCountry": "payer",
    "lines.ImportedDay": "payer",
    "lines.Move": "account",
    "lines.MoveLine": "move__account",
    "lines.MoveDay": "move__account",
    "lines.SmsMessage": "payer",
    "lines.Job": "account",
    "lines.JobItem": "job__account",
    "lines.NameSharing": "account",
    "lines.NotesLeft": "account",
    "lines.Order": "account",
    "lines.Reservation": "account",
    "lines.Bundle": "payer",
    "lines.Overage": "payer",
    "lines.Cap": "account",
    "lines.PriceList": "account",
    "lines.Sandbox": "account",
    "lines.SandboxSim": "line__payer",
    "lines.ListPrice": "price_list__account",
    "lines.ResaleTerms": "payer",
    "lines.ResaleDay": "payer",
    "lines.HolderCut": "payer",
    "lines.Tag": "account",
    "lines.LineTag": "tag__account",
    "lines.CustomField": "account",
    "lines.FieldValue": "account",
    "automation.Rule": "account",
    "automation.RuleFire": "account",
    "automation.FollowUp": "fire__account",
    "automation.WebhookEndpoint": "account",
    "automation.WebhookDelivery": "endpoint__account",
    "automation.FeedEvent": "account",
}
# Tables that lead to an account and hold nothing that it does not have above.
LEFT_OUT = {
    "accounts.AccountExport": "files like this one",
    "accounts.AccountExportPart": "files like this one",
    "accounts.ApiCredential": "a key",
    "accounts.GoneLinks": "hashes of the audit",
    "accounts.IdempotentAnswer": "answers that were given before, for a day",
    "accounts.OfficeKey": "of the back office's people",
    "accounts.OfficePass": "of the back office's people",
    "accounts.PostedLetter": "mails on their way",
    "accounts.WaitingLetter": "mails on their way",
    "accounts.BrandLogo": "an image, which the account has",
    "billing.BalanceMovement": "the payment provider's books",
    "billing.MoneyDifference": "the payment provider's books",
    "billing.AdjustmentKey": "which of an operator's credits was done",
    "billing.Statement": "made anew from the rows above",
    "billing.StatementPart": "made anew from the rows above",
    "lines.AskedOfDay": "calls that were made, by day",
    "lines.DoneOfDay": "what was done of the limits of a day",
    "lines.BoundaryUse": "the working of a bill, in day rows when it is done",
    "lines.BrandApn": "a password",
    "lines.CarrierCost": "what the carrier takes from the provider",
    "lines.BundleTold": "that somebody was told",
    "lines.CapHold": "what a line waits for",
    "lines.ClaimCode": "the provider's stock",
    "lines.ClaimGuess": "wrong cards, hashed",
    "lines.Difference": "the provider's stock",
    "lines.Drive": "what a carrier is being told",
    "lines.FinalTotal": "the carrier's, charged in day rows",
    "lines.HolderDay": "sums of day rows",
    "lines.IccidList": "pasted lists, for a month",
    "lines.LineChange": "that a line changed, for whoever keeps a copy",
    "lines.LineCount": "sums of day rows",
    "lines.LineFile": "files that were sent in, for a day",
    "lines.LineProof": "how a line was claimed",
    "lines.LineSecret": "PIN and PUK",
    "lines.Opening": "where counters stood, for the proof of bills",
    "lines.OpeningDay": "where counters stood, for the proof of bills",
    "lines.PlanOffer": "the provider's price list",
    "lines.Quarantine": "a carrier's answers",
    "lines.RebaseRequest": "of the back office",
    "lines.ResaleSeen": "sums of day rows",
    "lines.RuleHold": "what a rule waits for",
    "lines.SmsLook": "when a line is looked at",
    "lines.ToldLine": "when a line is read",
    "lines.UsageExport": "files of the days and sessions above, for a week",
    "lines.UsageExportPart": "files of the days and sessions above, for a week",
    "lines.WatchedLine": "when a line is looked at",
    "automation.LineGuard": "what a rule waits for",
    "automation.AwaitedLine": "what a carrier is to confirm",
}
# Columns that open something, or are a proof and no fact.
WITHHELD = frozenset(
    {
        "password",
        "secret",
        "former_secret",
        "shared_key",
        "former_key",
        "digest",
        "apn_password",
        "hash",
        "token_hash",
        "sessions_key",
    }
    | {"salt", "leased_pid", "leased_session", "leased_until", "is_superuser", "is_staff"}
)


class IsSubaccount(Refusal):
    """A sub-account's data leave with its parent's."""


def export(account: Account, folder: Path, *, by: Actor) -> tuple[Path, dict[str, int]]:
    """Writes the file, as of one moment; gives it with the rows by table. Raises IsSubaccount."""
    if account.parent_id is not None:
        raise IsSubaccount("A sub-account’s data are exported with its account’s.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"account-{account.uuid.hex}-{clock.now():%Y%m%dT%H%M%SZ}.zip"
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    try:
        with transaction.atomic(), zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as packed:
            if not connection.savepoint_ids:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            counts = {label: _table(packed, label, way, account) for label, way in EXPORTED.items()}
            about = {"account": account.uuid.hex, "name": account.name, "at": clock.now().isoformat(), "rows": counts}
            packed.writestr("about.json", json.dumps(about, indent=1))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    record(by=by, verb="account.exported", account_id=account.pk, detail={"rows": sum(counts.values())})
    return path, counts


def rows_of(label: str, way: str, account: Account) -> models.QuerySet[Any]:
    """The rows of a table that are the account's or its sub-accounts'."""
    held = Account.objects.filter(models.Q(pk=account.pk) | models.Q(parent=account))
    found: models.QuerySet[Any] = apps.get_model(label)._default_manager.filter(
        **{f"{way}__in" if way else "pk__in": held}
    )
    return found.order_by("pk").distinct() if "memberships" in way else found.order_by("pk")


def columns(label: str) -> list[str]:
    """What of a table leaves."""
    fields = apps.get_model(label)._meta.concrete_fields
    return [one.attname for one in fields if one.name not in WITHHELD and not isinstance(one, models.BinaryField)]


def _table(packed: zipfile.ZipFile, label: str, way: str, account: Account) -> int:
    names, name = columns(label), label.replace(".", "/").lower()
    rows = rows_of(label, way, account).values_list(*names)
    count = 0
    with packed.open(f"{name}.json", "w", force_zip64=True) as file:
        for count, row in enumerate(streamed(rows, size=2000), 1):
            text = json.dumps(dict(zip(names, row, strict=True)), cls=DjangoJSONEncoder)
            file.write((("[\n" if count == 1 else ",\n") + text).encode())
        file.write(b"\n]\n" if count else b"[]\n")
    with packed.open(f"{name}.csv", "w", force_zip64=True) as file:
        for piece in csv_lines(_with_heading(names, streamed(rows, size=2000))):
            file.write(piece.encode())
    return count


def _with_heading(names: list[str], rows: Iterator[tuple[Any, ...]]) -> Iterator[list[object]]:
    yield [*names]
    for row in rows:
        yield [json.dumps(value, cls=DjangoJSONEncoder) if isinstance(value, dict | list) else value for value in row]
