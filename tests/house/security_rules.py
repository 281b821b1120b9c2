"""Rules of security that this house keeps for its own code: each finds a way of writing that went wrong somewhere.

A rule walks one file's syntax tree and yields the lines that break it. What breaks one rightly stands in KEPT, with its
reason; a place there that breaks nothing any more fails, too. Templates have rules of their own, on their text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PRODUCT = ("accounts", "billing", "lines", "automation", "subaccounts", "platform")
STAND_INS = ("platform/simulator/", "platform/stripe_proxy/")  # of carriers and of Stripe: no customer's data is there
Rule = Callable[["Source"], Iterator[ast.AST]]


@dataclass(frozen=True)
class Source:
    """One file of the product."""

    name: str  # its path from the tree's root
    tree: ast.Module

    @property
    def is_door(self) -> bool:
        """Whether a person's or a client's request comes in here."""
        return bool(re.search(r"(^|/)(views(_\w+)?|api)(/|\.py$)", self.name))

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Each call and the dotted name of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, dotted(node.func)


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else ""


def sources() -> list[Source]:
    files = [str(path.relative_to(TREE)) for app in PRODUCT for path in sorted((TREE / app).rglob("*.py"))]
    ours = [name for name in files if "/migrations/" not in name and not name.startswith(STAND_INS)]
    return [Source(name, ast.parse((TREE / name).read_text())) for name in ours]


# The rules


def markup_is_never_called_safe(source: Source) -> Iterator[ast.AST]:
    """Text becomes markup by templates alone: format_html escapes, mark_safe believes."""
    for node, name in source.calls():
        if name.rsplit(".", 1)[-1] in ("mark_safe", "SafeString", "SafeText"):
            yield node


def answers_are_no_markup_put_together(source: Source) -> Iterator[ast.AST]:
    """Where an answer is put together out of pieces, one of them is a stranger's."""
    for node, name in source.calls():
        said = node.args[0] if name.endswith("HttpResponse") and node.args else None
        pieces = said.values if isinstance(said, ast.JoinedStr) else []
        if any(isinstance(one, ast.Constant) and "<" in str(one.value) for one in pieces):
            yield node


def _imported(node: ast.AST) -> list[ast.alias]:
    assert isinstance(node, ast.Import)
    return node.names


def nothing_is_run_that_was_kept(source: Source) -> Iterator[ast.AST]:
    """What unpacks objects runs what it unpacks."""
    shut = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
    for node in source.nodes(ast.Import, ast.ImportFrom):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in _imported(node)]
        if any(name.split(".")[0] in shut for name in names):
            yield node
    for node, name in source.calls():
        if name in ("eval", "exec", "compile", "__import__", "yaml.load"):
            yield node


def calls_out_have_an_end(source: Source) -> Iterator[ast.AST]:
    """A stranger who does not answer holds a thread for ever."""
    waits = re.compile(
        r"^(httpx|requests)\.(get|post|put|patch|delete|head|request|stream|Client|AsyncClient)$"
        r"|(^|\.)urlopen$|^smtplib\.SMTP(_SSL)?$|(^|\.)HTTPS?Connection$|^socket\.create_connection$"
    )
    for node, name in source.calls():
        if waits.search(name) and not any(one.arg in ("timeout", None) for one in node.keywords):
            yield node


def certificates_are_looked_at(source: Source) -> Iterator[ast.AST]:
    """Who believes any certificate talks to anybody."""
    for node, name in source.calls():
        if any(one.arg == "verify" and _is(one.value, False) for one in node.keywords):
            yield node
        if name.endswith(("_create_unverified_context", "disable_warnings")):
            yield node
    for assigned in source.nodes(ast.Assign):
        assert isinstance(assigned, ast.Assign)
        targets = [one.attr for one in assigned.targets if isinstance(one, ast.Attribute)]
        if "check_hostname" in targets and _is(assigned.value, False):
            yield assigned


