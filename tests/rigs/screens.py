"""Screenshots of every page, from a demo of its own: `make screens` writes docs/screens/.

Each page on a desk in light and on a phone in the dark; 64 colours, so that all stay small. A page that scrolls
sideways or has buttons that touch each other is named, and fails the run.
"""

from __future__ import annotations

import base64
import hmac
import io
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

REPOSITORY = Path(__file__).parents[2]
TARGET = REPOSITORY / "docs" / "screens"
OWNER, SUB, OFFICE, PASSWORD = (
    "demo@linekeeper.example",
    "bikes@linekeeper.example",
    "office@linekeeper.example",
    "linekeeper-demo",
)
DESK, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=390, height=844)
SIZES: dict[str, tuple[Literal["light", "dark"], ViewportSize]] = {"desk": ("light", DESK), "phone": ("dark", PHONE)}
IN_README = ("home", "line", "usage")  # on a desk in the dark too
WIDTHS = (("desk", 720), ("phone", 220))  # in the index
READY_SECONDS = 900

# Name of the file and address; {line} is a line that is on.
OWNERS = {
    "home": "/",
    "lines": "/lines/",
    "usage": "/usage/",
    "line": "/lines/{line}/",
    "line-usage": "/lines/{line}/usage/",
    "line-connections": "/lines/{line}/connections/",
    "line-destinations": "/lines/{line}/destinations/",
    "line-statistics": "/lines/{line}/statistics/",
    "line-sms": "/lines/{line}/sms/",
    "line-audit": "/lines/{line}/audit/",
    "line-settings": "/lines/{line}/settings/",
    "line-add": "/lines/add/",
    "line-add-many": "/lines/add/many/",
    "find": "/lines/find/",
    "bulk": "/lines/bulk/?status=activated",
    "sub-accounts": "/subaccounts/",
    "rules": "/automation/rules/",
    "rule-new": "/automation/rules/new/",
    "rule-activity": "/automation/activity/",
    "webhooks": "/automation/webhooks/",
    "sms": "/sms/",
    "jobs": "/jobs/",
    "orders": "/orders/",
    "store": "/store/",
    "coverage": "/coverage/",
    "tutorial": "/tutorial/",
    "api-docs": "/api-docs/",
    "billing": "/billing/",
    "add-funds": "/billing/add-funds/",
    "payment-method": "/billing/payment-method/",
    "auto-refill": "/billing/auto-refill/",
    "transactions": "/billing/transactions/",
    "billing-details": "/billing/details/",
    "explain": "/billing/explain/",
    "profile": "/profile/",
    "staff": "/staff/",
    "api-credentials": "/api-credentials/",
    "audit": "/audit/",
    "account-data": "/account-data/",
}
# Pages of one thing: name of the file, the list that leads to it, and what its address looks like.
OF_ONE = {
    "job": ("/jobs/", r"^/jobs/[0-9a-f]{32}/$"),
    "sub-account": ("/subaccounts/", r"^/subaccounts/[0-9a-f]{32}/$"),
    "rule": ("/automation/rules/", r"^/automation/rules/[0-9a-f]{32}/$"),
    "payment": ("/billing/transactions/", r"^/billing/payments/[0-9a-f]{32}/$"),
    "webhook": ("/automation/webhooks/", r"^/automation/webhooks/[0-9a-f]{32}/$"),
}
SUBS = {"sub-home": "/", "sub-lines": "/lines/", "sub-line": "/lines/{line}/", "sub-sms": "/sms/"}
OFFICES = {
    "office": "/back-office/",
    "office-accounts": "/back-office/accounts/account/",
    "office-orders": "/back-office/lines/order/",
    "office-audit": "/back-office/accounts/event/",
    "office-lines": "/back-office/lines/line/",
    "office-differences": "/back-office/lines/difference/",
    "office-jobs": "/back-office/lines/job/",
    "office-rule-activity": "/back-office/automation/rulefire/",
    "office-carriers": "/back-office/lines/carrier/",
    "office-prices": "/back-office/lines/price/",
    "office-margins": "/back-office/margins/",
    "office-balances": "/back-office/billing/wallet/",
    "office-payments": "/back-office/billing/payment/",
    "office-refunds": "/back-office/billing/refund/",
    "office-ledger": "/back-office/billing/entry/",
    "office-books": "/back-office/books/",
}


