"""The back office's pages that are no list, and where an account's data leave: exported, or erased for good."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify
from kit.again import confirmed_first
from kit.backoffice import BackOffice, ConfirmForm, Desk
from kit.errors import Refusal
from kit.second_person import Asked, SecondPersonDesk
from kit.zips import zip_answer
from unfold.decorators import action

from accounts.admin import AccountDesk, ReasonForm
from accounts.commands import erasing as requests
from accounts.commands import exports
from accounts.doors import desk_actor
from accounts.models import Account, AccountExport, Erasure
from console import desks, erasing

site = admin.site
if not isinstance(site, BackOffice):
    raise TypeError("the default admin site is the back office")
site.page("margins/", "margins")(desks.margins)
site.page("books/", "books")(desks.books_page)

EXPORTED = "Everything of the account and its sub-accounts, without keys, as JSON and CSV in one file for a week."
KEPT = (
    "The ledger, payments and invoices stay, and the audit keeps when something happened, without what and by whom."
    " A second person decides. It cannot be undone: export it first."
)


class WholeAccountDesk(AccountDesk):
    actions_detail = [*AccountDesk.actions_detail, "export_everything", "erase"]

    @action(description="Export everything", url_path="export", icon="folder_zip")
    def export_everything(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account: Account = self.found(request, object_id)

        def act(_given: dict[str, Any]) -> str:
            exports.ask_export(account=account, by=desk_actor(request))
            return "Export queued. Download it under Account exports."

        title = f"Export {account.name}"
        return self.ask(request, ConfirmForm, act, title=title, button="Export", row=account, about=EXPORTED)

    @action(description="Erase for good", url_path="erase", icon="delete_forever")
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account: Account = self.found(request, object_id)

        def act(given: dict[str, Any]) -> str:
            erasing.preview(account=account, by=desk_actor(request))
            requests.ask_erasure(account=account, reason=given["reason"], by=desk_actor(request))
            return "Erasure requested. A second person decides under Erasures."

        about = f"{_would_go(account, request)} {KEPT}"
        title = f"Erase {account.name}"
        return self.ask(request, ReasonForm, act, title=title, button="Ask for it", row=account, about=about)


@admin.register(Erasure)
class ErasureDesk(SecondPersonDesk):
    """Accounts that somebody asked to erase; one that waits is decided by somebody who did not ask for it."""

    called = "erasures"
    list_display = ["asked_at", "account", "asked_by", "is_agreed", "decided_by", "decided_at"]
    list_filter = [("is_agreed", admin.EmptyFieldListFilter)]
    list_select_related = ["account"]
    exclude = ["asker_id"]

    def asked(self, erasure: Erasure) -> Asked:
        said = f"{erasure.asked_by} asks to erase {erasure.account}: {erasure.reason}. {KEPT}"
        return Asked("erasing", said)

    def decide(self, request: HttpRequest, erasure: Erasure, *, agreed: bool) -> str:
        return erasing.decide(erasure=erasure, agreed=agreed, by=desk_actor(request))


@admin.register(AccountExport)
class ExportDesk(Desk):
    """Files of everything of an account, each kept for a week. Who downloads one is in the account's audit log."""

    called = "account exports"
    list_display = ["asked_at", "account", "by", "done_at", "size", "failed"]
    list_select_related = ["account"]
    fields = ["account", "by", "asked_at", "started_at", "done_at", "failed", "rows", "size"]
    actions_detail = ["download"]

    @action(description="Download", url_path="download", icon="download")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        export: AccountExport = self.found(request, object_id)
        if away := confirmed_first(request, back=request.get_full_path()):
            return away
        if export.done_at is None:
            raise Http404
        name = f"{slugify(export.account.name) or 'account'}-{export.done_at:%Y-%m-%d}.zip"
        return zip_answer(name, exports.take_export(export=export, by=desk_actor(request)))


def _would_go(account: Account, request: HttpRequest) -> str:
    """The preview in a sentence, or why it cannot be erased now."""
    try:
        gone = erasing.preview(account=account, by=desk_actor(request))
    except Refusal as refusal:
        return f"{refusal.message}"
    named = ", ".join(f"{name} {count:,}" for name, count in gone.items() if count)
    return f"Would be deleted or emptied: {named}."


admin.site.unregister(Account)
admin.site.register(Account, WholeAccountDesk)
