"""The default: everything embedded, for a demo, a trial and development."""

from accounts.branding.hosts import AllowedHosts

from .base import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench", "demo"]  # noqa: F405 - an installation has neither
DEBUG = False
DEMO_IS_ALLOWED = True
ALLOWED_HOSTS = AllowedHosts(["localhost", "127.0.0.1", "[::1]"])
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"  # noqa: F405
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Not compressed: that takes fifteen seconds of the first start, and nothing leaves this machine.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True  # http://localhost, for a trial
