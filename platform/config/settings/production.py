"""A real installation: everything by environment, nothing by default, no frozen clock."""

import os

from django.core.exceptions import ImproperlyConfigured
from embedded import addresses
from kit.outside import listed

from accounts.branding.hosts import AllowedHosts

from .base import *  # noqa: F403


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set; see docs/operating.md")
    return value


if os.environ.get("LINEKEEPER_NOW"):
    raise ImproperlyConfigured("LINEKEEPER_NOW freezes the clock and is refused in production; unset it")

for _name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS"):
    _required(_name)

# What leaves this machine is encrypted, unless the operator says that the network is nobody else's.
if os.environ.get("CLEAR_INSIDE") != "1" and (_clear := addresses.in_clear()):
    raise ImproperlyConfigured(
        f"{' and '.join(_clear)} would be spoken to in clear: add ?sslmode=verify-full, write rediss://, or set"
        " CLEAR_INSIDE=1 where that network is yours alone; see docs/operating.md"
    )

# A tag is another image tomorrow. What others make is run by its digest where the operator has said so.
_images = ("POSTGRES_IMAGE", "REDIS_IMAGE", "CADDY_IMAGE")
_tags = [_name for _name in _images if "@sha256:" not in os.environ.get(_name, "")]
if os.environ.get("PINNED_IMAGES") == "1" and _tags:
    raise ImproperlyConfigured(f"{', '.join(_tags)}: no digest, which PINNED_IMAGES=1 asks for; run scripts/pin-images")

_own = [*filter(None, map(str.strip, _required("ALLOWED_HOSTS").split(","))), *filter(None, [BACK_OFFICE_HOST])]  # noqa: F405
ALLOWED_HOSTS = AllowedHosts(dict.fromkeys(_own))
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in list.__iter__(ALLOWED_HOSTS) if host[0] != "."]
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS", "") == "1"

# Pages go out compressed whatever stands in front: a list of a hundred lines is 230 kB, and 14 kB so. Forms' tokens are
# masked anew each time and the middleware varies the length, so that nothing can be guessed from it.
_after = MIDDLEWARE.index("whitenoise.middleware.WhiteNoiseMiddleware") + 1  # noqa: F405 - its files are compressed
MIDDLEWARE.insert(_after, "django.middleware.gzip.GZipMiddleware")  # noqa: F405

MIDDLEWARE.insert(1, "kit.proxies.ForwardedMiddleware")  # noqa: F405 - after the probes, which come over no proxy
LOGGING["handlers"]["stderr"]["formatter"] = os.environ.get("LINEKEEPER_LOG_FORMAT", "json")  # type: ignore[index]  # noqa: F405

SECOND_FACTOR_FOR_ALL = os.environ.get("SECOND_FACTOR", "everybody") != "optional"
CARRIER_HOSTS = listed(os.environ.get("CARRIER_HOSTS", ""))
ONLY_ENCRYPTED = True

ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # so that sign-up, too, never tells who is here already
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# A browser takes these by https only, and gives them to this very host alone: no other under its name can set one.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
SECURE_SSL_REDIRECT = os.environ.get("LINEKEEPER_PLAIN_HTTP", "") != "1"
SECURE_REDIRECT_EXEMPT = [r"^api/(?!openapi\.json$)"]  # refused there, and not redirected
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = os.environ.get("HSTS_SUBDOMAINS", "") == "1"  # other names may be somebody else's
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
