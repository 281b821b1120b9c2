"""The feed: what happened, in an order that no reader misses one in; messages and feed are the same objects."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection, transaction
from kit import clock
from kit.errors import Invalid
from kit.paging import CursorTooOld

from accounts import keys
from accounts.audit import prove
from accounts.commands import record
from accounts.models import Account, Event
from accounts.policy import OPERATOR, SYSTEM, Scope
from accounts.tasks import seal_events
from automation.api.events import FeedAsked, events
from automation.commands import feed, webhooks
from automation.kinds import BY_TYPE, TOPICS
from automation.models import AwaitedLine, FeedEvent, WebhookDelivery, WebhookEndpoint
from automation.work import webhooks as work
from billing.commands.statements import close_statements
from lines.carriers.base import Sms, SmsFate
from lines.commands.drives import postpone
from lines.commands.inbox import received
from lines.commands.sms import Doubt, send_sms, sms_doubted, sms_followed
from lines.commands.wishes import activate, deactivate
from lines.models import Drive, Line, LineState, ReadingPass, SmsLook, SmsMessage
from lines.policy import SmsState, Wanted
from tests.fleets import ON, Fleet


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.account()


def happen(account: Account, verb: str = "balance.low", **detail: object) -> Event:
    return record(by=SYSTEM, verb=verb, account_id=account.pk, subject=f"account:{account.uuid.hex}", detail=detail)


def endpoint(account: Account, *topics: str) -> WebhookEndpoint:
    return webhooks.add_webhook(account=account, url="https://hooks.example.com/a", topics=topics, by=OPERATOR)


def told(account: Account) -> list[str]:
    return list(FeedEvent.objects.filter(account=account).order_by("pk").values_list("type", flat=True))


def test_messages_and_feed_are_the_same_objects(fleet: Fleet, account: Account) -> None:
    one, line = endpoint(account, "lines"), fleet.line(account)
    deactivate(line=line, by=OPERATOR)
    happen(account)
    for _ in range(2):
        work.plan()
    (message,) = WebhookDelivery.objects.filter(endpoint=one)
    row = FeedEvent.objects.get(type="line.deactivated")
    assert (message.body, message.feed) == (row.body, row)
    body = json.loads(row.body)
    assert (body["id"], body["version"], body["type"]) == (f"evt_{row.uuid.hex}", 1, "line.deactivated")
    assert (body["data"]["iccid"], body["data"]["subject"]) == (line.iccid, f"line:{line.iccid}")
    assert (body["account_uuid"], body["at"]) == (account.uuid.hex, f"{row.at:%Y-%m-%d %H:%M:%S}")
    assert "balance.low" in told(account)


def test_what_a_device_wrote_is_told_of_its_message_and_kept_nowhere_else(fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    SmsLook.objects.create(line=line, carrier=line.carrier)
    now = clock.now()
    received(line_id=line.pk, listed=[Sms("7", False, "door open", now, None, "")], looked_at=now)
    work.plan()
    message = SmsMessage.objects.get()
    data = json.loads(FeedEvent.objects.get(type="sms.received").body)["data"]
    assert (data["text"], data["sms"], data["length"], data["iccid"]) == ("door open", message.pk, 9, line.iccid)
    assert "door" not in str(Event.objects.get(verb="sms.received").detail)
    LineState.objects.filter(line=line).update(reported=ON.switch, confirmed_at=now)
    sms = send_sms(line=line, text="close it", by=OPERATOR)
    sms_doubted(message_id=sms.pk, doubt=Doubt(Sms("r1", True, "cl?se it", now, None, "")))
    work.plan()
    data = json.loads(FeedEvent.objects.get(type="sms.doubted").body)["data"]
    assert (data["text"], data["listed"], data["sms"]) == ("close it", "cl?se it", sms.pk)
    seal_events()
    assert prove().is_whole


def test_what_is_committed_late_is_told_behind_what_was_read(account: Account) -> None:
    """The event with the lower number is committed after one with a higher number was told."""
    early = happen(account, note="early")
    Event.objects.filter(pk=early.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('accounts_event', 'id'), %s)", [early.pk + 10])
    late = happen(account, note="higher")
    FeedEvent.objects.all().delete()
    with transaction.atomic():
        feed._tell([feed._of_event(_row(late))])
    cursor_before = FeedEvent.objects.get().pk
    work.plan()
    behind = FeedEvent.objects.filter(account=account, pk__gt=cursor_before, type="balance.low")
    assert [row.source for row in behind] == [early.pk]


def _row(event: Event) -> tuple[object, ...]:
    account = event.account
    assert account is not None
    return (event.pk, event.verb, event.at, event.subject, event.actor_name, event.detail, account.uuid, account.pk)


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_feed_wait_for_each_other() -> None:
    from django.db import connections

    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [feed.LOCK])
        other = connections.create_connection("default")
        try:
            with other.cursor() as second:
                second.execute("SELECT pg_try_advisory_lock(%s)", [feed.LOCK])
                assert second.fetchone()[0] is False
        finally:
            other.close()


def test_a_client_reads_on_with_its_cursor(fleet: Fleet, account: Account) -> None:
    from accounts.policy import Role, rights
    from accounts.queries import Caller

    caller = Caller(account, OPERATOR, rights(Role.OWNER, is_subaccount=False))
    sub, stranger = fleet.account(parent=account), fleet.account()
    for one in (account, sub, stranger, account):
        happen(one)
    work.plan()
    first = events.run(caller, FeedAsked(topic="balance", per_page=2))
    assert (len(first.data), first.has_more) == (2, True)
    rest = events.run(caller, FeedAsked(topic="balance", cursor=first.cursor))
    assert (len(rest.data), rest.has_more) == (1, False)
    assert {one.account_uuid for one in [*first.data, *rest.data]} == {account.uuid.hex, sub.uuid.hex}
    assert events.run(caller, FeedAsked(cursor=rest.cursor)).cursor == rest.cursor
    assert events.run(caller, FeedAsked(cursor="now")).data == []
    for wrong in (FeedAsked(cursor="x"), FeedAsked(topic="x"), FeedAsked(type="x")):
        with pytest.raises(Invalid):
            events.run(caller, wrong)


def test_what_is_dropped_leaves_no_silent_gap(account: Account) -> None:
    from accounts.queries import Caller

    caller = Caller(account, OPERATOR, frozenset())
    happen(account)
    happen(account)
    work.plan()
    first = FeedEvent.objects.order_by("pk").first()
    assert first is not None
    with clock.frozen(clock.now() + dt.timedelta(days=91)):
        work.plan()
        assert feed.drop_old_events() >= 2
        assert feed.drop_old_events() == 0
        with pytest.raises(CursorTooOld):
            events.run(caller, FeedAsked(cursor=str(first.pk)))
        happen(account)
        work.plan()
        assert [one.type for one in events.run(caller, FeedAsked()).data] == ["balance.low"]


def test_a_carriers_word_is_told_when_it_comes(fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    deactivate(line=line, by=OPERATOR)
    work.plan()
    assert AwaitedLine.objects.get().on is False
    Drive.objects.filter(line=line).update(attempts=5, last_error="HTTP 503")
    for _ in range(2):
        work.plan()
    failed = json.loads(FeedEvent.objects.get(type="line.failed").body)["data"]
    assert (failed["iccid"], failed["status"], failed["why"]) == (line.iccid, "Deactivated", "HTTP 503")
    Drive.objects.filter(line=line).delete()
    for _ in range(2):
        work.plan()
    confirmed = json.loads(FeedEvent.objects.get(type="line.confirmed").body)["data"]
    assert (confirmed["iccid"], confirmed["status"]) == (line.iccid, "Deactivated")
    assert not AwaitedLine.objects.exists()


def test_a_wish_that_changed_meanwhile_is_confirmed_once_as_it_is(fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    deactivate(line=line, by=OPERATOR)
    work.plan()
    activate(line=Line.objects.get(pk=line.pk), by=OPERATOR)
    Drive.objects.filter(line=line).delete()
    work.plan()
    told_of = [json.loads(row.body)["data"]["status"] for row in FeedEvent.objects.filter(type="line.confirmed")]
    assert (told_of, LineState.objects.get(line=line).wanted) == (["Activated"], Wanted.ACTIVE)


def test_an_address_that_was_off_catches_up_where_it_is_asked(account: Account) -> None:
    one, other = endpoint(account, "balance"), endpoint(account, "balance")
    about: dict[str, Any] = {"account": account, "by": OPERATOR}
    happen(account)
    work.plan()
    for row in (one, other):
        webhooks.switch_webhook(endpoint=row, on=False, **about)
    happen(account)
    work.plan()
    webhooks.switch_webhook(endpoint=one, on=True, catch_up=True, **about)
    webhooks.switch_webhook(endpoint=other, on=True, **about)
    work.plan()
    counts = [WebhookDelivery.objects.filter(endpoint=row, topic="balance").count() for row in (one, other)]
    assert counts == [2, 1]


def test_both_secrets_sign_while_one_is_turned_over(account: Account) -> None:
    one = endpoint(account, "balance")
    before = work._secrets(one)
    webhooks.renew_secret(account=account, endpoint=one, by=OPERATOR, overlap_hours=24)
    one.refresh_from_db()
    both = work._secrets(one)
    assert (len(both), both[1:]) == (2, before)
    with clock.frozen(clock.now() + dt.timedelta(hours=25)):
        assert work._secrets(one) == both[:1]
    webhooks.renew_secret(account=account, endpoint=one, by=OPERATOR, overlap_hours=0)
    one.refresh_from_db()
    assert len(work._secrets(one)) == 1
    with pytest.raises(Invalid):
        webhooks.renew_secret(account=account, endpoint=one, by=OPERATOR, overlap_hours=5)


def test_a_key_that_ends_soon_is_told_once(account: Account) -> None:
    keys.make_key(account=account, name="a", scopes=[Scope.READ_LINES], days=7, by=OPERATOR)
    keys.make_key(account=account, name="b", scopes=[Scope.READ_LINES], days=30, by=OPERATOR)
    assert [keys.tell_expiring() for _ in range(2)] == [1, 0]
    work.plan()
    assert json.loads(FeedEvent.objects.get(type="api_key.expiring").body)["data"]["name"] == "a"


def test_every_topic_may_be_chosen_and_every_kind_has_one() -> None:
    from typing import get_args

    from automation.api.webhooks import Topic
    from automation.views.webhooks import TOPICS as SHOWN

    assert set(get_args(Topic)) == set(TOPICS) == {name for name, _ in SHOWN}
    assert {kind.topic for kind in BY_TYPE.values()} == set(TOPICS)


def test_a_refusal_is_told_at_once_and_once(fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    deactivate(line=line, by=OPERATOR)
    work.plan()
    for _ in range(2):
        postpone(line_id=line.pk, error="HTTP 422 not allowed", is_refused=True)
        work.plan()
    refused = json.loads(FeedEvent.objects.get(type="line.refused").body)["data"]
    assert (refused["iccid"], refused["status"], refused["why"]) == (line.iccid, "Deactivated", "HTTP 422 not allowed")
    Drive.objects.filter(line=line).update(attempts=9)
    postpone(line_id=line.pk, error="no answer")
    work.plan()
    assert "line.failed" not in told(account)


def test_a_carriers_trouble_is_told_to_who_has_lines_there_and_its_end_too(fleet: Fleet, account: Account) -> None:
    line, stranger = fleet.line(account), fleet.account()
    started = clock.now() - dt.timedelta(days=1)
    ReadingPass.objects.filter(carrier=line.carrier).delete()
    late = ReadingPass.objects.create(carrier=line.carrier, started_at=started, finished_at=started)
    assert [feed.publish_troubles() for _ in range(2)] == [1, 0]
    trouble = json.loads(FeedEvent.objects.get(type="carrier.trouble").body)["data"]
    assert (trouble["carrier"], trouble["why"][: len(line.carrier.name)]) == (line.carrier.name, line.carrier.name)
    late.started_at = late.finished_at = clock.now()
    late.save()
    assert [feed.publish_troubles() for _ in range(2)] == [1, 0]
    assert told(account) == ["carrier.trouble", "carrier.recovered"]
    assert told(stranger) == []


def test_a_month_is_told_final_once_to_who_used_something_in_it(fleet: Fleet, account: Account) -> None:
    line, idle = fleet.line(account), fleet.account()
    fleet.read(line, "2026-11-10T08:00", 0)
    fleet.read(line, "2026-11-10T09:00", 5_000_000)
    days = (dt.date(2026, 12, 3), dt.date(2026, 12, 4), dt.date(2026, 12, 4), dt.date(2026, 12, 31))
    with clock.frozen(dt.datetime(2026, 12, 4, 1, tzinfo=dt.UTC)):
        assert [close_statements(today=day) for day in days] == [0, 1, 0, 0]
        work.plan()
    closed = json.loads(FeedEvent.objects.get(type="statement.closed").body)["data"]
    assert (closed["month"], told(idle)) == ("2026-11", [])


def test_a_message_that_arrived_and_one_that_did_not_are_told(fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    for ref, fate in (("a", SmsFate.DELIVERED), ("b", SmsFate.FAILED)):
        message = SmsMessage.objects.create(
            line=line, carrier=line.carrier, account=account, payer=account, to_device=True, text="ping",
            state=SmsState.SENT, by="", price=0, ref=ref, accepted_at=clock.now(),
        )  # fmt: skip
        for _ in range(2):
            sms_followed(message_id=message.pk, sms=Sms(ref, True, "ping", clock.now(), fate, "expired"))
    work.plan()
    rows = FeedEvent.objects.filter(topic="sms").order_by("pk")
    data = {row.type: json.loads(row.body)["data"] for row in rows}
    assert list(data) == ["sms.delivered", "sms.undelivered"]
    assert (data["sms.undelivered"]["sms"], data["sms.undelivered"]["why"]) == (message.pk, "expired")
    assert "why" not in data["sms.delivered"]
