"""Live and test: where a call is answered. A test key and a Basic account never reach what is live, a live key never
what is test."""

from __future__ import annotations

from kit.endpoints import Endpoint
from kit.errors import Forbidden, Refusal

from accounts.queries import Caller, test_account_of
from api import routes
from lines.commands.sandbox import make_sandbox

MARK = "X-Sample-Data"  # of every answer that is not of a live account


def served(caller: Caller, *, may_make: bool) -> Caller:
    """The caller in the account that answers: their own, or its test account, which is made where it is the first
    time. Raises Unconfirmed, TooManyMade."""
    if not caller.is_for_test:
        return caller
    found = test_account_of(caller.account)
    if found is None and may_make:
        found = make_sandbox(account=caller.account, by=caller.actor)
    return caller if found is None else caller.in_test(found)


def is_marked(verb: str, path: str, caller: Caller, served: Caller) -> bool:
    """Whether what this call is answered, also that it is refused, is of a test account."""
    if not served.account.is_test:
        return False
    if caller.account.is_test or caller.has_test_key:
        return True
    try:
        return routes.find(verb, path)[0].side != "live"
    except Refusal:
        return True


def of(endpoint: Endpoint, caller: Caller, served: Caller) -> Caller:
    """Whose call this is: one about the live account is answered by it. Raises Forbidden on the wrong side."""
    if endpoint.side == "live":
        if caller.account.is_test or caller.has_test_key:
            raise Forbidden("This call is about a live account; make it with a live key")
        return caller
    if endpoint.side == "test" and not served.account.is_test:
        raise Forbidden("This call is of test accounts alone; make it with a test key, which begins api_test_")
    return served
