"""How allauth's second factors fit our console: their secrets are encrypted at rest."""

from __future__ import annotations

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from kit import crypto

from accounts.branding.requests import branding_for


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text, row="factor")

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text, row="factor")

    def _get_site_name(self) -> str:
        """What authenticator apps and passkeys call us: the name in whose branding the person meets us."""
        return branding_for(context.request).name
