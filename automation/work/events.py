"""Reading the events of the apps below, each for long enough to miss none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Max
from kit import clock

from accounts.models import Event
from automation.models import Swept

LONGEST_TRANSACTION = dt.timedelta(minutes=5)  # an event may be committed this long after one with a higher number


@contextmanager
def new_events(name: str) -> Iterator[int]:
    """The number behind which events are new to this reader. Young ones come again: what is done about them must be
    harmless twice. Where the block fails, all of them come again."""
    swept, _ = Swept.objects.get_or_create(name=name)
    yield swept.last_event
    settled = Event.objects.filter(pk__gt=swept.last_event, at__lt=clock.now() - LONGEST_TRANSACTION)
    if (last := settled.aggregate(last=Max("pk"))["last"]) is not None:
        Swept.objects.filter(name=name, last_event__lt=last).update(last_event=last)