def statements_are_made_of_ours_alone(source: Source) -> Iterator[ast.AST]:
    """SQL is put together of our own words (CAPITALS, or a name of this module's); a value is always a parameter."""
    ours = {
        target.id
        for node in source.nodes(ast.Assign, ast.FunctionDef)
        for target in (node.targets if isinstance(node, ast.Assign) else [])
        if isinstance(target, ast.Name) and target.id.isupper()
    }
    for node, name in source.calls():
        if name.rsplit(".", 1)[-1] in ("raw", "extra", "RawSQL") and "objects" in name + "RawSQL":
            yield node
        if name.rsplit(".", 1)[-1] not in ("execute", "executemany", "copy", "prepared") or not node.args:
            continue
        if "sql.SQL" in ast.unparse(node.args[0]):
            continue  # psycopg writes the names
        for part in _pieces(node.args[0]):
            if isinstance(part, ast.Name) and (part.id.isupper() or part.id in ours):
                continue
            yield node


def _pieces(sql: ast.expr) -> Iterator[ast.expr]:
    """What is put into a text of SQL: of f-strings, of + and %, of .format and .replace."""
    for node in ast.walk(sql):
        if isinstance(node, ast.FormattedValue):
            if not (isinstance(node.value, ast.Attribute) and node.value.attr.isupper()):
                yield node.value
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            yield node.right
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            yield from node.args


def secrets_are_compared_in_one_time(source: Source) -> Iterator[ast.AST]:
    """How long == takes says how much was right."""
    secret = re.compile(r"(^|_)(signature|signed|token|secret|hash|hmac|mac|password|shared_key)$")
    for node in source.nodes(ast.Compare):
        assert isinstance(node, ast.Compare)
        if not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        if any(secret.search(dotted(side).rsplit(".", 1)[-1]) for side in sides):
            yield node


def chance_is_the_systems(source: Source) -> Iterator[ast.AST]:
    """`random` can be guessed; `secrets` cannot."""
    for node in source.nodes(ast.Import, ast.ImportFrom):
        names = [node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in _imported(node)]
        if "random" in names:
            yield node


def logs_name_no_secret(source: Source) -> Iterator[ast.AST]:
    """Whoever reads a log must not be able to come in."""
    secret = re.compile(r"(^|_|\.)(token|secret|secrets|password|shared_key|credential|cookie|api_key)s?$")
    for node, name in source.calls():
        said = node.args[1:] if re.search(r"(^|\.)(log|logger|logging)\.\w+$", name) else []
        if any(secret.search(dotted(part)) for one in said for part in ast.walk(one)):
            yield node


def doors_ask_whose_it_is(source: Source) -> Iterator[ast.AST]:
    """What a request names is looked for among the rows of who asks: a query without an account finds everybody's."""
    if not source.is_door:
        return
    whose = re.compile(r"account|payer|caller|membership|viewer|endpoint|holder|user|line|job|rule|email|parent")
    for node, name in source.calls():
        if not re.search(r"\.objects(\.\w+\(\))*\.(get|filter)$", name):
            continue
        if not any(whose.search(ast.unparse(one)) for one in [*node.args, *node.keywords, node.func]):
            yield node


def forms_are_ours(source: Source) -> Iterator[ast.AST]:
    """A door without the check for forged forms proves by another way who comes."""
    for node in source.nodes(ast.FunctionDef, ast.ClassDef):
        assert isinstance(node, ast.FunctionDef | ast.ClassDef)
        if any(dotted(one).endswith("csrf_exempt") for one in node.decorator_list):
            yield node


