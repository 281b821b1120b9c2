"""Who asks in the tenant matrix: tenants, their people and browsers, and what is quick about the asking."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory
from django.test.client import ClientHandler

from accounts import middleware
from accounts.models import (
    Account,
    Membership,
    User,
)
from accounts.policy import Actor, ActorKind, Role
from accounts.queries import memberships_of
from lines.carriers.base import CallKind, Unreachable
from lines.work.gate import CallGate


@contextmanager
def quick() -> Iterator[None]:
    """What every request asks first has the same answer in each cell, since each is undone: it is read once, and every
    cell gets a copy of its own. The carrier is asked for nothing: its row is not committed, so its gate would wait."""

    def once(read: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
        known: dict[Any, bytes] = {}

        def answer(*given: Any) -> Any:
            if key(*given) not in known:
                known[key(*given)] = pickle.dumps(read(*given))
            return pickle.loads(known[key(*given)])

        return answer

    def shut(_gate: CallGate, _kind: CallKind) -> None:
        raise Unreachable("The carrier of this world answers nobody")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SessionStore, "load", once(SessionStore.load, lambda session: session.session_key))
        patch.setattr(ModelBackend, "get_user", once(ModelBackend.get_user, lambda _, pk: pk))
        read = memberships_of
        patch.setattr(middleware, "memberships_of", once(lambda user: list(read(user)), lambda user: user.pk))
        patch.setattr(CallGate, "enter", shut)
        yield


class Browser(RequestFactory):
    """Asks as one person does, and forgets every answer: an eighth of a test client's work, and nothing to undo."""

    def __init__(self, user: User | None = None) -> None:
        super().__init__()
        self.handler = ClientHandler(enforce_csrf_checks=False)
        if user is not None:
            client = Client()
            client.force_login(user)
            self.cookies = client.cookies

    def request(self, **request: Any) -> Any:
        return self.handler(self._base_environ(**request))  # type: ignore[attr-defined]  # as Django's own request does


@dataclass
class Tenant:
    """An account with one object of each kind, named by `word` in all its texts and by `digits` in its numbers."""

    account: Account
    word: str
    digits: str
    objects: dict[str, Any] = field(default_factory=dict)

    @property
    def canaries(self) -> list[str]:
        return [self.word, self.digits]

    def person(self, role: Role, name: str = "") -> User:
        user = User.objects.create_user(f"{name or role}@{self.word}.example", name=f"{self.word} {role}")
        Membership.objects.create(user=user, account=self.account, role=role)
        return user

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.PERSON, f"owner@{self.word}.example")


@dataclass
class World:
    acme: Tenant
    harbour: Tenant  # acme's sub-account
    sister: Tenant  # another of acme's
    xeno: Tenant
    people: dict[str, User] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)
    callers: dict[str, dict[str, str]] = field(default_factory=dict)  # credentials of the API's clients
