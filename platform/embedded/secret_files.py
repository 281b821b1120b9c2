"""Secrets from files: NAME_FILE names the file of NAME, as containers are given them. The variable itself wins."""

import os
from pathlib import Path

from embedded.processes import CannotStart

NAMES = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "ENCRYPTION_KEYS",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "EMAIL_HOST_PASSWORD",
    "METRICS_TOKEN",
    "SOCIAL_GOOGLE_SECRET",
    "SOCIAL_MICROSOFT_SECRET",
    "SOCIAL_GITHUB_SECRET",
    "SOCIAL_OPENID_CONNECT_SECRET",
)


def read() -> None:
    """Sets the variables whose files are named. Raises CannotStart where one cannot be read."""
    for name in NAMES:
        path = os.environ.get(f"{name}_FILE")
        if path and not os.environ.get(name):
            try:
                os.environ[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise CannotStart(f"{name}_FILE={path} cannot be read: {error.strerror}") from None
