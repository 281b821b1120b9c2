"""How the house is laid out."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest
from config.celery import app as celery_app
from config.settings.work import CELERY_BEAT_SCHEDULE
from django.apps import apps
from embedded.addresses import REPOSITORY

FLOORS = {"accounts": 0, "billing": 1, "lines": 2, "automation": 3, "subaccounts": 3}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY)


def test_our_platform_folder_never_shadows_the_standard_library() -> None:
    assert not (REPOSITORY / "platform" / "__init__.py").exists()
    result = run("import platform; print(platform.python_implementation())")
    assert result.stdout.strip() == "CPython", result.stderr


POLICIES = sorted([*REPOSITORY.glob("*/policy.py"), *(path.parent for path in REPOSITORY.glob("*/policy/__init__.py"))])


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.parent.name)
def test_a_policy_imports_without_django(path: Path) -> None:
    blocked = "import sys; sys.modules.update(django=None, celery=None, httpx=None, psycopg=None)"
    result = run(f"{blocked}; import {path.parent.name}.policy")
    assert result.returncode == 0, result.stderr


def test_foreign_keys_point_downwards() -> None:
    upwards = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        if model._meta.app_label in FLOORS
        for field in model._meta.get_fields()
        if field.concrete and field.is_relation and field.related_model is not None
        if field.related_model._meta.app_label in FLOORS
        if not _may_point(model._meta.app_label, field.related_model._meta.app_label)
    ]
    assert upwards == []


def _may_point(here: str, there: str) -> bool:
    return here == there or FLOORS[there] < FLOORS[here]


def test_commands_take_their_arguments_by_name_only() -> None:
    positional = [
        f"{function.__module__}.{function.__name__}({parameter.name})"
        for app in FLOORS
        for function in _commands(app)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert positional == []


def _commands(app: str) -> list[FunctionType]:
    """Return what other modules may call in an app's commands: its public functions that are defined there."""
    name = f"{app}.commands"
    if importlib.util.find_spec(name) is None:
        return []
    package = importlib.import_module(name)
    parts = pkgutil.walk_packages(getattr(package, "__path__", []), prefix=f"{name}.")
    return [
        thing
        for module in [package, *(importlib.import_module(part.name) for part in parts)]
        for thing in vars(module).values()
        if isinstance(thing, FunctionType) and thing.__module__ == module.__name__
        if not thing.__name__.startswith("_")
    ]


def test_models_do_not_override_save() -> None:
    ours = [model for model in apps.get_models() if model._meta.app_label in FLOORS]
    assert [model.__name__ for model in ours if "save" in vars(model)] == []


def test_every_periodic_task_exists() -> None:
    celery_app.loader.import_default_modules()
    wanted = {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()}
    assert wanted <= set(celery_app.tasks)


def test_a_task_ends_before_redis_gives_it_to_a_second_worker() -> None:
    visible = celery_app.conf.broker_transport_options["visibility_timeout"]
    assert celery_app.conf.task_soft_time_limit < celery_app.conf.task_time_limit < visible
    assert celery_app.conf.task_acks_late
    assert celery_app.conf.task_reject_on_worker_lost


def test_only_settings_and_the_embedded_servers_read_the_environment() -> None:
    allowed = (
        "platform/config/",
        "platform/embedded/",
        "platform/simulator/",
        "platform/bench/",  # it starts a web server of its own
        "platform/kit/clock.py",
        "tests/",
        "clients/",
    )
    readers = [
        name
        for name in _python_files()
        if not name.startswith(allowed) and name != "manage.py" and _reads_environment(REPOSITORY / name)
    ]
    assert readers == []


def _reads_environment(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") for node in ast.walk(tree))


def _python_files() -> list[str]:
    command = ["git", "ls-files", "*.py"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
