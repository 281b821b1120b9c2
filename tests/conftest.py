"""What every test may ask for: real PostgreSQL and Redis, a real Chromium, and pages of a live server."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import connection, transaction
from django.db.backends.postgresql.creation import DatabaseCreation
from django.db.backends.postgresql.operations import DatabaseOperations
from django.middleware import csrf
from django.utils.crypto import get_random_string
from embedded import services as embedded_services
from embedded import templates
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from tests import order
from tests.answering import Answering

# The suite draws the same each time, so that no change waits for somebody else's luck; the long profile looks further.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True, derandomize=True
)
settings.register_profile("long", settings.get_profile("suite"), max_examples=2000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

HISTORIES = "of histories: "
WRITTEN_AFTER_MIGRATING = {"django_content_type", "auth_permission"}
WELL_WITHIN = 30_000  # milliseconds for what a page does on a busy machine
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait, for a browser, a simulator or a process of their own."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {}).get("workercount")
    if workers:
        items[:] = order.longest_first(items, workers)


@pytest.fixture(scope="session")
def services() -> None:
    """PostgreSQL and Redis under .local/test, or those that DATABASE_URL and REDIS_URL name."""
    embedded_services.ensure_running(migrate=False)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, services: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Start the services before the first test that uses the database; each xdist worker has a database of its own, a
    copy of one that was migrated once."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = templates.migrated()


@pytest.fixture(scope="session", autouse=True)
def _flush_is_quick_and_empties_what_is_append_only() -> Iterator[None]:
    """After a transactional test rows are deleted with no trigger asked: TRUNCATE makes every table's files anew, which
    takes five times as long, and the database refuses to empty the ledger. What Django writes down of its models after
    a migration stays: to write it again takes longer than all the rest."""

    def delete(self: DatabaseOperations, sql_list: list[str]) -> None:
        tables = sorted({*re.findall(r'"(\w+)"', " ".join(sql_list))} - WRITTEN_AFTER_MIGRATING)
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(";".join(f'DELETE FROM "{table}"' for table in tables))

    def drop(self: DatabaseCreation, name: str, verbosity: int) -> None:
        """With the sessions that are about to end: on a busy machine PostgreSQL takes longer than it waits itself."""
        with self._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # what Django calls itself, and its types do not name
            cursor.execute(f"DROP DATABASE IF EXISTS {self.connection.ops.quote_name(name)} WITH (FORCE)")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseCreation, "_destroy_test_db", drop)
        patch.setattr(DatabaseOperations, "execute_sql_flush", delete)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_given, **_named: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _tokens_of_forms_hold_no_words() -> Iterator[None]:
    """A form's token has y, z, W, X and Y alone, for both halves of it are of y and z: whoever looks in a page for what
    may not stand there, an amount or a name, never meets it by chance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csrf, "_get_new_csrf_string", lambda: get_random_string(csrf.CSRF_SECRET_LENGTH, "yz"))
        yield


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests of this worker: CHROMIUM, or the first on PATH."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.fail("no Chromium: run scripts/chromium, or name one in CHROMIUM", pytrace=False)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs an event loop in the thread of the tests
    expect.set_options(timeout=WELL_WITHIN)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def answering(live_server: LiveServer) -> Answering:
    """The live server's requests, to wait for when a browser has gone."""
    server = live_server.thread.httpd
    app = server.get_app()
    assert app is not None
    watched = Answering(app)
    server.set_app(watched)
    return watched


@pytest.fixture(scope="session")
def profile(chromium: Browser, live_server: LiveServer) -> Iterator[Callable[..., BrowserContext]]:
    """A profile of Chromium for each way to look at pages, with nobody logged in. What it loaded for one test it keeps
    for the next: scripts and styles are most of a first load."""
    kept: dict[str, BrowserContext] = {}

    def of(**options: Any) -> BrowserContext:
        key = repr(sorted(options.items()))
        if key not in kept:
            kept[key] = chromium.new_context(base_url=live_server.url, **options)
            kept[key].set_default_timeout(WELL_WITHIN)
        kept[key].clear_cookies()
        return kept[key]

    yield of
    for context in kept.values():
        context.close()


@pytest.fixture
def page(profile: Callable[..., BrowserContext], live_server: LiveServer, answering: Answering) -> Iterator[Page]:
    """A page of the live server; asking another host or an error in its console fails the test."""
    page = profile().new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on("console", lambda message: _note_violation(complaints, message.text))
    page.on("request", lambda request: _note_foreign(complaints, request.url, live_server.url))
    yield page
    page.close()
    answering.wait()
    assert complaints == []


def _note_violation(complaints: list[str], text: str) -> None:
    if "Content Security Policy" in text:
        complaints.append(text)


def _note_foreign(complaints: list[str], url: str, ours: str) -> None:
    if not url.startswith((f"{ours}/", "data:", "blob:", "about:")):
        complaints.append(f"asks another host: {url}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tenant matrix asked and the histories did, in this process or in its workers."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    ended = [report for report in reports if getattr(report, "when", "") == "teardown"]
    told = [value for report in ended for name, value in report.user_properties if name.startswith("cells of")]
    if told:
        terminalreporter.write_line(f"Tenant matrix: {sum(told):,} cells (route x method x person x object)")
    did: dict[str, int] = {}
    for name, value in (one for report in ended for one in report.user_properties):
        if name.startswith(HISTORIES):
            did[name.removeprefix(HISTORIES)] = did.get(name.removeprefix(HISTORIES), 0) + value
    if did:
        terminalreporter.write_line("Histories: " + ", ".join(f"{name} {did[name]:,}" for name in sorted(did)))
