"""Bearer keys: what they may do, until when, from where; shown once and kept as a digest."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client, override_settings
from kit import clock
from kit.errors import Invalid

from accounts import keys
from accounts.models import Account, ApiKey, Event, SignedWrite
from accounts.policy import OPERATOR, Scope, is_from
from lines.policy import Wanted
from tests.fleets import Fleet, state
from tests.responses import ClientResponse

HTTP = Client(raise_request_exception=False)


def make(account: Account, *scopes: Scope, name: str = "export", ranges: tuple[str, ...] = ()) -> str:
    return keys.make_key(account=account, name=name, scopes=scopes, days=30, ranges=ranges, by=OPERATOR)[1]


def call(account: Account, key: str, path: str = "", verb: str = "GET", **more: str) -> ClientResponse:
    return HTTP.generic(
        verb,
        f"/api/{account.uuid.hex}/{path}",
        headers={"Authorization": f"Bearer {key}", "X-Request-ID": "one-and-the-same"} | more,
        REMOTE_ADDR="10.0.0.7",
    )


def test_a_key_gets_in_and_its_last_use_is_known(account: Account) -> None:
    key = make(account, Scope.READ_LINES)
    answer = call(account, key, "iot_sim_cards")
    assert (answer.status_code, answer["RateLimit-Remaining"]) == (200, "99")
    row = ApiKey.objects.get()
    assert row.last_used_at is not None
    assert (row.last_used_from, row.hint) == ("10.0.0.7", key[:15])
    assert key not in str(list(ApiKey.objects.values())) + str(list(Event.objects.values()))
    ApiKey.objects.update(last_used_at=clock.now() - dt.timedelta(seconds=61))
    call(account, key)
    again = ApiKey.objects.get().last_used_at
    assert again is not None
    assert again > row.last_used_at


def test_whatever_is_wrong_gets_one_and_the_same_answer(account: Account, fleet: Fleet) -> None:
    key, other = make(account, Scope.READ_LINES), fleet.account()
    ended = make(account, Scope.READ_LINES, name="ended")
    past = clock.now() - dt.timedelta(seconds=1)
    ApiKey.objects.filter(name="ended").update(created_at=past - dt.timedelta(days=1), expires_at=past)
    revoked = make(account, Scope.READ_LINES, name="revoked")
    keys.revoke_key(key=ApiKey.objects.get(name="revoked"), by=OPERATOR)
    answers = [call(account, "lk_" + "x" * 43), call(account, ended), call(account, revoked), call(other, key)]
    assert {(one.status_code, one.content) for one in answers} == {(401, answers[0].content)}
    assert {one["WWW-Authenticate"] for one in answers} == {"Bearer"}
    for odd in ("", "x" * 200, "ä"):
        assert call(account, odd).status_code == 401
    assert HTTP.get(f"/api/{account.uuid.hex}/", headers={"Authorization": "Basic eDp5"}).status_code == 401
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert call(account, key).status_code == 401


def test_a_scope_is_all_that_a_key_may(account: Account, fleet: Fleet) -> None:
    line = fleet.line(account)
    scopes = (Scope.READ_LINES, Scope.ACTIVATE_LINES, Scope.MANAGE_LINES, Scope.READ_MONEY)
    read, act, manage, money = (make(account, scope, name=scope) for scope in scopes)
    off, on = f"sim_card/{line.iccid}/deactivate", f"sim_card/{line.iccid}/activation_ready"
    assert [call(account, key, off, "POST").status_code for key in (read, act, money, manage)] == [403, 403, 403, 200]
    assert [call(account, key, on, "POST").status_code for key in (read, money, act)] == [403, 403, 200]
    assert state(line).wanted == Wanted.ACTIVE
    assert [call(account, key, "prices").status_code for key in (read, act, manage, money)] == [403, 403, 403, 200]
    assert call(account, money, "iot_sim_cards").status_code == 403
    refused = call(account, read, off, "POST").json()
    assert refused["what_to_do"] == "Use one with the scope lines:manage."
    root = call(account, read).json()
    assert (root["current_balance"], root["minimum_balance"]) == (None, None)
    assert call(account, read, f"sim_card/{line.iccid}/usage_summary").json()["data"][0]["cost"] is None
    assert SignedWrite.objects.count() == 0
    event = Event.objects.filter(verb="line.activated").latest("pk")
    assert (event.actor_kind, event.actor_name) == ("key", "API key lines:activate")


def test_a_write_by_key_is_idempotent_too(account: Account, fleet: Fleet) -> None:
    line, key = fleet.line(account), make(account, Scope.MANAGE_LINES)
    path = f"sim_card/{line.iccid}/deactivate"
    for replayed in (False, True):
        answer = call(account, key, path, "POST", **{"Idempotency-Key": "k"})
        assert (answer.status_code, "Idempotency-Replayed" in answer) == (200, replayed)


def test_a_subaccounts_key_has_no_more_than_the_subaccount(account: Account, fleet: Fleet) -> None:
    sub = fleet.account(parent=account)
    line, key = fleet.line(sub), make(sub, *Scope)
    assert call(sub, key, "prices").status_code == 404
    assert call(sub, key, f"sim_card/{line.iccid}/deactivate", "POST").status_code == 404
    assert call(sub, key, f"sim_card/{fleet.line(account).iccid}/usage_summary").status_code == 404
    assert call(sub, key, f"sim_card/{line.iccid}/activation_ready", "POST").status_code == 200


@pytest.mark.parametrize(
    ("address", "ranges", "inside"),
    [
        ("10.0.0.7", [], True), ("10.0.0.7", ["10.0.0.7/32"], True), ("10.0.0.7", ["10.0.1.0/24", "10.0.0.0/24"], True),
        ("10.0.0.7", ["10.0.1.0/24"], False), ("::ffff:10.0.0.7", ["10.0.0.0/24"], True), ("", ["10.0.0.0/24"], False),
        ("2001:db8::1", ["2001:db8::/32"], True), ("2001:db8::1", ["10.0.0.0/8"], False), ("", [], True),
    ],
)  # fmt: skip
def test_ranges(address: str, ranges: list[str], inside: bool) -> None:
    assert is_from(address, ranges) is inside


def test_a_key_is_refused_from_elsewhere(account: Account) -> None:
    assert call(account, make(account, Scope.READ_LINES, ranges=("10.0.0.0/24",))).status_code == 200
    away = make(account, Scope.READ_LINES, name="away", ranges=("203.0.113.9",))
    answer = call(account, away, **{"X-Forwarded-For": "203.0.113.9"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/api/problems/wrong-address")
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1):
        assert call(account, away, **{"X-Forwarded-For": "10.0.0.7, 203.0.113.9"}).status_code == 200
        assert call(account, away, **{"X-Forwarded-For": "203.0.113.9, 10.0.0.7"}).status_code == 403


def test_what_makes_no_sense_is_refused(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(
        name: str = "n", days: int = 30, ranges: tuple[str, ...] = (), scopes: tuple[Scope, ...] = (*Scope,)
    ) -> None:
        keys.make_key(account=account, name=name, scopes=scopes, days=days, ranges=ranges, by=OPERATOR)

    for wrong in ({"name": " "}, {"name": "x" * 101}, {"days": 3650}, {"ranges": ("home",)}, {"scopes": ()}):
        with pytest.raises(Invalid):
            made(**wrong)
    made()
    with pytest.raises(keys.NameTaken):
        made()
    monkeypatch.setattr(keys, "MOST_KEYS", 1)
    with pytest.raises(keys.TooManyKeys):
        made(name="other")
    assert Event.objects.filter(verb="api_key.made").count() == 1


def test_the_page_shows_a_key_once_and_ends_it(account: Account, fleet: Fleet) -> None:
    owner, stranger = Client(), Client()
    owner.force_login(account.memberships.get().user)
    stranger.force_login(fleet.account().memberships.get().user)
    form = {"name": "van map", "scopes": ["lines:read"], "days": "30", "ranges": "10.0.0.0/24\n2001:db8::1"}
    answer = owner.post("/api-credentials/keys/", form)
    (key,) = re.findall(r"api_live_[\w-]{43}(?=</code>)", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert call(account, key).status_code == 200
    again = owner.post("/api-credentials/keys/", form)
    assert (again.status_code, "is there already" in again.content.decode()) == (422, True)
    page = owner.get("/api-credentials/keys/").content.decode()
    assert key not in page
    assert "10.0.0.0/24, 2001:db8::1/128" in page
    assert "from 10.0.0.7" in page
    row = ApiKey.objects.get()
    assert stranger.post(f"/api-credentials/keys/{row.pk}/revoke/").status_code == 404
    for _ in range(2):
        assert owner.post(f"/api-credentials/keys/{row.pk}/revoke/").status_code == 302
    assert call(account, key).status_code == 401
    assert Event.objects.filter(verb="api_key.revoked").count() == 1
