"""back_office EMAIL [--password P] [--out]: who runs the installation."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kit.operator import OperatorCommand

from accounts.commands import desk
from accounts.policy import OPERATOR


class Command(OperatorCommand):
    help = (
        "Let a person into the back office, or put them out of it. They log in like everybody and set up a second"
        " factor; a new person without --password resets theirs by mail."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--password", help="the first password of a new person")
        parser.add_argument("--out", action="store_true", help="put them out")

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["out"]:
            user = desk.put_out_of_back_office(email=options["email"], by=OPERATOR)
        else:
            user = desk.let_into_back_office(email=options["email"], password=options["password"], by=OPERATOR)
        return {"email": user.email, "back_office": user.is_staff}
