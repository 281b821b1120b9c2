"""The back office: Django's admin for those who run the installation, behind log-in and a second factor.

Every desk of it only reads. What it changes goes through a form of its own to a command, like every other door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Model, URLField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite
from unfold.widgets import CHECKBOX_CLASSES, INPUT_CLASSES, SELECT_CLASSES, TEXTAREA_CLASSES

from kit.again import confirmed_first
from kit.errors import Refusal
from kit.factors import door_to_factor, gave_factor
from kit.labels import label_of
from kit.office import may_be_office

COUNTED = 100_000  # rows that a list counts at most

# unfold's pages run Alpine's expressions and set styles in attributes; no other page may (docs/decisions).
LOOSER = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE], "font-src": [SELF]}

View = Callable[..., HttpResponse]


class ConfirmForm(forms.Form):
    """Nothing to fill in: what happens is said beside the button."""


class BackOffice(UnfoldAdminSite):  # type: ignore[misc]
    """The one site: who runs the installation and has a second factor comes in; to anybody else it does not exist."""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[URLPattern] = []

    def has_permission(self, request: HttpRequest) -> bool:
        """At the installation's own hosts only: who has a tenant's domain can lead it elsewhere."""
        user: Any = request.user
        return bool(may_be_office(request) and user.is_active and user.is_staff and gave_factor(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """There is one log-in for everybody; a session that gave no second factor is brought to where one is given."""
        user: Any = request.user
        if not may_be_office(request):
            raise Http404
        if not user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not user.is_staff or not user.is_active:
            raise Http404
        if not gave_factor(request):
            messages.info(request, "The back office needs two-factor authentication.")
            return redirect(f"{reverse(door_to_factor(request))}?{urlencode({'next': reverse('admin:index')})}")
        return redirect("admin:index")

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        guarded: View = super().admin_view(view, cacheable)
        return csp_update(LOOSER)(guarded)  # type: ignore[return-value]

    def page(self, route: str, name: str) -> Callable[[View], View]:
        """Adds a page that is no list of a table; it finds the frame's context in `site.each_context`."""

        def added(view: View) -> View:
            self.pages.append(path(route, self.admin_view(view), name=name))
            return view

        return added

    def extra_urls(self) -> list[URLPattern]:
        return self.pages


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than a person would turn pages."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by().values("pk")[:COUNTED].count())  # type: ignore[attr-defined]


class Preview(Exception):
    """Nothing was done; the sentence says what would be."""


class Desk(ModelAdmin):  # type: ignore[misc]
    """A table to look at: nothing is added, changed or deleted here but by an action that ends in a command."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    actions = None
    ordering = ["-pk"]
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    called = ""  # its rows, where the model's name in the plural does not say what they are
    one = ""  # and one of them

    def __init__(self, model: type[Model], admin_site: BackOffice) -> None:
        super().__init__(model, admin_site)
        if self.called:
            model._meta.verbose_name_plural = self.called
        if self.one:
            model._meta.verbose_name = self.one
        for field in model._meta.fields:
            field.verbose_name = label_of(str(field.verbose_name))
        if model.__str__ is Model.__str__:
            model.__str__ = _numbered  # type: ignore[assignment, method-assign]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return bool(self.admin_site.has_permission(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The row of an action; 404 where there is none."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def here(self, row: Model | None = None) -> str:
        """The address of a row, or of the list."""
        base = f"admin:{self.opts.app_label}_{self.opts.model_name}_"
        return f"{base}change" if row is not None else f"{base}changelist"

    def ask(
        self,
        request: HttpRequest,
        form: type[forms.Form],
        act: Callable[[dict[str, Any]], str],
        *,
        title: str,
        button: str,
        row: Model | None = None,
        about: str = "",
        initial: dict[str, Any] | None = None,
        again: bool = True,
    ) -> HttpResponse:
        """A form before a command: `act` runs it with what was given and says in a sentence what was done. Who asks
        proves first who they are; `again=False` is for what moves no money, opens nothing and can be done anew. Where
        `act` raises Preview, the form stays as it was filled in."""
        if again and (away := confirmed_first(request, back=request.get_full_path())):
            return away
        to = redirect(self.here(row), *([row.pk] if row is not None else []))
        posted = request.method == "POST"
        given = dressed(form(request.POST if posted else None, request.FILES if posted else None, initial=initial))
        if posted and given.is_valid():
            try:
                said = act(given.cleaned_data)
            except Refusal as refusal:
                given.add_error(None, refusal.message)
            except Preview as preview:
                messages.info(request, str(preview))
            else:
                messages.success(request, said)
                return to
        context = self.admin_site.each_context(request) | {
            "title": title,
            "about": about,
            "button": button,
            "form": given,
            "opts": self.opts,
            "back": to.url,
        }
        status = 422 if given.errors else 200
        return TemplateResponse(request, "backoffice/ask.html", context, status=status)


def _numbered(row: Model) -> str:
    """A row that has no name of its own, such as `Order 12`."""
    return f"{label_of(str(row._meta.verbose_name))} {row.pk}"


def dressed(form: forms.Form) -> forms.Form:
    """A form in the site's looks."""
    for field in form.fields.values():
        widget = field.widget
        classes = INPUT_CLASSES
        if isinstance(widget, forms.CheckboxInput):
            classes = CHECKBOX_CLASSES
        elif isinstance(widget, forms.Textarea):
            classes = TEXTAREA_CLASSES
        elif isinstance(widget, forms.Select):
            classes = SELECT_CLASSES
        if not isinstance(widget, forms.HiddenInput):
            widget.attrs["class"] = " ".join(classes)
    return form
