"""The suite's: the same services, cheap passwords, mail in memory."""

import os

os.environ |= {"SOCIAL_GOOGLE_CLIENT_ID": "google-client", "SOCIAL_GOOGLE_SECRET": "google-secret"}

from embedded import addresses

from .base import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench", "demo"]  # noqa: F405
DEMO_IS_ALLOWED = True
ALLOWED_HOSTS = ["*", "testserver", "localhost", "127.0.0.1"]
DATABASES = {"default": addresses.database_settings(as_owner=True)}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["OPTIONS"]["options"] = (
    "-c synchronous_commit=off"  # no test needs what it wrote after a power cut
)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MFA_TOTP_TOLERANCE = 1  # a test may begin in one half minute and end in the next
RECOVERY_CODE_ROUNDS = 1
CLOCK_IS_THE_DATABASE = False  # tests that may not touch the database ask for the time, too
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
STATICFILES_DIRS = [*STATICFILES_DIRS, ("axe-core", str(BASE_DIR / "node_modules" / "axe-core"))]  # type: ignore[list-item]  # noqa: F405
API_KEPT_SECONDS = 0.0  # a test that changes who calls is not to wait
