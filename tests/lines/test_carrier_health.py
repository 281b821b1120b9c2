"""Who has lines at a carrier that is not well is told so; nobody else is."""

from __future__ import annotations

import datetime as dt

from kit import clock

from lines.models import Breaker, CarrierHealth, ReadingPass
from lines.queries.health import health_of, troubles_of
from tests.console.console_people import client_of, place_of
from tests.fleets import Fleet


def test_trouble_is_shown_to_those_with_lines_there_and_to_nobody_else(fleet: Fleet) -> None:
    account, other = fleet.account(), fleet.account()
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    fleet.line(other, "iotportal")
    for path in ("/lines/", f"/lines/{line.iccid}/"):
        assert "does not answer" not in client_of(account).get(path).content.decode()
    Breaker.objects.create(carrier=line.carrier, kind="devices", open_until=clock.now(), failures=5)
    assert "does not answer" not in client_of(account).get("/lines/").content.decode()
    Breaker.objects.create(carrier=line.carrier, kind="reading", open_until=clock.now(), failures=5)
    for path in ("/lines/", f"/lines/{line.iccid}/"):
        assert "simbase does not answer" in client_of(account).get(path).content.decode()
        page = client_of(sub).get(path).content.decode()
        assert "A network behind your lines does not answer" in page
        assert "simbase does" not in page
    assert troubles_of(place_of(other)) == []
    assert "does not answer" not in client_of(other).get("/lines/").content.decode()


def test_calls_left_lag_and_failures_are_counted(fleet: Fleet) -> None:
    carrier = fleet.carriers["simbase"]
    CarrierHealth.objects.filter(carrier=carrier).update(day=clock.today(), calls_today=4990)
    began = clock.now() - dt.timedelta(hours=7)
    ReadingPass.objects.create(carrier=carrier, started_at=began, finished_at=began, readings=100, failed=2)
    (found,) = health_of([carrier])
    assert (found.calls_left, found.readings, found.failed, found.is_late, found.answers) == (10, 100, 2, True, True)
    CarrierHealth.objects.filter(carrier=carrier).update(day=clock.today() - dt.timedelta(days=1))
    assert health_of([carrier])[0].calls_left == 5000
