"""The Celery app. It rings the bell; the work is rows in PostgreSQL, so a lost message costs time and nothing else."""

import datetime as dt
import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import beat_init, celeryd_after_setup, task_postrun, task_prerun, worker_init, worker_process_init
from django.db import close_old_connections
from embedded import addresses, services
from kit import logs
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from config import limits, traces
from config.shares import QUEUES, begin

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # they load every page; `migrate` and the suite have made them

LONGEST_TASK_SECONDS = 90
VISIBILITY_SECONDS = 300  # longer than any task, or Redis gives the task to a second worker beside the first


LONGEST_KNOCK = 3.0  # seconds between two tries whether the broker is back, however long it is away


class PersistentConnection(Connection):
    """Kombu's waits longer and longer, up to half a minute: so long after its return the broker stood idle."""

    def _ensure_connection(self, *given: Any, **named: Any) -> Any:
        return super()._ensure_connection(*given, **{"interval_max": LONGEST_KNOCK, **named})  # type: ignore[no-untyped-call]


class PersistentAmqp(AMQP):  # type: ignore[misc]
    Connection = PersistentConnection
    BrokerConnection = PersistentConnection


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(name, type="direct"), routing_key=name)  # type: ignore[no-untyped-call]


# Seen to lose no task when workers were killed. Django's CELERY_* settings go over these.
DEFAULTS: dict[str, Any] = {
    "broker_url": addresses.broker_url(),
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # an hour without Redis ends no worker
    "task_queues": [_queue(name) for name in QUEUES],
    "task_default_queue": QUEUES[0],
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1},
    "beat_max_loop_interval": 5,
    "beat_scheduler": "config.sweeping:SweepingScheduler",
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    "task_soft_time_limit": 60,
    "task_time_limit": LONGEST_TASK_SECONDS,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    "worker_prefetch_multiplier": 1,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "worker_soft_shutdown_timeout": 5,
    "worker_hijack_root_logger": False,
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 10,  # seconds between two looks for what a worker left so long ago
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 3,  # seconds, or a host that is gone holds whoever rings
        "socket_timeout": 5,
    },
    "result_backend_transport_options": {"visibility_timeout": VISIBILITY_SECONDS},
    "visibility_timeout": VISIBILITY_SECONDS,
    "timezone": "UTC",
    "enable_utc": True,
}


class App(Celery):  # type: ignore[misc]
    def now(self) -> dt.datetime:
        """Celery's goes through three libraries' zones, for each turn of each entry of beat."""
        return dt.datetime.now(dt.UTC)


app = App("linekeeper", task_cls="config.shares:SharedTask", amqp="config.celery:PersistentAmqp")
app.add_defaults(DEFAULTS)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def start_or_join_services(**_: object) -> None:
    """Start or join the embedded services; importing this module does not."""
    services.ensure_running()


@worker_init.connect  # type: ignore[untyped-decorator]
def keep_sessions_between_tasks(**_: object) -> None:
    """Making a session costs more than most tasks do. What a task took and did not finish is let go at its end."""
    from lines.commands import leases

    def between(**_: object) -> None:
        leases.let_go()
        close_old_connections()

    for fixup in app._fixups:
        if fixup is not None:
            fixup.worker_fixup.close_database = between


@worker_process_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def trace(**_: object) -> None:
    """Each process that works is traced by itself, where traces are collected."""
    traces.begin()


@celeryd_after_setup.connect  # type: ignore[untyped-decorator]
def deal_shares(instance: Any, **_: object) -> None:
    """Each queue gets its share of the worker's slots, before it forks."""
    begin(int(instance.concurrency or 1), list(instance.app.amqp.queues.consume_from))
    if "thread" in str(instance.pool_cls):  # no pool of processes that ends what hangs, or what the broker gives twice
        instance.app.conf.worker_cancel_long_running_tasks_on_connection_loss = False
        limits.watch()
        traces.begin()


@task_prerun.connect  # type: ignore[untyped-decorator]
def name_the_job(task_id: str, task: object, **_: object) -> None:
    """What a task logs says which it was."""
    logs.begin(job=task_id, task=str(getattr(task, "name", "")))


@task_postrun.connect  # type: ignore[untyped-decorator]
def end_the_job(**_: object) -> None:
    logs.begin()
