"""Settings, addresses and entry points of the whole installation."""

from config.celery import app as celery_app  # so that tasks ring our broker wherever Django runs

__all__ = ["celery_app"]
