"""What the demo's people have done: staff of every role, tags, notes to devices and from them, jobs, orders."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from kit import clock

from accounts.commands.invitations import invite, join_as_new, new_token
from accounts.models import Account
from accounts.policy import Actor, ActorKind, Role
from accounts.queries import owner_of
from lines.commands import jobs, orders
from lines.commands.sms import send_sms
from lines.models import Job, Line
from lines.policy import Action, Wanted

STAFF = (
    ("tom@linekeeper.example", "Tom Verhoeven", Role.USER),
    ("mia@linekeeper.example", "Mia Santos", Role.OPERATOR),
    ("lee@linekeeper.example", "Lee Park", Role.VIEWER),
)
INVITED = "noor@linekeeper.example"  # has not answered yet
FROM_DEVICES = ("BATT 12%", "DOOR OPEN 02:14", "TEMP 41C", "SOS", "GPS LOST", "BATT 9%")
TO_DEVICES = ("STATUS?", "REBOOT", "INTERVAL 300")
TAGGED = (("camera", "Harbour Security"), ("meter", "Water Works"))
HALF_DONE = ("winter check", "City Bikes", 40)  # tag, sub-account, lines done before the job was paused


@transaction.atomic
def act(account: Account, password: str, say: Callable[[str, str], None]) -> None:
    """Once the lines are there. `say` has a device send a message. Harmless twice."""
    if Job.objects.filter(account=account).exists():
        return
    owner = owner_of(account).actor
    staff = _hire(account, password, owner)
    lines = Line.objects.filter(payer=account).order_by("pk")
    with clock.frozen(min(clock.now(), dt.datetime.combine(clock.today(), dt.time(0, 10), dt.UTC))):
        for tag, holder in TAGGED:
            _work(
                account, lines.filter(account__name=holder), Action.TAG, {"tags": [tag]}, f"all of {holder}", staff[0]
            )
        some = lines.filter(notes__startswith="Spare")
        _work(account, some, Action.SMS, {"text": "STATUS?"}, "notes that begin with Spare", staff[0])
        orders.ask_for_cards(account=account, wish=_wish(250), key=uuid.uuid4(), by=staff[0])
    tag, holder, done = HALF_DONE
    job = _start(account, lines.filter(account__name=holder), Action.TAG, {"tags": [tag]}, f"all of {holder}", owner)
    jobs.work_chunk(job_id=job.pk, limit=done)
    jobs.pause(job=job, by=owner)
    active = lines.filter(state__wanted=Wanted.ACTIVE)
    for line, text in zip(active[:20:5], TO_DEVICES, strict=False):
        send_sms(line=line, text=text, by=staff[1])
    for line, text in zip(active[2:120:18], FROM_DEVICES, strict=False):
        say(line.iccid, text)


def _hire(account: Account, password: str, owner: Actor) -> list[Actor]:
    """Invited, and joined by their links; one has not answered."""
    for email, name, role in STAFF:
        invitation = invite(account=account, email=email, role=role, address="", by=owner)
        join_as_new(token=new_token(invitation=invitation), name=name, password=password)
    invite(account=account, email=INVITED, role=Role.VIEWER, address="", by=owner)
    return [Actor(ActorKind.PERSON, email) for email, _, _ in STAFF]


def _start(
    account: Account, lines: QuerySet[Line], action: Action, parameters: dict[str, object], selection: str, by: Actor
) -> Job:
    return jobs.start_job(
        account=account, lines=lines, action=action, parameters=parameters, selection=selection, by=by
    )


def _work(
    account: Account, lines: QuerySet[Line], action: Action, parameters: dict[str, object], selection: str, by: Actor
) -> None:
    """A job from its first line to its last."""
    job = _start(account, lines, action, parameters, selection, by)
    while jobs.work_chunk(job_id=job.pk):
        pass


def _wish(quantity: int) -> orders.Wish:
    return orders.Wish(
        quantity=quantity,
        contact="Tom Verhoeven",
        email=STAFF[0][0],
        address="Northwind Telematics\nMaasboulevard 100\n3063 NS Rotterdam",
        message="Triple cut, for the bikes of next spring.",
    )
