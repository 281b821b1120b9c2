"""Which hosts this installation answers at: its own, and the live domains of brands. Nothing else gets a page."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Iterator

from django.apps import apps
from django.conf import settings

SECONDS = 15  # until another process hears of a domain that went live or down


class AllowedHosts(list[str]):
    """For ALLOWED_HOSTS. Brands' domains are read only for a host that is none of the installation's own."""

    def __init__(self, own: Iterable[str]) -> None:
        super().__init__(own)

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from live_domains()


def is_own(host: str) -> bool:
    """Whether this very host is named as the installation's; a pattern such as `.example.com` may have brands' too."""
    return host in list.__iter__(settings.ALLOWED_HOSTS)


def live_domains() -> frozenset[str]:
    return _read(int(time.monotonic() // SECONDS))


def forget() -> None:
    """This process reads anew: a domain went live or down."""
    _read.cache_clear()


@functools.lru_cache(maxsize=1)
def _read(_turn: int) -> frozenset[str]:
    brands = apps.get_model("accounts", "Brand").objects.filter(domain_live_at__isnull=False)
    return frozenset(filter(None, brands.values_list("domain", flat=True)))