# What looks wrong on a page, in words.
FAULTS = """() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push(`is ${root.scrollWidth - root.clientWidth} px too wide`);
  const boxes = [...document.querySelectorAll("main .btn")].filter(one => one.checkVisibility())
    .map(one => [one.textContent.trim(), one.getBoundingClientRect()]).filter(([, box]) => box.width);
  for (const [here, [name, a]] of boxes.entries()) for (const [other, b] of boxes.slice(here + 1)) {
    if (a.left < b.right && b.left < a.right && a.top < b.bottom + 3 && b.top < a.bottom + 3
      || a.top < b.bottom && b.top < a.bottom && a.left < b.right + 3 && b.left < a.right + 3)
      faults.push(`has “${name}” touching “${other}”`);
  }
  return faults;
}"""


def main() -> int:
    """SCREENS_OF, the address of a demo that runs, spares starting one; it may be taken again and again. Where nobody
    of its back office is set up yet, SCREENS_LINK is the link that the demo printed."""
    if base := os.environ.get("SCREENS_OF"):
        return _screens(base, os.environ.get("SCREENS_LINK", ""))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"LINEKEEPER_DATA": folder, "PORT": os.environ.get("SCREENS_PORT", "8190")}
        demo = subprocess.Popen(
            [sys.executable, "-m", "embedded.demo"],
            env=environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            return _screens(*_wait_for(demo))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(timeout=60)


def _screens(base: str, link: str) -> int:
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        TARGET.mkdir(parents=True, exist_ok=True)
        before = set(TARGET.glob("*.png"))
        faults, taken = _take_all(browser, base, link)
        taken |= _take_dark(browser, base)
    for old in before - taken:
        old.unlink()
    _write_index(sorted({path.stem.removesuffix("-phone") for path in taken if path.stem.endswith("-phone")}))
    print(*faults, sep="\n", file=sys.stderr)
    print(f"{len(taken)} screenshots, {sum(path.stat().st_size for path in taken) / 1e6:.1f} MB")
    return 1 if faults else 0


def _wait_for(demo: subprocess.Popen[str]) -> tuple[str, str]:
    """The address that the demo prints once it is ready, and the link into its back office."""
    base = link = ""
    end = time.monotonic() + READY_SECONDS
    for line in demo.stdout or ():
        if found := re.search(r"http://\S+/accounts/open/\S+", line):
            link = found.group()
        elif "http://" in line:
            base = line.split()[-1]
        if "The logs are in" in line:
            time.sleep(20)  # a first reading, so that numbers are fresh
            return base, link
        if time.monotonic() > end:
            break
    raise SystemExit("the demo did not start")


def _take_all(browser: Browser, base: str, link: str) -> tuple[list[str], set[Path]]:
    """What looks wrong, and the files."""
    faults: list[str] = []
    taken: set[Path] = set()
    port = base.rstrip("/").rsplit(":")[-1]
    kept = Path(tempfile.gettempdir(), f"screens-{port}.secret")  # of a demo's second factor, for the next time
    secret = kept.read_text() if kept.exists() else ""
    for size, (theme, viewport) in SIZES.items():
        for login, pages in ((OWNER, OWNERS), (SUB, SUBS), (OFFICE, OFFICES)):
            context = browser.new_context(base_url=base, viewport=viewport, color_scheme=theme)
            page = context.new_page()
            if login == OWNER:
                page.goto("/accounts/login/")
                taken.add(_keep(page, f"login-{size}"))
            if login == OFFICE and not secret:
                secret = _enrol(page, link)
                kept.write_text(secret)
            else:
                _log_in(page, login, secret)
            line = _a_line(page) if login != OFFICE else ""
            wanted = {name: path.format(line=line) for name, path in pages.items()}
            for name, path in (wanted | (_of_one(page) if login == OWNER else {})).items():
                answer = page.goto(path)
                if answer is None or not answer.ok:
                    faults.append(f"{path} answers {answer and answer.status}")
                    continue
                taken.add(_keep(page, f"{name}-{size}"))
                faults += [f"{name} on a {size} {fault}" for fault in page.evaluate(FAULTS)]
            context.close()
    return faults, taken


def _take_dark(browser: Browser, base: str) -> set[Path]:
    context = browser.new_context(base_url=base, viewport=DESK, color_scheme="dark")
    page = context.new_page()
    _log_in(page, OWNER, "")
    line, taken = _a_line(page), set[Path]()
    for name in IN_README:
        page.goto(OWNERS[name].format(line=line))
        taken.add(_keep(page, f"{name}-desk-dark"))
    context.close()
    return taken


def _write_index(names: list[str]) -> None:
    """A page that shows them all, each page's name over its two looks."""
    order = ["login", *OWNERS, *OF_ONE, *SUBS, *OFFICES]
    parts = ["# Every page", "On a desk in the light, on a phone in the dark; `make screens` takes them from a demo."]
    for name in sorted(names, key=order.index):
        desk, phone = (f'<img src="{name}-{on}.png" alt="{name} on a {on}" width="{width}">' for on, width in WIDTHS)
        parts += [f"## {name.replace('-', ' ').capitalize()}", f"{desk} {phone}"]
    (TARGET / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _of_one(page: Page) -> dict[str, str]:
    """Addresses of one job, sub-account, rule, payment and webhook, as far as the demo has them; the job only waits."""
    page.goto("/lines/bulk/?status=activated&action=keep")
    with page.expect_navigation(timeout=60_000):
        page.get_by_role("button", name="Look at what would happen").click()
    found = {}
    for name, (path, pattern) in OF_ONE.items():
        page.goto(path)
        script = "like => [...document.links].map(one => one.pathname).find(one => RegExp(like).test(one))"
        if address := page.evaluate(script, pattern):
            found[name] = address
    return found


def _log_in(page: Page, login: str, secret: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    _send(page)
    code = page.locator("[name=code]")
    if not code.count():
        return
    for _ in range(3):  # a code is taken once: the next one comes within half a minute
        code.fill(_code(secret) if secret else "")
        _send(page)
        if not code.count():
            return
        page.wait_for_timeout(15_000)
    raise SystemExit("The back office's second factor was set up by somebody else: take a fresh demo")


def _send(page: Page) -> None:
    """The form that is filled in, until its answer is there."""
    with page.expect_navigation(timeout=60_000):
        page.keyboard.press("Enter")


def _enrol(page: Page, link: str) -> str:
    """Opens the link, chooses the password and sets up codes, as a person would; returns the secret."""
    page.goto(link)
    page.wait_for_url(lambda url: "/accounts/open/" not in url)  # which hands over what stands behind its #
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    _send(page)
    page.goto("/accounts/2fa/totp/activate/")
    if page.locator("[name=password]").count():
        page.fill("[name=password]", PASSWORD)
        _send(page)
    secret = page.evaluate("document.body.innerText.match(/[A-Z2-7]{32}/)?.[0]") or page.input_value("[name=secret]")
    page.fill("[name=code]", _code(secret))
    _send(page)
    return str(secret)


def _code(secret: str) -> str:
    """The code of this half minute (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def _a_line(page: Page) -> str:
    page.goto("/lines/?status=activated&sort=-month")
    return str(page.evaluate("document.querySelector('td.c-iccid a').href.split('/').at(-2)"))


def _keep(page: Page, name: str) -> Path:
    page.wait_for_timeout(200)
    image = Image.open(io.BytesIO(page.screenshot()))
    small = image.convert("RGB").quantize(
        colors=64, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
    )
    path = TARGET / f"{name}.png"
    small.save(path, optimize=True)
    return path


if __name__ == "__main__":
    raise SystemExit(main())
