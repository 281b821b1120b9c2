"""Who may do what, how long things last, and what a signature is: as tables, without a database."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.policy import (
    GUESSES_AT_ADDRESS,
    INVITATION_MAILS_A_DAY,
    INVITATION_MAILS_OF_NEWCOMERS,
    OFFICE_SESSION,
    SESSION,
    Actor,
    ActorKind,
    Right,
    Role,
    Scope,
    actor_named,
    invitation_mails_a_day,
    is_from,
    is_signed,
    key_actor,
    network_of,
    requests_allowed,
    rights,
    rights_of_scopes,
    signature,
    token_hash,
)

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def test_an_actor_is_known_again_by_its_name() -> None:
    assert actor_named(key_actor("ERP").name) == Actor(ActorKind.KEY, "API key ERP")
    assert actor_named("mia@acme.example") == Actor(ActorKind.PERSON, "mia@acme.example")


def test_each_role_has_what_the_one_below_it_has() -> None:
    of = {role: rights(role, is_subaccount=False) for role in Role}
    assert of[Role.OWNER] == set(Right)
    assert of[Role.OWNER] > of[Role.USER] > of[Role.OPERATOR] > of[Role.VIEWER]
    for role in Role:
        assert rights(role, is_subaccount=True) <= of[role] - {Right.SEE_MONEY, Right.MANAGE_MONEY, Right.STOP_LINES}


def test_a_key_may_no_more_than_its_account() -> None:
    for scope in Scope:
        assert rights_of_scopes([scope], is_subaccount=False)
        assert rights_of_scopes([scope], is_subaccount=True) <= rights(Role.OWNER, is_subaccount=True)
    assert rights_of_scopes([], is_subaccount=False) == frozenset()
    assert Right.SEE_MONEY not in rights_of_scopes(list(Scope), is_subaccount=True)


@pytest.mark.parametrize(
    ("address", "ranges", "expected"),
    [
        ("192.0.2.7", [], True),
        ("nonsense", [], True),
        ("nonsense", ["192.0.2.0/24"], False),
        ("192.0.2.7", ["192.0.2.0/24"], True),
        ("::ffff:192.0.2.7", ["192.0.2.0/24"], True),
        ("192.0.3.7", ["192.0.2.0/24", "2001:db8::/32"], False),
        ("2001:db8::7", ["192.0.2.0/24", "2001:db8::/32"], True),
    ],
)
def test_an_address_is_in_one_of_the_ranges(address: str, ranges: list[str], expected: bool) -> None:
    assert is_from(address, ranges) is expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_household_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_signature_is_over_the_account_or_the_user() -> None:
    assert signature("key", "1", "a") == "Oc09qoba04IU9vChoqJXpRCg6sE="
    for signed in ("account", "user"):
        given = signature("key", "1700000000", signed)
        asked = {"shared_key": "key", "timestamp": "1700000000", "account_uuid": "account", "user_uuid": "user"}
        assert is_signed(given, **asked)
        assert not is_signed(given, **asked | {"timestamp": "1700000001"})
        assert not is_signed(given, **asked | {"shared_key": "other"})
        assert not is_signed("", **asked)
    assert token_hash("x") != token_hash("y")
    assert len(token_hash("x")) == 64


@pytest.mark.parametrize(
    ("lines", "is_test", "expected"),
    [
        (0, False, 100),
        (1, False, 100),
        (2, False, 200),
        (10_000, False, 1_000_000),
        (2, True, 2_000),
        (50, True, 5_000),
    ],
)
def test_requests_of_a_day_go_by_lines(lines: int, is_test: bool, expected: int) -> None:
    assert requests_allowed(lines, is_test=is_test) == expected


def test_nobody_manages_money_or_people_in_a_test_account() -> None:
    for role in Role:
        outside = {Right.MANAGE_MONEY, Right.MANAGE_PEOPLE}
        assert rights(role, is_subaccount=False, is_test=True) == rights(role, is_subaccount=False) - outside
    assert not outside & rights_of_scopes(list(Scope), is_subaccount=False, is_test=True)


@pytest.mark.parametrize(
    ("opened", "seen", "ended"),
    [
        (HOUR, MINUTE, False),
        (7 * DAY - MINUTE, MINUTE, False),
        (7 * DAY, MINUTE, True),
        (2 * DAY, 24 * HOUR - MINUTE, False),
        (2 * DAY, 24 * HOUR, True),
    ],
)
def test_a_session_ends_with_its_age_or_unused(opened: dt.timedelta, seen: dt.timedelta, ended: bool) -> None:
    assert SESSION.have_come(opened=NOW - opened, seen=NOW - seen, now=NOW) is ended
    assert OFFICE_SESSION.have_come(opened=NOW - opened, seen=NOW - seen, now=NOW) or opened < 12 * HOUR


def test_each_wrong_password_makes_the_next_try_wait_twice_as_long() -> None:
    waits = [GUESSES_AT_ADDRESS.wait(failures) // MINUTE for failures in range(12)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize(
    ("age", "is_professional", "expected"),
    [
        (HOUR, False, INVITATION_MAILS_OF_NEWCOMERS),
        (7 * DAY - MINUTE, False, INVITATION_MAILS_OF_NEWCOMERS),
        (7 * DAY, False, INVITATION_MAILS_A_DAY),
        (HOUR, True, INVITATION_MAILS_A_DAY),
    ],
)
def test_a_newcomer_invites_few(age: dt.timedelta, is_professional: bool, expected: int) -> None:
    assert invitation_mails_a_day(age=age, is_professional=is_professional) == expected
