"""Logging in with an account elsewhere: for people who are here and have connected it in their profile."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import Provider
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect

from accounts.branding.requests import branding_for

UNKNOWN = "That login is connected to nobody here. Log in with your password, then connect it in your profile."


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "connected_other": "That login is connected to another person here.",
        "no_password": "Set a password first: without it and without this login you could not come in.",
    }

    def list_providers(self, request: HttpRequest) -> list[Provider]:
        """Those that are configured; none in another's branding, since they show our name."""
        return list(super().list_providers(request)) if branding_for(request).is_ours else []

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Accounts are opened by sign-up and people join by invitation; a login elsewhere opens nothing by itself."""
        if not sociallogin.is_existing and not request.user.is_authenticated:
            get_adapter().unstash_verified_email(request)
            messages.error(request, UNKNOWN)
            raise ImmediateHttpResponse(redirect("account_login"))
