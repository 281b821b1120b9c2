"""Who hears of what, and whom it is mailed to, as tables."""

from __future__ import annotations

import pytest

from accounts.policy import Right, Role, rights
from billing.policy.notices import (
    OF_SUBACCOUNTS,
    RIGHT_OF,
    Kind,
    Mailing,
    Wish,
    hearers,
    hears,
    is_mailed,
    kinds_for,
    wishes_for,
)

OWNER = rights(Role.OWNER, is_subaccount=False)
USER = rights(Role.USER, is_subaccount=False)
OUTSIDE = rights(Role.OWNER, is_subaccount=True)


@pytest.mark.parametrize(
    ("kind", "owner", "user", "outside"),
    [
        (Kind.MONEY, True, True, False),
        (Kind.RULES, True, True, False),
        (Kind.JOBS, False, False, False),
        (Kind.CARRIERS, True, True, False),
        (Kind.INVITATIONS, True, False, False),
    ],
)
def test_who_has_the_right_hears_of_what_is_addressed_to_others(
    kind: Kind, owner: bool, user: bool, outside: bool
) -> None:
    said = [hears(kind, is_addressed=False, granted=granted) for granted in (OWNER, USER, OUTSIDE)]
    assert said == [owner, user, outside]
    assert all(
        hears(kind, is_addressed=True, granted=granted) for granted in (OWNER, USER, OUTSIDE, frozenset[Right]())
    )


def test_the_rows_for_the_statement_are_what_the_rule_says() -> None:
    rows = set(hearers())
    for kind in Kind:
        for role in Role:
            for outside in (False, True):
                granted = rights(role, is_subaccount=outside)
                assert ((kind, role, outside, False) in rows) == hears(kind, is_addressed=False, granted=granted)
    assert not any(is_subaccount for _, _, is_subaccount, _ in rows)


def test_each_person_is_offered_the_kinds_that_they_may_be_told_of() -> None:
    assert kinds_for(OWNER, is_subaccount=False) == list(Kind)
    assert kinds_for(USER, is_subaccount=False) == [kind for kind in Kind if kind is not Kind.INVITATIONS]
    assert kinds_for(OUTSIDE, is_subaccount=True) == list(OF_SUBACCOUNTS)
    assert set(RIGHT_OF) == set(Kind)


def test_what_is_never_mailed_unless_chosen_has_no_usual() -> None:
    assert {kind: Wish.USUAL in wishes_for(kind) for kind in Kind} == {
        Kind.MONEY: True,
        Kind.RULES: True,
        Kind.JOBS: True,
        Kind.CARRIERS: False,
        Kind.INVITATIONS: False,
    }


@pytest.mark.parametrize(
    ("wish", "mailing", "is_addressed", "is_heard", "expected"),
    [
        (Wish.USUAL, Mailing.USUAL, True, True, True),
        (Wish.USUAL, Mailing.USUAL, False, True, False),
        (Wish.USUAL, Mailing.CHOSEN, True, True, False),
        (Wish.ALL, Mailing.CHOSEN, False, True, True),
        (Wish.ALL, Mailing.USUAL, False, False, False),
        (Wish.NONE, Mailing.USUAL, True, True, False),
    ],
)
def test_a_notice_is_mailed_as_a_person_chose(
    wish: Wish, mailing: Mailing, is_addressed: bool, is_heard: bool, expected: bool
) -> None:
    assert is_mailed(wish, mailing, is_addressed=is_addressed, is_heard=is_heard) is expected
