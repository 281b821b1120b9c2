"""The two pages that people see at Stripe: where a card is given, and where a bank asks whether it is really you."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from . import intents, sessions
from .api import Standin

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ display: grid; place-items: center; min-height: 100vh; margin: 0; padding: 1rem; box-sizing: border-box }}
main {{ width: min(24rem, 100%) }} h1 {{ font-size: 1.25rem }} .quiet {{ opacity: .75; font-size: .875rem }}
label {{ display: block; margin: .75rem 0; font-size: .875rem }} .two {{ display: flex; gap: 1rem }}
input {{ font: inherit; width: 100%; padding: .5rem; box-sizing: border-box; margin-top: .25rem }}
button {{ font: inherit; padding: .625rem 1rem; width: 100%; margin-top: .5rem }}
.bad {{ color: #c33; font-weight: 600 }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""

CARD = """<p class="quiet">This page stands in for Stripe's; nothing leaves this machine. Any expiry to come and any
three digits do. 4242 4242 4242 4242 works, 4000 0000 0000 0341 is saved and then declined,
4000 0027 6000 3184 wants to be confirmed each time.</p>{problem}
<form method="post">
<label>Card number<input name="number" inputmode="numeric" autocomplete="cc-number" required></label>
<div class="two"><label>Expiry, MM/YY<input name="expiry" required></label>
<label>Security code<input name="cvc" inputmode="numeric" required></label></div>
<label>Name on the card<input name="name" required></label><label>Address<input name="line1" required></label>
<div class="two"><label>Postal code<input name="postal_code"></label><label>City<input name="city"></label></div>
<div class="two"><label>State<input name="state"></label>
<label>Country, two letters<input name="country" required maxlength="2" value="US"></label>
</div>
<button>Save card</button></form><p><a href="{back}">Back without saving</a></p>"""

BANK = """<p>Your bank asks whether it is you who pays{what}.</p><form method="post">
<button name="outcome" value="complete">Complete</button><button name="outcome" value="fail">Fail</button></form>"""


def routes() -> list[Route]:
    return [
        Route("/c/pay/{name}", card_page, methods=["GET", "POST"]),
        Route("/3ds/{name}", bank_page, methods=["GET", "POST"]),
    ]


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(title=title, body=body), status_code=status)


async def card_page(request: Request) -> Response:
    standin: Standin = request.app.state.standin
    name = request.path_params["name"]
    found = standin.state.sessions.get(name)
    if found is None or found["status"] != "open":
        return _page("This page is over", "<p>Go back to where you came from.</p>", 410)
    problem = ""
    if request.method == "POST":
        given = {key: str(value) for key, value in (await request.form()).items()}
        problem = await sessions.fill_in(standin, name, given)
        if not problem:
            waits = standin.state.sessions[name].get("_waits")
            return RedirectResponse(str(request.url_for("bank_page", name=name)) if waits else _done(found), 303)
    note = f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else ""
    back = escape(found["cancel_url"] or "#")
    return _page("Save a card", CARD.format(problem=note, back=back), 402 if problem else 200)


def _done(found: dict[str, str]) -> str:
    return found["success_url"].replace("{CHECKOUT_SESSION_ID}", found["id"])


async def bank_page(request: Request) -> Response:
    standin: Standin = request.app.state.standin
    name = request.path_params["name"]
    is_session = name in standin.state.sessions
    intent = standin.state.intents.get(name, {})
    if not is_session and intent.get("status") != "requires_action":
        return _page("This page is over", "<p>Go back to where you came from.</p>", 410)
    if request.method == "GET":
        what = "" if is_session else " with this card"
        return _page("Confirm", BANK.format(what=what))
    success = (await request.form()).get("outcome") == "complete"
    if is_session:
        found = standin.state.sessions[name]
        if success:
            await sessions.complete(standin, name)
        return RedirectResponse(_done(found) if success else found["cancel_url"], 303)
    back = intent["next_action"]["redirect_to_url"]["return_url"]
    shaped = await intents.authenticated(standin, name, success=success)
    query = {
        "payment_intent": name,
        "payment_intent_client_secret": shaped["client_secret"],
        "redirect_status": "succeeded" if shaped["status"] == "succeeded" else "failed",
    }
    return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{urlencode(query)}", 303)
