"""The door to a line by the code that is printed on its SIM, read by a camera."""

from __future__ import annotations

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET
from kit.htmx import page
from kit.identifiers import asked, iccids_in

from accounts.doors import MemberRequest, misread, needs
from accounts.policy import Right
from lines.queries import lines_of

LONGEST = 500  # characters of a code
# A browser without a reader of its own is given one as WebAssembly, on this page alone.
READER = {"script-src": ["'wasm-unsafe-eval'"], "media-src": [SELF], "img-src": ["blob:"]}


@csp_update(READER)
@require_GET
@needs(Right.SEE_LINES)
def scan(request: MemberRequest) -> HttpResponse:
    """The camera; with a code, the line that it names, or how to add it."""
    if back := misread(request, {}, beside=("code",)):
        return back
    code = request.GET.get("code", "").strip()[:LONGEST]
    found = list(dict.fromkeys(iccids_in(code)))[:1] if code else []
    if found:
        line = lines_of(request.membership).filter(iccid__in=asked(found[0])).first()
        if line is not None:
            return redirect("line", iccid=line.iccid)
    context = {
        "code": code,
        "iccid": found[0] if found else "",
        "may_add": request.membership.may(Right.MANAGE_LINES) and not request.account.is_subaccount,
    }
    return page(request, "lines/scan.html", context)
