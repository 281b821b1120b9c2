"""How what people see of us is dressed: a name, one colour, a logo. Whose dress an account wears is said here alone."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Account


@dataclass(frozen=True, slots=True)
class Dress:
    """`accent` is #rrggbb; `logo` a raster image with its media type, or None where the name stands in type."""

    name: str
    accent: str
    support_mail: str = ""
    logo: bytes | None = None
    logo_type: str = ""

    @property
    def on_accent(self) -> str:
        """The one of black and white that reads better on the accent (WCAG relative luminance)."""
        parts = (int(self.accent[start : start + 2], 16) / 255 for start in (1, 3, 5))
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


OURS = Dress(name="Linekeeper", accent="#2456c4")


def dress_of(account: Account | None) -> Dress:  # noqa: ARG001 - every account wears ours until one has its own
    """What this account's people see, mails included."""
    return OURS
