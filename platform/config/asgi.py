"""The web server's other door, for servers that speak ASGI: config.asgi:application."""

import os

from django.core.asgi import get_asgi_application
from embedded import services

from billing.currency import check_at_start
from config import traces

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
services.ensure_running()
application = get_asgi_application()
traces.begin()
check_at_start()
