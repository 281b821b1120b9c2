"""Screenshots of every page, from a demo of its own: `make screens` writes docs/screens/.

Each page on a desk and on a phone, the ones that people open most in the dark too; 64 colours, so that all stay small.
"""

from __future__ import annotations

import base64
import hmac
import io
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

REPOSITORY = Path(__file__).parents[2]
TARGET = REPOSITORY / "docs" / "screens"
OWNER, SUB, OFFICE, PASSWORD = (
    "demo@linekeeper.example",
    "bikes@linekeeper.example",
    "office@linekeeper.example",
    "linekeeper-demo",
)
SIZES = {"desk": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
READY_SECONDS = 900

# Name of the file and address; {line} is a line that is on. Those in DARK are shown in both themes.
OWNERS = {
    "home": "/",
    "lines": "/lines/",
    "line": "/lines/{line}/",
    "sub-accounts": "/subaccounts/",
    "rules": "/automation/rules/",
    "rule-new": "/automation/rules/new/",
    "rule-activity": "/automation/activity/",
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
}
LINE_TABS = ("connections", "destinations", "statistics", "sms", "audit", "settings")
SUBS = {"sub-home": "/", "sub-lines": "/lines/", "sub-line": "/lines/{line}/"}
OFFICES = {
    "office": "/back-office/",
    "office-balances": "/back-office/billing/wallet/",
    "office-carriers": "/back-office/lines/carrier/",
    "office-lines": "/back-office/lines/line/",
    "office-margins": "/back-office/margins/",
    "office-books": "/back-office/books/",
}
DARK = {"home", "lines", "line", "billing", "office"}


def main() -> int:
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
            base = _wait_for(demo)
            with sync_playwright() as playwright:
                path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                shutil.rmtree(TARGET, ignore_errors=True)
                TARGET.mkdir(parents=True)
                _take_all(browser, base)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(timeout=60)
    size = sum(path.stat().st_size for path in TARGET.glob("*.png"))
    print(f"{len(list(TARGET.glob('*.png')))} screenshots, {size / 1e6:.1f} MB")
    return 0


def _wait_for(demo: subprocess.Popen[str]) -> str:
    """The address that the demo prints once it is ready."""
    end = time.monotonic() + READY_SECONDS
    for line in demo.stdout or ():
        if "http://" in line:
            base = line.split()[-1]
        if "The logs are in" in line:
            time.sleep(20)  # a first reading, so that numbers are fresh
            return base
        if time.monotonic() > end:
            break
    raise SystemExit("the demo did not start")


def _take_all(browser: Browser, base: str) -> None:
    secret = ""
    for size, viewport in SIZES.items():
        for theme in ("light", "dark"):
            for login, pages in ((OWNER, OWNERS), (SUB, SUBS), (OFFICE, OFFICES)):
                wanted = {name: path for name, path in pages.items() if theme == "light" or name in DARK}
                context = browser.new_context(base_url=base, viewport=viewport, color_scheme=theme)
                page = context.new_page()
                if wanted:
                    if size == "desk" and theme == "light" and login == OWNER:
                        page.goto("/accounts/login/")
                        _keep(page, "login", size, theme)
                    _log_in(page, login, secret)
                    if login == OFFICE and not secret:
                        secret = _enrol(page)
                    line = _a_line(page) if login != OFFICE else ""
                    if login == OWNER and theme == "light":
                        wanted |= {f"line-{tab}": f"/lines/{{line}}/{tab}/" for tab in LINE_TABS}
                    for name, path in wanted.items():
                        answer = page.goto(path.format(line=line))
                        if answer is not None and answer.ok:
                            _keep(page, name, size, theme)
                        else:
                            print(f"{path} answers {answer and answer.status}", file=sys.stderr)
                context.close()


def _log_in(page: Page, login: str, secret: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    _send(page)
    if login == OFFICE and secret:
        page.fill("[name=code]", _code(secret))
        _send(page)


def _send(page: Page) -> None:
    """The form that is filled in, until its answer is there."""
    with page.expect_navigation(timeout=60_000):
        page.keyboard.press("Enter")


def _enrol(page: Page) -> str:
    """Sets up codes as second factor, as a person would, and returns the secret."""
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
    return str(page.evaluate("document.querySelector('.c-iccid a').href.split('/').at(-2)"))


def _keep(page: Page, name: str, size: str, theme: str) -> None:
    page.wait_for_timeout(300)
    image = Image.open(io.BytesIO(page.screenshot()))
    small = image.convert("RGB").quantize(colors=64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    suffix = "" if theme == "light" else "-dark"
    small.save(TARGET / f"{name}-{size}{suffix}.png", optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
