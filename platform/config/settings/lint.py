"""Local settings for `make check`, which lints migrations."""

from .local import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]  # noqa: F405
