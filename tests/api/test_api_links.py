"""Each object leads to its others: addresses to follow, of calls that the caller may make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from api import routes
from kit.endpoints import Linked

from accounts.models import Account
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import Fleet


def kinds(of: type[Linked] = Linked) -> Iterator[type[Linked]]:
    for one in of.__subclasses__():
        yield one
        yield from kinds(one)


def links_in(found: Any) -> Iterator[str]:
    """Every link of an answer, at any depth; those of a page lead to its neighbours."""
    if isinstance(found, list):
        for one in found:
            yield from links_in(one)
    elif isinstance(found, dict):
        for name, value in found.items():
            if name == "links":
                yield from (link for link in value.values() if link)
            else:
                yield from links_in(value)


def walk(client: KeepgoClient) -> tuple[set[str], dict[str, int]]:
    """The paths of all that can be reached from the account alone, with what each answered."""
    base = f"/api/{client.account_uuid}/"
    waiting, seen = [""], dict[str, int]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        answer = client.get(path)
        seen[path] = answer.status_code
        waiting += [link.partition(base)[2] for link in links_in(answer.json())]
    return {re.sub(r"\d{18,}|[0-9a-f]{32}", "*", path) for path in seen}, seen


def test_every_link_is_a_call_that_there_is() -> None:
    found = list(kinds())
    assert len(found) > 20
    for kind in found:
        assert kind.LINKS, kind
        for template in kind.LINKS.values():
            routes.right_to(template)


def test_from_the_account_everything_is_reached_and_answers(fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    for holder in (account, sub):
        fleet.line(holder)
    reached, seen = walk(client_of(account))
    assert set(seen.values()) == {200}
    for path in (
        "iot_sim_cards",
        "sim_card/*",
        "sim_card/*/sessions",
        "sim_card/*/device",
        "sim_card/*/settings",
        "accounts/*",
        "iot_sim_cards?account_uuid=*",
        "current_balance",
        "balance_history",
        "rule_activity",
        "webhooks",
    ):
        assert path in reached, path


def test_a_sub_account_is_led_only_to_what_it_may_call(fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    sub.is_professional = True
    sub.save()
    fleet.line(sub)
    reached, seen = walk(client_of(sub))
    assert set(seen.values()) == {200}
    assert "sim_card/*" in reached
    assert not {"current_balance", "rules", "webhooks", "audit_log"} & reached


def test_test_accounts_have_links_too_below_the_address_that_was_called(fleet: Fleet) -> None:
    one, two = fleet.account(), fleet.account()
    for account in (one, two):
        (first, *_) = client_of(account).get("iot_sim_cards").json()["data"]
        assert account.uuid.hex in first["links"]["self"]
