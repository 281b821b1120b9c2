"""Which hosts this installation calls, as its operator lists them."""

from __future__ import annotations

from collections.abc import Sequence


def is_listed(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is one of these; `*` is every one, `*.example.com` each name under example.com."""
    name = host.lower().rstrip(".")
    return any(one == "*" or name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in hosts)


def listed(text: str) -> tuple[str, ...]:
    """A comma-separated list of a setting."""
    return tuple(one.strip().lower() for one in text.split(",") if one.strip())
