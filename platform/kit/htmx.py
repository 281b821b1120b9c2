"""One page, one template: htmx gets a named block of the same template, everybody else the whole."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.template.context import make_context
from django.template.loader_tags import BlockNode
from django.utils.cache import patch_vary_headers


def page(request: HttpRequest, template: str, context: dict[str, Any], *, part: str | None = None) -> HttpResponse:
    """The whole page, or its block `part` where htmx asked for it; a history restore always gets the whole."""
    htmx = request.htmx  # type: ignore[attr-defined]
    wants_part = part is not None and bool(htmx) and not htmx.history_restore_request
    text = render_part(template, part or "", context, request) if wants_part else None
    response = HttpResponse(loader.render_to_string(template, context, request) if text is None else text)
    patch_vary_headers(response, ["HX-Request"])
    return response


def render_part(template: str, part: str, context: dict[str, Any], request: HttpRequest) -> str:
    """The block of this name as the template itself has it."""
    found = loader.get_template(template).template  # type: ignore[attr-defined]
    for block in found.nodelist.get_nodes_by_type(BlockNode):
        if block.name == part:
            bound = make_context(context, request, autoescape=True)
            with bound.render_context.push_state(found), bound.bind_template(found):
                return str(block.render(bound))
    raise LookupError(f"{template} has no block {part!r}")
