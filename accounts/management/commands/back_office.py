"""back_office EMAIL [--link] [--out] [--log-out]: who runs the installation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse
from kit.operator import OperatorCommand

from accounts.commands import desk
from accounts.policy import OFFICE_PASS_HOURS, OPERATOR
from accounts.queries import user_by_email


class Command(OperatorCommand):
    help = (
        "Let a person into the back office and print a link that works once, within a day: with it they choose a"
        " password and set up two-factor authentication. --link makes another, for who lost theirs: what they had"
        " stops working."
    )

    def take(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--link", action="store_true", help="a new link for who is in already")
        which.add_argument("--out", action="store_true", help="put them out")
        which.add_argument("--log-out", action="store_true", help="end every session of theirs")

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["out"]:
            user = desk.put_out_of_back_office(email=options["email"], by=OPERATOR)
        elif options["log_out"]:
            user = desk.end_sessions_of(email=options["email"], by=OPERATOR)
        else:
            before = user_by_email(options["email"])
            user = desk.let_into_back_office(email=options["email"], password=None, by=OPERATOR)
            if options["link"] or before is None or not before.is_staff:
                token = desk.give_office_pass(email=user.email, by=OPERATOR)
                link = f"{settings.OFFICE_URL}{reverse('open_link', args=['back-office'])}#{token}"
                return {"email": user.email, "back_office": True, "link": link, "works_for_hours": OFFICE_PASS_HOURS}
        return {"email": user.email, "back_office": user.is_staff}
