"""What may become of a call to Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.policy import PaymentState


class StripeFailure(Exception):
    """A call to Stripe did not end in success."""


class NotConfigured(StripeFailure):
    """This installation has no Stripe keys."""


class Unknown(StripeFailure):
    """Stripe does not answer, or says that it is down: what was asked may have happened or not."""


class Refused(StripeFailure):
    """Stripe will not do it, whoever asks again: a mistake of ours, a wrong key, a thing that is gone."""


class OtherCurrency(Refused):
    """Money in a currency that this installation does not keep: it is none of ours."""


class Forged(StripeFailure):
    """An event whose signature is not Stripe's, or too old."""


class WrongMode(StripeFailure):
    """A test event for a live installation, or the other way round."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a payment: `intent` is Stripe's id of it, `reason` says in words why it was declined."""

    state: PaymentState
    intent: str
    amount: Decimal
    payment: str  # our id of it, as we told Stripe
    reason: str = ""
    confirm_url: str = ""


class Declined(StripeFailure):
    """The bank said no."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class NeedsConfirmation(StripeFailure):
    """The bank wants the card's owner before it pays."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("the bank wants a confirmation")
        self.outcome = outcome
