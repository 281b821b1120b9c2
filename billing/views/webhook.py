"""The door through which Stripe tells us what happened."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing import stripe, work
from billing.commands import events
from billing.models import WebhookEvent

log = logging.getLogger(__name__)
LARGEST = 512 * 1024  # bytes


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Takes an event once; 200 means that we have it, whether or not it could be handled yet."""
    if not stripe.is_configured() or int(request.headers.get("Content-Length") or 0) > LARGEST:
        return HttpResponse(status=400)
    try:
        event = stripe.read_event(request.body, request.headers.get("Stripe-Signature", ""))
    except (stripe.Forged, stripe.WrongMode) as failure:
        log.warning("refused a webhook from %s: %s", request.META.get("REMOTE_ADDR"), failure)
        return HttpResponse(status=400)
    events.receive(event=event)
    found = WebhookEvent.objects.filter(stripe_id=event.id, handled_at=None).first()
    if found is not None:
        try:
            work.handle(found)
        except stripe.StripeFailure as failure:
            log.warning("event %s waits: %s", event.id, failure)
    return HttpResponse(status=200)
