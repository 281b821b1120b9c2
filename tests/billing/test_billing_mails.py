"""Mails are rows: tried for three days with growing pauses, never handed over twice, and seen where they failed."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core import mail
from kit import posting
from kit.errors import Invalid

from accounts.models import Account
from accounts.policy import OPERATOR
from billing import mail as mails
from billing import tasks
from billing.commands import notices
from billing.models import Notice
from billing.words import Told

START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def told(account: Account) -> Notice:
    notices.tell(account_id=account.pk, key="x", told=Told("A subject", "A text"))
    return Notice.objects.get()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.timedelta], None]:
    return lambda since: monkeypatch.setenv("LINEKEEPER_NOW", (START + since).isoformat())


def test_pauses_grow_to_hours() -> None:
    minutes = [posting.pause(tries).total_seconds() / 60 for tries in (1, 2, 3, 4, 8, 9, 60)]
    assert minutes == [1, 2, 4, 8, 128, 240, 240]


def test_a_mail_outlives_a_mail_server_that_is_down_for_two_days(
    told: Notice, settings: Any, at: Callable[[dt.timedelta], None]
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "kit.posting.Backend", "127.0.0.1", 9
    for hours in range(48):
        at(dt.timedelta(hours=hours))
        tasks.send_notices()
        tasks.send_notices()
    told.refresh_from_db()
    assert (told.mailed_at, told.failed_at) == (None, None)
    assert 10 < told.tries < 30
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    at(dt.timedelta(hours=53))
    for _ in range(3):
        tasks.send_notices()
    assert len(mail.outbox) == 1


def test_after_three_days_it_is_listed_as_failed_and_a_person_sends_it_again(
    told: Notice, settings: Any, at: Callable[[dt.timedelta], None]
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "kit.posting.Backend", "127.0.0.1", 9
    with pytest.raises(Invalid):
        notices.send_again(notice_id=told.pk, by=OPERATOR)
    for hours in range(0, 80, 4):
        at(dt.timedelta(hours=hours, minutes=5))
        tasks.send_notices()
    told.refresh_from_db()
    assert told.failed_at is not None
    assert "refused" in told.why.lower()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tasks.send_notices()
    assert mail.outbox == []
    notices.send_again(notice_id=told.pk, by=OPERATOR)
    tasks.send_notices()
    tasks.send_notices()
    assert len(mail.outbox) == 1


def test_a_worker_that_dies_as_it_hands_a_mail_over_never_sends_it_twice(
    told: Notice, at: Callable[[dt.timedelta], None]
) -> None:
    claimed = notices.claim_notice()
    assert claimed is not None
    claimed.handed_at = START
    claimed.save()
    for minutes in (1, 3, 6, 60):
        at(dt.timedelta(minutes=minutes))
        tasks.send_notices()
    told.refresh_from_db()
    assert mail.outbox == []
    assert "don't know whether" in told.why
    assert told.failed_at is not None


def test_a_worker_that_dies_before_costs_a_minute(told: Notice, at: Callable[[dt.timedelta], None]) -> None:
    assert notices.claim_notice() is not None
    tasks.send_notices()
    assert mail.outbox == []
    at(dt.timedelta(minutes=1))
    tasks.send_notices()
    assert len(mail.outbox) == 1


def test_one_that_cannot_be_written_stops_no_other(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        notices.tell(account_id=account.pk, key=f"x:{number}", told=Told(f"subject {number}", "y"))
    real = mails.letter_of

    def letter(notice: Notice) -> Any:
        if notice.key == "x:1":
            raise RuntimeError("no such invoice")
        return real(notice)

    monkeypatch.setattr(mails, "letter_of", letter)
    assert tasks.send_notices() == 2
    assert Notice.objects.get(key="x:1").why == "RuntimeError: no such invoice"


@contextmanager
def server(*answers: bytes) -> Iterator[int]:
    """One that answers so often, and then holds the connection in silence."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)
    done = threading.Event()

    def serve() -> None:
        held, _ = listening.accept()
        for answer in answers:
            held.sendall(answer)
            held.recv(65536)
        done.wait(60)
        held.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    done.set()
    listening.close()
    thread.join(60)


@pytest.mark.parametrize(
    ("answers", "in_doubt"),
    [
        ((), False),  # accepts the connection and says nothing
        ((b"220 x\r\n",), False),
        ((b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 go on\r\n"), True),  # silent after the text
        ((b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 go\r\n", b"451 later\r\n"), False),
    ],
)
def test_a_mail_server_that_hangs_is_left_after_its_time_out(
    told: Notice, settings: Any, answers: tuple[bytes, ...], in_doubt: bool
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "kit.posting.Backend", "127.0.0.1", 0.5
    with server(*answers) as port:
        settings.EMAIL_PORT = port
        assert tasks.send_notices() == 0
    told.refresh_from_db()
    assert (told.failed_at is not None, told.handed_at is not None) == (in_doubt, in_doubt)


def test_an_installation_has_a_time_out_for_its_mail_server() -> None:
    from config.settings import base

    assert 0 < base.EMAIL_TIMEOUT <= 30
    assert base.EMAIL_BACKEND == "kit.posting.Backend"
    assert issubclass(posting.Backend().connection_class, smtplib.SMTP)