def nobody_is_led_to_where_a_request_says(source: Source) -> Iterator[ast.AST]:
    """An address that came with a request is looked at before somebody is led there."""
    for function in source.nodes(ast.FunctionDef):
        text = ast.unparse(function)
        if "url_has_allowed_host_and_scheme" in text or "is_safe_url" in text:
            continue
        assert isinstance(function, ast.FunctionDef)
        asked = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and re.search(r"request\.(GET|POST|headers|META)", ast.unparse(node.value))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and dotted(node.func).endswith(("redirect", "HttpResponseRedirect")):
                first = node.args[0] if node.args else None
                names = {one.id for one in ast.walk(first) if isinstance(one, ast.Name)} if first else set()
                said = re.search(r"request\.(GET|POST|headers|META)", ast.unparse(first)) if first else None
                if said or (isinstance(first, ast.Name) and names & asked):
                    yield node


def shells_run_nothing(source: Source) -> Iterator[ast.AST]:
    """A shell reads what it is given as a program."""
    for node, name in source.calls():
        shell = any(one.arg == "shell" and not _is(one.value, False) for one in node.keywords)
        if name in ("os.system", "os.popen") or (name.startswith("subprocess.") and shell):
            yield node


def cookies_have_their_rules(source: Source) -> Iterator[ast.AST]:
    """Every cookie of ours is bound to its host, unseen by scripts, and sent by https alone (kit.cookies)."""
    for node, name in source.calls():
        has_rules = any(one.arg is None and dotted(one.value) == "cookie_rules()" for one in node.keywords)
        if name.endswith((".set_cookie", ".set_signed_cookie")) and not has_rules:
            yield node


def paths_are_no_strangers(source: Source) -> Iterator[ast.AST]:
    """A file is never opened by a name that a request brought."""
    if not source.is_door:
        return
    for node, name in source.calls():
        if name in ("open", "Path", "os.path.join") and any("request" in ast.unparse(one) for one in node.args):
            yield node


def debugging_is_off(source: Source) -> Iterator[ast.AST]:
    """A page of Django's for developers shows settings and variables."""
    for node in source.nodes(ast.Assign):
        assert isinstance(node, ast.Assign)
        if any(dotted(one) == "DEBUG" for one in node.targets) and not _is(node.value, False):
            yield node


def _is(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


RULES: tuple[Rule, ...] = (
    markup_is_never_called_safe,
    answers_are_no_markup_put_together,
    nothing_is_run_that_was_kept,
    calls_out_have_an_end,
    certificates_are_looked_at,
    statements_are_made_of_ours_alone,
    secrets_are_compared_in_one_time,
    chance_is_the_systems,
    logs_name_no_secret,
    doors_ask_whose_it_is,
    forms_are_ours,
    nobody_is_led_to_where_a_request_says,
    shells_run_nothing,
    cookies_have_their_rules,
    paths_are_no_strangers,
    debugging_is_off,
)

# Of templates: what nobody may write, and why.
OF_TEMPLATES = {
    r"[\w.]*\|\s*(safe|safeseq)\b": "markup is never called safe",
    r"{%\s*autoescape\s+off": "escaping is never off",
    r"\son[a-z]+\s*=\s*[\"']": "scripts stand in files, never in attributes: the policy refuses them",
    r"<script(?![^>]*(\bsrc=|\bnonce=|application/json))[^>]*>": "a script in a page has the policy's nonce",
    r"href=[\"']\s*javascript:": "a link leads somewhere",
    r"<a (?![^>]*noopener)[^>]*target=[\"']_blank": "a new window knows nothing of ours",
    r"<form[^>]*method=[\"']post[\"'][^>]*>(?!(?:(?!</form>).)*csrf_token)":
        "a form has its token",
}  # fmt: skip


INCLUDED = re.compile(r'{%\s*include "([^"]+)"[^%]*%}')


def _with_includes(path: Path) -> str:
    return INCLUDED.sub(lambda found: _with_includes(TREE / "templates" / found[1]), path.read_text())


def found_in_templates() -> Iterator[tuple[str, str, str]]:
    for path in sorted((TREE / "templates").rglob("*.html")):
        text = _with_includes(path)
        for pattern, why in OF_TEMPLATES.items():
            for match in re.finditer(pattern, text, re.DOTALL):
                yield str(path.relative_to(TREE)), why, match[0][:80]
