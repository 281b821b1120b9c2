"""The web server's door: config.wsgi:application."""

import os
import tempfile
from pathlib import Path

from django.core.wsgi import get_wsgi_application
from embedded import services

from billing.currency import check_at_start
from config import traces


def _share_figures() -> None:
    """The processes of one web server count requests together, in a folder of their parent's name."""
    folder = Path(tempfile.gettempdir()) / f"linekeeper-figures-{os.getuid()}-{os.getppid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
_share_figures()
services.ensure_running()
application = get_wsgi_application()
traces.begin()
check_at_start()
