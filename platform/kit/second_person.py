"""Desks of what one person of the back office asked for and another one decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from kit.backoffice import ConfirmForm, Desk


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as a noun with its amount, and a sentence on who asked and why."""

    what: str
    about: str


class SecondPersonDesk(Desk):
    """Requests with the two answers of a second person. The command behind `decide` refuses whoever asked."""

    actions_detail = ["approve", "reject"]

    def asked(self, row: Any) -> Asked:
        raise NotImplementedError

    def decide(self, request: HttpRequest, row: Any, *, agreed: bool) -> str:
        """Runs the command and says what was done. Raises Refusal."""
        raise NotImplementedError

    @action(description="Approve", url_path="approve", icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, agreed=True)

    @action(description="Reject", url_path="reject", icon="close")
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._answer(request, object_id, agreed=False)

    def _answer(self, request: HttpRequest, object_id: str, *, agreed: bool) -> HttpResponse:
        row = self.found(request, object_id)
        asked = self.asked(row)
        word = f"{'Approve' if agreed else 'Reject'} {asked.what}"

        def act(_given: dict[str, Any]) -> str:
            return self.decide(request, row, agreed=agreed)

        return self.ask(request, ConfirmForm, act, title=word, button=word, row=row, about=asked.about)
