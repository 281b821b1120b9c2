"""Keys by API: no key makes, keeps or ends what could do more than itself; each has its own second."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from kit import clock

from accounts import keys
from accounts.commands.handover import end_keys_seen_by
from accounts.models import Account, ApiDay, ApiKey, Event
from accounts.policy import OPERATOR, Scope, key_actor
from lines.models import LineState
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet

HTTP = Client(raise_request_exception=False)
NEW: dict[str, Any] = {"name": "map", "scopes": ["lines:read"]}


def made(account: Account, *scopes: Scope, name: str = "maker", **more: Any) -> tuple[ApiKey, str]:
    return keys.make_key(account=account, name=name, scopes=scopes, days=30, by=OPERATOR, **more)


class Bearer:
    """A client with a bearer key."""

    def __init__(self, account: Account, key: str) -> None:
        self.base, self.headers = f"/api/{account.uuid.hex}/", {"Authorization": f"Bearer {key}"}

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        if verb == "GET":
            return HTTP.get(self.base + path, headers=self.headers)
        sent = getattr(HTTP, verb.lower())
        return sent(self.base + path, body or {}, content_type="application/json", headers=self.headers)


def test_a_signed_client_makes_lists_and_revokes(client: KeepgoClient, account: Account) -> None:
    answer = client.post("keys", NEW | {"scopes": ["lines:read", "keys:manage"], "days": 7, "per_second": 3})
    new = answer.json()
    assert (answer.status_code, new["key"][:15], new["per_second"]) == (200, new["hint"], 3)
    assert new["key"].startswith("api_live_")
    bearer = Bearer(account, new["key"])
    listed = bearer.call("GET", "keys").json()["data"]
    assert [(row["name"], row["key"]) for row in listed] == [("map", None)]
    assert client.write("DELETE", f"keys/{new['id']}").json() == {"ack": "success"}
    assert bearer.call("GET", "keys").status_code == 401
    assert client.get("keys").json()["data"] == []
    assert client.write("DELETE", "keys/999999").status_code == 404


def test_a_key_makes_none_that_may_do_more(account: Account) -> None:
    _, key = made(account, Scope.ACTIVATE_LINES, Scope.MANAGE_KEYS, ranges=("127.0.0.0/24",))
    bearer = Bearer(account, key)
    for wrong in (["money:read"], ["lines:manage"], ["keys:manage"], ["lines:read", "webhooks:manage"]):
        answer = bearer.call("POST", "keys", NEW | {"scopes": wrong})
        assert (answer.status_code, answer.json()["code"]) == (403, "more-than-its-maker"), wrong
    assert bearer.call("POST", "keys", NEW | {"ranges": ["10.0.0.0/8"]}).status_code == 403
    assert bearer.call("POST", "keys", NEW | {"days": 365, "per_second": 200}).status_code == 200
    row, maker = ApiKey.objects.get(name="map"), ApiKey.objects.get(name="maker")
    assert (row.ranges, row.expires_at, row.per_second) == (["127.0.0.0/24"], maker.expires_at, maker.per_second)
    assert (row.made_with, row.created_by) == (maker, key_actor("maker").name)
    assert bearer.call("POST", "keys", NEW).status_code == 409


def test_a_test_key_makes_test_keys_only(account: Account) -> None:
    maker, key = made(account, Scope.READ_LINES, Scope.MANAGE_KEYS, is_test=True)
    with pytest.raises(keys.MoreThanItsMaker):
        made(account, Scope.READ_LINES, name="live", maker=maker)
    made(account, Scope.READ_LINES, name="test", is_test=True, maker=maker)
    assert key.startswith("api_test_")


def test_a_key_ends_itself_and_what_it_could_have_made(client: KeepgoClient, account: Account) -> None:
    own, key = made(account, Scope.READ_LINES, Scope.MANAGE_KEYS)
    small, _ = made(account, Scope.READ_LINES, name="small")
    big, _ = made(account, Scope.MANAGE_LINES, name="big")
    peer, _ = made(account, Scope.MANAGE_KEYS, name="peer")
    bearer = Bearer(account, key)
    statuses = [bearer.call("DELETE", f"keys/{row.pk}").status_code for row in (big, peer, small, own)]
    assert statuses == [403, 403, 200, 200]
    assert bearer.call("GET", "keys").status_code == 401
    assert {row["name"] for row in client.get("keys").json()["data"]} == {"big", "peer"}


def test_keys_end_with_the_key_that_made_them(account: Account) -> None:
    owner = account.memberships.get().user
    scopes = [Scope.READ_LINES, Scope.MANAGE_KEYS]
    maker, key = keys.make_key(account=account, name="m", scopes=scopes, days=7, by=owner.actor)
    child = Bearer(account, key).call("POST", "keys", NEW).json()["key"]
    assert Bearer(account, child).call("GET", "iot_sim_cards").status_code == 200
    assert end_keys_seen_by(account=account, email=owner.email, by=OPERATOR) == ["the API key m", "the API key map"]
    assert Bearer(account, child).call("GET", "iot_sim_cards").status_code == 401
    assert keys.revoke_key(key=maker, by=OPERATOR) == []
    assert Event.objects.filter(verb="api_key.revoked").count() == 2


def test_keys_are_the_accounts_own(fleet: Fleet, account: Account) -> None:
    row, _ = made(account, Scope.READ_LINES)
    for other in (fleet.account(), fleet.account(parent=account)):
        Account.objects.filter(pk=other.pk).update(is_professional=True)
        stranger = client_of(other)
        assert stranger.get("keys").json()["data"] == []
        assert stranger.write("DELETE", f"keys/{row.pk}").status_code == 404
    row.refresh_from_db()
    assert row.revoked_at is None
    key = made(account, *(set(Scope) - {Scope.MANAGE_KEYS}), name="rest")[1]
    assert Bearer(account, key).call("GET", "keys").status_code == 403


def test_a_test_key_changes_nothing_that_is_real(account: Account, fleet: Fleet) -> None:
    line = fleet.line(account)
    before = LineState.objects.get(line=line)
    bearer = Bearer(account, made(account, *Scope, is_test=True)[1])
    answer = bearer.call("GET", "iot_sim_cards")
    assert (answer["X-Sample-Data"], line.iccid in answer.content.decode()) == ("true", False)
    assert bearer.call("POST", f"sim_card/{line.iccid}/deactivate").status_code == 404
    assert LineState.objects.get(line=line).wanted == before.wanted
    assert "X-Sample-Data" not in Bearer(account, made(account, *Scope, name="live")[1]).call("GET", "iot_sim_cards")


def test_each_key_has_a_second_of_its_own(account: Account) -> None:
    now = clock.now()
    fast, other = (Bearer(account, made(account, *Scope, name=name, per_second=3)[1]) for name in ("a", "b"))
    with clock.frozen(now):
        assert [fast.call("GET", "").status_code for _ in range(4)] == [200, 200, 200, 429]
        over = fast.call("GET", "")
        assert (over["Retry-After"], over["RateLimit"], over.json()["status"]) == ("1", '"burst";r=0;t=1', 429)
        used = ApiDay.objects.get().used
        answer = other.call("GET", "")
        assert (answer.status_code, ApiDay.objects.get().used) == (200, used + 1)
        assert answer["RateLimit-Policy"].endswith('"burst";q=3;w=1')
    with clock.frozen(now + dt.timedelta(milliseconds=334)):
        assert [fast.call("GET", "").status_code for _ in range(2)] == [200, 429]
    with clock.frozen(now + dt.timedelta(seconds=5)):
        assert [fast.call("GET", "").status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.django_db(transaction=True)
def test_no_request_of_a_second_is_lost_beside_others() -> None:
    key, _ = made(Fleet().account(), Scope.READ_LINES, per_second=5)

    def asks(_: int) -> bool:
        try:
            return keys.one_more(key)
        finally:
            connections.close_all()

    with clock.frozen(clock.now()), ThreadPoolExecutor(max_workers=4) as pool:
        assert sum(pool.map(asks, range(20))) == 5
