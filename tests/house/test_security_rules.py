"""The house's own rules of security hold, and each of them finds what it is for."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house import security_rules as house

# What breaks a rule rightly: (rule, file) -> why.
KEPT = {
    ("chance_is_the_systems", "billing/queries/payments.py"): "whose turn it is, no secret",
    ("chance_is_the_systems", "platform/bench/rounds.py"): "the same pages in every run",
    ("chance_is_the_systems", "lines/commands/devices.py"): "spreads load",
    ("chance_is_the_systems", "lines/policy/__init__.py"): "spreads load",
    ("chance_is_the_systems", "lines/work/told.py"): "spreads load",
    ("doors_ask_whose_it_is", "billing/views/read.py"): "parts of a statement that was found among the account's",
    ("doors_ask_whose_it_is", "billing/views/webhook.py"): "an event of Stripe's, proved by its signature",
    ("doors_ask_whose_it_is", "lines/api/asked.py"): "own is a Q of the caller's account",
    ("doors_ask_whose_it_is", "lines/api/office.py"): "the back office's own calls: every account's, by its keys",
    ("doors_ask_whose_it_is", "lines/views/jobs.py"): "the plan of a job of the account",
    ("forms_are_ours", "billing/views/webhook.py"): "Stripe signs",
    ("forms_are_ours", "lines/views/callbacks.py"): "a token in the address, which the carrier was given",
    ("forms_are_ours", "platform/api/door.py"): "the API looks at no cookie",
    ("forms_are_ours", "platform/api/office.py"): "the same",
    (
        "nobody_is_led_to_where_a_request_says",
        "billing/views/pay.py",
    ): "one of AFTER_CARD",
    ("secrets_are_compared_in_one_time", "accounts/audit.py"): "a head of the audit, no secret",
    ("statements_are_made_of_ours_alone", "lines/books.py"): "proofs that stand in the same file",
    ("statements_are_made_of_ours_alone", "lines/commands/jobs.py"): "a query of Django's with its parameters",
    ("statements_are_made_of_ours_alone", "lines/commands/leases.py"): "names of our tables and conditions of callers",
    ("statements_are_made_of_ours_alone", "lines/queries/search.py"): "a query of Django's with its parameters",
    (
        "statements_are_made_of_ours_alone",
        "platform/bench/management/commands/bench_months.py",
    ): "a part's name, made of a month",
    ("statements_are_made_of_ours_alone", "platform/bench/database.py"): "a template's name, made of a digest",
    ("statements_are_made_of_ours_alone", "platform/console/backups.py"): "names of COUNTED",
    ("statements_are_made_of_ours_alone", "platform/embedded/templates.py"): "its own names, made of digests",
    ("statements_are_made_of_ours_alone", "platform/kit/parts.py"): "names of tables and columns that the code names",
    ("statements_are_made_of_ours_alone", "platform/kit/months.py"): "names of tables that the code names",
    ("statements_are_made_of_ours_alone", "platform/kit/retention.py"): "kinds of rows that the code names",
}
KEPT_MARKUP = {"field.help_text|safe": "the help of a form's field, which the code writes"}

# The smallest code that each rule is for, and the right way beside it.
WRONG = {
    "markup_is_never_called_safe": "def v(note): return mark_safe(note)",
    "answers_are_no_markup_put_together": "def v(r): return HttpResponse(f'<b>{r.user}</b>')",
    "nothing_is_run_that_was_kept": "import pickle",
    "calls_out_have_an_end": "httpx.get(url)",
    "certificates_are_looked_at": "httpx.get(url, timeout=3, verify=False)",
    "statements_are_made_of_ours_alone": "cursor.execute(f'SELECT 1 FROM t WHERE name = {name}')",
    "secrets_are_compared_in_one_time": "def v(r): return r.signature == made",
    "chance_is_the_systems": "import random",
    "logs_name_no_secret": "log.info('made %s', invitation.token)",
    "doors_ask_whose_it_is": "def v(r, key): return Invoice.objects.get(pk=key)",
    "forms_are_ours": "@csrf_exempt\ndef v(r): pass",
    "nobody_is_led_to_where_a_request_says": "def v(request):\n    to = request.GET['next']\n    return redirect(to)",
    "shells_run_nothing": "subprocess.run(text, shell=True)",
    "cookies_have_their_rules": "response.set_cookie('seen', '1')",
    "paths_are_no_strangers": "def v(request): return open(request.GET['file'])",
    "debugging_is_off": "DEBUG = True",
}
RIGHT = {
    "markup_is_never_called_safe": "def v(note): return format_html('{}', note)",
    "answers_are_no_markup_put_together": "def v(r): return HttpResponse(f'{r.count} lines')",
    "nothing_is_run_that_was_kept": "import json",
    "calls_out_have_an_end": "httpx.get(url, timeout=3)",
    "certificates_are_looked_at": "httpx.get(url, timeout=3)",
    "statements_are_made_of_ours_alone": "cursor.execute(f'SELECT 1 FROM t WHERE {OPEN} AND name = %s', [name])",
    "secrets_are_compared_in_one_time": "def v(r): return hmac.compare_digest(r.signature, made)",
    "chance_is_the_systems": "import secrets",
    "logs_name_no_secret": "log.info('made %s', invitation.pk)",
    "doors_ask_whose_it_is": "def v(r, key): return Invoice.objects.get(pk=key, account=r.account)",
    "forms_are_ours": "@require_POST\ndef v(r): pass",
    "nobody_is_led_to_where_a_request_says": "def v(request):\n    to = request.GET['next']\n"
        "    ok = url_has_allowed_host_and_scheme(to)\n    return redirect(to)",
    "shells_run_nothing": "subprocess.run([program, text])",
    "cookies_have_their_rules": "response.set_cookie('seen', '1', **cookie_rules())",
    "paths_are_no_strangers": "def v(request): return open(TABLE)",
    "debugging_is_off": "DEBUG = False",
}  # fmt: skip


def broken(rule: house.Rule, code: str) -> bool:
    return any(True for _ in rule(house.Source("lines/views/made.py", ast.parse(code))))


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_a_rule_finds_what_it_is_for_and_leaves_the_right_way_alone(rule: house.Rule) -> None:
    assert broken(rule, WRONG[rule.__name__])
    assert not broken(rule, RIGHT[rule.__name__])


def test_the_product_keeps_every_rule() -> None:
    found = {(rule.__name__, source.name): node for source in house.sources() for rule in house.RULES
             for node in rule(source)}  # fmt: skip
    wrong = [
        f"{name}:{getattr(node, 'lineno', '?')}: {rule}"
        for (rule, name), node in found.items()
        if (rule, name) not in KEPT
    ]
    assert not wrong, "\n".join(wrong)
    assert not set(KEPT) - set(found), "kept for a reason, and breaks nothing any more"


def test_templates_keep_theirs() -> None:
    found = [(name, why, text) for name, why, text in house.found_in_templates() if text not in KEPT_MARKUP]
    assert not found, found


@pytest.mark.parametrize(
    "markup",
    ["{{ note|safe }}", "{% autoescape off %}", '<a onclick="x()">', "<script>x()</script>",
     '<a href="javascript:x()">', '<a target="_blank" href="x">', '<form method="post"><input></form>'],
)  # fmt: skip
def test_a_rule_of_templates_finds_what_it_is_for(markup: str) -> None:
    assert any(re.search(pattern, markup, re.DOTALL) for pattern in house.OF_TEMPLATES)
