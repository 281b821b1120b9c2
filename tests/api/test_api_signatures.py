"""Requests signed whole (RFC 9421): what is covered cannot be changed, and none opens twice."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from api.signatures import _Key
from django.test import Client
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import HMAC_SHA256
from kit import clock

from accounts.commands.credentials import rotate_key
from accounts.models import Account, SignedWrite
from accounts.policy import OPERATOR
from lines.models import LineState
from lines.policy import Wanted
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet
from tests.responses import ClientResponse

HOST = "http://testserver"


@dataclass
class Sent:
    """A request as a library signs it, to be changed on its way."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    def to(self, http: Client) -> ClientResponse:
        kind = self.headers.get("Content-Type", "application/json")
        return http.generic(
            self.method, self.url.removeprefix(HOST), self.body, content_type=kind, headers=self.headers
        )


def signed(
    client: KeepgoClient,
    method: str = "GET",
    path: str = "iot_sim_cards?per_page=2",
    body: bytes = b"",
    *,
    covers: tuple[str, ...] = ("@method", "@path", "@query"),
    key: str = "",
    **facts: Any,
) -> Sent:
    sent = Sent(method, f"{HOST}/api/{client.account_uuid}/{path}", {}, body)
    asked: dict[str, Any] = {
        "key_id": client.user_uuid,
        "nonce": secrets.token_hex(16),
        "created": dt.datetime.now(dt.UTC),
        "covered_component_ids": covers,
    }
    signer = HTTPMessageSigner(signature_algorithm=HMAC_SHA256, key_resolver=_Key(key or client.shared_key))
    signer.sign(sent, body=body or None, **asked | facts)
    return sent


def by_hand(client: KeepgoClient, lines: Mapping[str, str], **facts: object) -> dict[str, str]:
    """The headers from RFC 9421's text alone."""
    said = {"created": int(time.time()), "nonce": secrets.token_hex(16), "keyid": client.user_uuid} | facts
    written = "".join(f";{name}={json.dumps(value)}" for name, value in said.items())
    covered = "(" + " ".join(f'"{name}"' for name in lines) + ")" + written
    base = "\n".join(f'"{name}": {value}' for name, value in {**lines, "@signature-params": covered}.items())
    digest = hmac.digest(client.shared_key.encode(), base.encode(), hashlib.sha256)
    return {"Signature-Input": f"sig={covered}", "Signature": f"sig=:{b64encode(digest).decode()}:"}


@pytest.fixture
def iccid(fleet: Fleet, account: Account) -> str:
    return fleet.line(account, active=True).iccid


def test_a_request_that_is_signed_whole_gets_in(client: KeepgoClient, iccid: str) -> None:
    assert signed(client).to(client.http).json()["data"][0]["iccid"] == iccid
    whole = signed(client, covers=("@method", "@target-uri"))
    assert whole.to(client.http).status_code == 200
    written = signed(client, "PUT", f"sim_card/{iccid}/notes", b'{"notes": "roof"}')
    assert written.to(client.http).status_code == 200


def test_what_is_signed_by_the_standards_text_gets_in(client: KeepgoClient) -> None:
    path = f"/api/{client.account_uuid}/iot_sim_cards"
    lines = {"@method": "GET", "@path": path, "@query": "?"}
    assert client.http.get(path, headers=by_hand(client, lines)).status_code == 200
    assert client.http.get(path, headers=by_hand(client, lines, alg="hmac-sha256")).status_code == 200
    assert client.http.get(path, headers=by_hand(client, lines, alg="rsa-v1_5-sha256")).status_code == 401


