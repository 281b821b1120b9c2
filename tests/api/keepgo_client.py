"""A client as the observed table describes it, knowing nothing else of us."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.models import Account
from accounts.queries import credential_of
from tests.responses import ClientResponse


@dataclass
class KeepgoClient:
    """Signs and calls, from the observed table alone."""

    account_uuid: str
    user_uuid: str
    shared_key: str
    http: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    extra: dict[str, str] = field(default_factory=dict)

    def headers(self, timestamp: int | None = None) -> dict[str, str]:
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        digest = hmac.new(self.shared_key.encode(), (stamp + self.account_uuid).encode(), hashlib.sha1).digest()
        same = {"X-Request-ID": "of-the-test"}  # or no two problems would be one answer
        return (
            same | {"timestamp": stamp, "hash": base64.b64encode(digest).decode(), "uuid": self.user_uuid} | self.extra
        )

    def get(self, path: str, **query: Any) -> ClientResponse:
        address = f"/api/{self.account_uuid}/{path}" + (f"?{urlencode(query)}" if query else "")
        return self.http.get(address, headers=self.headers())

    def write(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        timestamp: int | None = None,
        key: str | None = None,
        more: dict[str, str] | None = None,
    ) -> ClientResponse:
        headers = self.headers(timestamp) | (more or {}) | ({"Idempotency-Key": key} if key is not None else {})
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        address = f"/api/{self.account_uuid}/{path}"
        return self.http.generic(verb, address, data, content_type="application/json", headers=headers)

    def post(self, path: str, body: Any = None, **more: Any) -> ClientResponse:
        return self.write("POST", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> ClientResponse:
        return self.write("PUT", path, body, **more)


def client_of(account: Account) -> KeepgoClient:
    found = credential_of(account)
    return KeepgoClient(account.uuid.hex, found.user_uuid, found.shared_key)
