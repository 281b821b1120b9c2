"""The web server's door: config.wsgi:application."""

import os

from django.core.wsgi import get_wsgi_application
from embedded import services

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
services.ensure_running()
application = get_wsgi_application()
