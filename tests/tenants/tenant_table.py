"""Each route: who may use it, which object its address names, and what is sent. A route that is not here fails.

A new route is one row: `Row(Right.…)` for a page that is read, `post={…}` for one that is written to, `names={…}` for
what its address names. An object is a key of `Tenant.objects` in tenant_world.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.policy import Right

PUBLIC, PERSON = "anybody", "anybody who is logged in"


@dataclass(frozen=True)
class Row:
    """`get` and `post` are the query and the form that its own people send; None: it has no such method."""

    right: Right | str
    names: Mapping[str, str] = field(default_factory=dict)  # value of the address -> kind of object
    get: Mapping[str, Any] | None = None
    post: Mapping[str, Any] | None = None
    also: frozenset[int] = frozenset()  # statuses that are well here beside the usual ones
    and_right: Right | None = None  # it needs this one, too
    unscanned: bool = False  # it shows by design what others named: a provider's branding

    def offers(self, method: str) -> bool:
        return {"GET": self.get, "POST": self.post}.get(method) is not None


def read(right: Right | str, **names: str) -> Row:
    return Row(right, names, get={})


def write(right: Right | str, form: Mapping[str, Any] | None = None, **names: str) -> Row:
    return Row(right, names, post=form or {})


def both(right: Right | str, form: Mapping[str, Any] | None = None, **names: str) -> Row:
    return Row(right, names, get={}, post=form or {})


LINES, MONEY, PAY = Right.SEE_LINES, Right.SEE_MONEY, Right.MANAGE_MONEY
SUBS, PEOPLE, MANAGE = Right.MANAGE_SUBACCOUNTS, Right.MANAGE_PEOPLE, Right.MANAGE_LINES
KEYS = Right.MANAGE_KEYS
HEX = "5" * 32

ROWS: dict[str, Row] = {
    # people come in
    "account_login": both(PUBLIC),
    "account_logout": both(PUBLIC),
    "account_signup": both(PUBLIC),
    "account_inactive": read(PUBLIC),
    "account_email_verification_sent": read(PUBLIC),
    "account_confirm_email": both(PUBLIC, key="nothing"),
    "account_change_password": both(PERSON),
    "account_set_password": both(PERSON),
    "account_reset_password": both(PUBLIC),
    "account_reset_password_done": read(PUBLIC),
    "account_reset_password_from_key": both(PUBLIC, uidb36="nothing", key="nothing"),
    "account_reset_password_from_key_done": read(PUBLIC),
    "account_reauthenticate": both(PERSON),
    "mfa_index": read(PERSON),
    "mfa_authenticate": both(PERSON),
    "mfa_reauthenticate": both(PERSON),
    "mfa_activate_totp": both(PERSON),
    "mfa_deactivate_totp": both(PERSON),
    "mfa_view_recovery_codes": read(PERSON),
    "mfa_generate_recovery_codes": both(PERSON),
    "mfa_download_recovery_codes": read(PERSON),
    "mfa_list_webauthn": read(PERSON),
    "mfa_add_webauthn": both(PERSON),
    "mfa_reauthenticate_webauthn": both(PERSON),
    "mfa_remove_webauthn": Row(PERSON, {"pk": "no number"}, get={}, post={}),
    "mfa_edit_webauthn": Row(PERSON, {"pk": "no number"}, get={}, post={}),
    "mfa_login_webauthn": both(PUBLIC),
    "socialaccount_connections": both(PERSON),
    "socialaccount_login_cancelled": read(PUBLIC),
    "socialaccount_login_error": read(PUBLIC),
    "socialaccount_signup": both(PUBLIC),
    "google_login": both(PUBLIC),
    "google_callback": both(PUBLIC),
    "google_login_by_token": both(PUBLIC),
    "open_link": both(PUBLIC, kind="nothing"),
    "invitation": both(PUBLIC),
    "former_invitation": both(PUBLIC, token="nothing"),
    "office_pass": both(PUBLIC),
    "former_office_pass": both(PUBLIC, token="nothing"),
    "stop_acting": write(PERSON),
    "choose_account": write(PERSON, {"account": "0" * 32}),
    "come_in": read(PUBLIC, account_uuid="account_uuid"),
    "brand_style": read(PUBLIC, key="brand"),
    "brand_logo": read(PUBLIC, key="brand"),
    "theme": write(PUBLIC, {"theme": "dark"}),
    # the API: its calls are cells of their own
    "openapi": read(PUBLIC),
    "api_problem": read(PUBLIC, code="problem"),
    "api_changes": read(PUBLIC),
    "api": read(PUBLIC, account_uuid="account_hex", path="nothing"),
    "office_api": read(PUBLIC, path="nothing"),
    "api_docs": read(MONEY),
    "api_call": both(MONEY, name="endpoint"),
    "api_keys": both(KEYS),
    "revoke_api_key": write(KEYS, key="api_key"),
    "test_account": read(KEYS),
    "make_test_account": write(KEYS),
    "close_test_account": write(KEYS),
    "act_in_test": Row(KEYS, {"do": "nothing"}, post={}, also=frozenset({404})),  # in a live account it is none
    "api_credentials": both(KEYS),
    "subaccount_credentials": both(KEYS, {"do": "show"}, key="subaccount"),
    # people
    "profile": both(PERSON),
    "account_email": both(PERSON),
    "sessions": read(PERSON),
    "end_session": Row(PERSON, {"session": "no number"}, post={}),
    "end_other_sessions": write(PERSON),
    "staff": read(PEOPLE),
    "invite": write(PEOPLE, {"emails": "new@person.example", "role": "user"}),
    "invite_again": write(PEOPLE, invitation="invitation"),
    "withdraw_invitation": write(PEOPLE, invitation="invitation"),
    "demand_factor": write(PEOPLE),
    "ownership": both(PERSON),
    "withdraw_offer": write(PEOPLE),
    "person": read(PEOPLE, place="member"),
    "change_role": write(PEOPLE, {"role": "viewer"}, place="member"),
    "activate_person": write(PEOPLE, place="member"),
    "deactivate_person": write(PEOPLE, place="member"),
    "log_out_person": write(PEOPLE, place="member"),
    "delete_person": write(PEOPLE, place="member"),
    "offer_ownership": both(PEOPLE, place="member"),
    "audit": read(Right.SEE_AUDIT),
    "audit_csv": read(Right.SEE_AUDIT),
    "account_data": read(PAY),
    "export_account": write(PAY),
    "account_file": read(PAY, key="account_export"),
    # home
    "tutorial": read(LINES),
    "home": read(LINES),
    "search": Row(LINES, get={"q": "note"}),
    "balance": read(MONEY),
    # lines
    "usage": Row(LINES, get={"by": "line", "range": "cycle"}),
    "usage-exports": both(LINES, {"kind": "days", "format": "csv", "start": "2026-11-01", "end": "2026-11-02"}),
    "usage-export-file": read(LINES, key="usage_export"),
    "usage-export-delete": write(LINES, key="usage_export"),
    "usage-csv": Row(LINES, get={"by": "line", "range": "cycle"}),
    "lines": Row(LINES, get={"q": "note"}),
    "line": read(LINES, iccid="line"),
    "line-activate": write(Right.ACTIVATE_LINES, iccid="line"),
    "line-deactivate": write(Right.STOP_LINES, iccid="line"),
    "line-keep": write(MANAGE, iccid="line"),
    "line-notes": write(Right.EDIT_NOTES, {"notes": "new"}, iccid="line"),
    "line-sms": read(LINES, iccid="line"),
    "line-sms-send": write(Right.ACTIVATE_LINES, {"text": "hello", "key": HEX}, iccid="line"),
    "line-sms-settle": write(Right.ACTIVATE_LINES, {"message": "1", "do": "again"}, iccid="line"),
    "sms": read(LINES),
    "sms-seen": write(Right.ASK),
    "line-usage": read(LINES, iccid="line"),
    "line-connections": read(LINES, iccid="line"),
    "line-connections-csv": read(LINES, iccid="line"),
    "line-readings": read(LINES, iccid="line"),
    "line-readings-csv": read(LINES, iccid="line"),
    "line-destinations": read(LINES, iccid="line"),
    "line-statistics": read(LINES, iccid="line"),
    "line-audit": read(Right.SEE_AUDIT, iccid="line"),
    "line-settings": read(LINES, iccid="line"),
    "line-data-limit": write(MANAGE, {"megabytes": "100"}, iccid="line"),
    "line-ask": write(Right.ASK, iccid="line"),
    "line-throttle": write(MANAGE, {"throttle": "128"}, iccid="line"),
    "line-imei-lock": write(MANAGE, {"imei": ""}, iccid="line"),
    "line-reset": write(MANAGE, iccid="line"),
    "line-edit": write(MANAGE, {"name": "device_id", "value": "x"}, iccid="line"),
    "line-name-sharing": write(MANAGE, {"follows": "off"}, iccid="line"),
    "line-codes": write(MANAGE, iccid="line"),
    "line-location": write(MANAGE, iccid="line"),
    "line-fields": Row(Right.EDIT_NOTES, {"iccid": "line"}, post={}, also=frozenset({404})),
    "custom-fields": both(MANAGE, {"name": "New field", "kind": "text"}),
    "custom-fields-file": both(MANAGE, {"rows": "iccid"}),
    "custom-field": write(MANAGE, {"name": "Other name"}, key="field"),
    "custom-field-remove": write(MANAGE, key="field"),
    "line-tags": Row(Right.EDIT_NOTES, {"iccid": "line"}, post={"tags": "mine"}, also=frozenset({404})),
    "line-plan": write(MANAGE, {"plan": "1"}, iccid="line"),
    "lines-csv": read(LINES),
    "lines-xlsx": read(LINES),
    "lines-columns": write(LINES),
    "lines-add": both(MANAGE),
    "lines-add-many": both(MANAGE),
    "lines-bulk": both(Right.EDIT_NOTES),
    "lines-find": both(LINES),
    "line-scan": read(LINES),
    "manifest": read(PUBLIC),
    "worker": read(PUBLIC),
    "offline": read(PUBLIC),
    # jobs
    "job-tray": read(LINES),
    "notifications": read(LINES),
    "notification-bell": read(LINES),
    "notifications-read": write(LINES),
    "notifications-choose": write(LINES),
    "undo": Row(LINES, post={"note": "x"}, also=frozenset({404})),  # nothing to undo yet
    "jobs": read(LINES),
    "job": read(LINES, key="job"),
    "job-csv": read(LINES, key="job"),
    "job-undo": Row(LINES, {"key": "job"}, post={"before": "ACTIVE"}, also=frozenset({404})),  # nothing to undo yet
    "job-move": write(Right.ACTIVATE_LINES, key="job"),  # what its action asks for
    # rules
    "rules": read(Right.SEE_AUDIT),
    "new_rule": both(MANAGE),
    "rule": both(MANAGE, key="rule"),
    "rule-switch": write(MANAGE, {"on": "1"}, key="rule"),
    "rule-delete": write(MANAGE, key="rule"),
    "caps": read(LINES),
    "cap_new": write(MANAGE, {"kind": "account", "limit": "1", "unit": "mb", "period": "day", "action": "notify"}),
    "cap_change": write(MANAGE, {"limit": "2", "action": "notify"}, key="cap"),
    "cap_delete": write(MANAGE, key="cap"),
    "rule_activity": read(Right.SEE_AUDIT),
    "rule_activity_csv": read(Right.SEE_AUDIT),
    "follow-up-cancel": write(MANAGE, number="follow_up"),
    "follow-up-run": write(MANAGE, number="follow_up"),
    "webhooks": both(Right.MANAGE_WEBHOOKS),
    "webhook": both(Right.MANAGE_WEBHOOKS, key="webhook"),
    "webhook-act": write(Right.MANAGE_WEBHOOKS, {"on": "1"}, key="webhook"),
    "webhook-again": write(Right.MANAGE_WEBHOOKS, number="delivery"),
    # money
    "explain": read(MONEY),
    "billing": read(MONEY),
    "add_funds": both(PAY),
    "payment": read(MONEY, key="payment"),
    "confirm_payment": write(PAY, key="open_payment"),
    "cancel_payment": write(PAY, key="open_payment"),
    "payment_method": read(PAY),
    "give_card": write(PAY),
    "card_given": read(PAY),
    "remove_card": write(PAY),
    "auto_refill": both(PAY),
    "transactions": read(MONEY),
    "invoice": read(MONEY, number="invoice"),
    "invoice_xml": read(MONEY, number="invoice"),
    "credit_note": read(MONEY, number="credit_note"),
    "credit_note_xml": read(MONEY, number="credit_note"),
    "month_statement": read(MONEY, month="closed_month"),
    "billing_information": both(PAY),
    "ask_statement": Row(MONEY, post={"month": "2026-01", "format": "csv"}, and_right=Right.ASK),
    "statement": read(MONEY, key="statement"),
    "billing_details": read(MONEY),
    "stripe_webhook": write(PUBLIC),
    "carrier-called-back": write(PUBLIC, token="nothing"),
    "carrier-told": write(PUBLIC, token="nothing"),
    # orders
    "orders": both(MANAGE),
    "withdraw_order": write(MANAGE, key="order"),
    "store": read(MANAGE),
    "coverage": read(MONEY),
    # sub-accounts
    "subaccounts": read(MONEY),
    "subaccount_new": write(SUBS, {"name": "new"}),
    "subaccount": read(MONEY, key="subaccount"),
    "subaccount_rename": write(SUBS, {"name": "renamed"}, key="subaccount"),
    "subaccount_switch": write(SUBS, {"active": "0"}, key="subaccount"),
    "subaccount_all": write(SUBS, {"action": "activate", "once": HEX}, key="subaccount"),
    "subaccount_assign": write(SUBS, {"iccids": "8900000000000000001", "key": HEX}, key="subaccount"),
    "subaccount_invite": write(SUBS, {"email": "new@person.example", "role": "user"}, key="subaccount"),
    "subaccount_invitation": write(SUBS, {"do": "withdraw"}, key="subaccount", number="sub_invitation"),
    "subaccount_person": write(SUBS, {"do": "deactivate"}, key="subaccount", number="sub_member"),
    "subaccount_wallet": read(MONEY, key="subaccount"),
    "subaccount_terms": write(SUBS, {"pays": "prepaid"}, key="subaccount"),
    "subaccount_credit": write(SUBS, {"amount": "5", "note": "paid", "key": HEX}, key="subaccount"),
    "subaccount_stop_charging": write(SUBS, key="subaccount"),
    "price_lists": read(MONEY),
    "price_list_new": write(SUBS, {"name": "new", "percent": "1", "places": "6"}),
    "price_list": read(MONEY, key="price_list"),
    "price_list_set": write(SUBS, {"plan": "other", "percent": "1", "places": "6"}, key="price_list"),
    "margins": read(MONEY),
    "own_wallet": Row(LINES, get={}, also=frozenset({404})),  # of a sub-account that has one
    "own_statement": Row(LINES, {"month": "closed_month"}, get={}, also=frozenset({404})),
    "white_label": both(SUBS, {"name": "New name"}, key="subaccount"),
}