CHANGES: dict[str, Callable[[Sent], None]] = {
    "another method": lambda sent: setattr(sent, "method", "POST"),
    "another path": lambda sent: setattr(sent, "url", sent.url.replace("/deactivate", "/activate")),
    "another query": lambda sent: setattr(sent, "url", sent.url + "?at=now"),
    "another body": lambda sent: setattr(sent, "body", b'{"notes": "other"}'),
    "a blank more": lambda sent: setattr(sent, "body", sent.body + b" "),
    "no body": lambda sent: setattr(sent, "body", b""),
    "another digest": lambda sent: sent.headers.update(
        {"Content-Digest": f"sha-256=:{b64encode(hashlib.sha256(b'{}').digest()).decode()}:"}
    ),
    "another time": lambda sent: sent.headers.update(
        {"Signature-Input": sent.headers["Signature-Input"].replace("created=1", "created=2")}
    ),
    "another nonce": lambda sent: sent.headers.update(
        {"Signature-Input": sent.headers["Signature-Input"].replace('nonce="', 'nonce="0')}
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whoever_changes_anything_on_its_way_gets_nothing(
    client: KeepgoClient, iccid: str, change: Callable[[Sent], None]
) -> None:
    sent = signed(client, "PUT", f"sim_card/{iccid}/deactivate", b'{"notes": "roof"}')
    before = (sent.method, sent.url, sent.body, dict(sent.headers))
    change(sent)
    assert before != (sent.method, sent.url, sent.body, sent.headers)
    assert sent.to(client.http).status_code == 401
    assert LineState.objects.get(line__iccid=iccid).wanted == Wanted.ACTIVE
    assert not SignedWrite.objects.exists()


def test_a_signature_opens_once_for_reads_too(client: KeepgoClient) -> None:
    sent = signed(client)
    assert [sent.to(client.http).status_code for _ in range(3)] == [200, 409, 409]
    same_nonce = signed(client, path="rate_plans", nonce="n" * 20)
    assert same_nonce.to(client.http).status_code == 200
    assert signed(client, path="iot_sim_cards", nonce="n" * 20).to(client.http).status_code == 409


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"nonce": None}, "nonce"),
        ({"nonce": "short"}, "nonce"),
        ({"created": dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)}, "together"),
        ({"created": dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)}, "together"),
        ({"expires": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)}, "together"),
        ({"key_id": "0" * 32}, "together"),
        ({"key_id": "' OR 1=1"}, "together"),
        ({"key": "0" * 32}, "together"),
        ({"covers": ("@method",)}, "together"),
        ({"covers": ("@path", "@query")}, "together"),
        ({"covers": ("@method", "@path")}, "together"),
        ({"covers": ()}, "together"),
    ],
)
def test_a_signature_that_says_too_little_is_none(client: KeepgoClient, facts: dict[str, Any], why: str) -> None:
    answer = signed(client, **facts).to(client.http)
    assert answer.status_code == 401
    assert why in answer.json()["detail"]


def test_a_body_that_the_signature_does_not_cover_changes_nothing(client: KeepgoClient, iccid: str) -> None:
    path = f"/api/{client.account_uuid}/sim_card/{iccid}/notes"
    headers = by_hand(client, {"@method": "PUT", "@path": path, "@query": "?"})
    answer = client.http.put(path, b'{"notes": "x"}', content_type="application/json", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "text", ["", "x", "sig=1", "sig=()", "a=();nonce=1, b=()", 'sig=("@method"', "é", "sig=?1", "s" * 5000]
)
def test_what_is_no_signature_is_told_so(client: KeepgoClient, text: str) -> None:
    path = f"/api/{client.account_uuid}/balance"
    for signature in ("", "sig=:AA==:", text):
        answer = client.http.get(path, headers={"Signature-Input": text, "Signature": signature})
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"


def test_where_both_are_sent_the_stronger_one_counts(client: KeepgoClient) -> None:
    sent = signed(client)
    sent.headers |= client.headers()
    assert sent.to(client.http).status_code == 200
    assert sent.to(client.http).status_code == 409


def test_another_account_is_not_opened(client: KeepgoClient, fleet: Fleet) -> None:
    other = client_of(fleet.account())
    sent = signed(KeepgoClient(other.account_uuid, client.user_uuid, client.shared_key))
    assert sent.to(client.http).status_code == 401


def test_a_former_key_signs_until_it_ends(client: KeepgoClient, account: Account) -> None:
    rotate_key(account=account, overlap_hours=24, last=None, by=OPERATOR)
    assert signed(client).to(client.http).status_code == 200
    with clock.frozen(clock.now() + dt.timedelta(hours=25)):
        assert signed(client, created=clock.now()).to(client.http).status_code == 401
