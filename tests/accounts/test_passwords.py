"""What anybody would try is no password here."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User


def _complaints(password: str) -> list[str]:
    try:
        validate_password(password, User(email="jane@acme.example", name="Jane"))
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize(
    "password",
    ["welcome2024", "P@ssw0rd123", "Summer2026!", "linekeeper1", "123456789012", "linekeeper-demo1", "!!dragon1987!!",
     "jane-acme-2026", "L1nekeeper!!", "iloveyou12345"],
)  # fmt: skip
def test_what_anybody_would_try_is_refused(password: str) -> None:
    assert _complaints(password)


@pytest.mark.parametrize("password", ["orbit-lantern-42", "harbour quiet copper", "xK9#vLq2mTzW", "other-lantern-43"])
def test_what_nobody_would_try_is_taken(password: str) -> None:
    assert _complaints(password) == []
