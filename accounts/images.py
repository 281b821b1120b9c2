"""Pictures that people upload: looked at, made small, and encoded anew, so that nothing of the file itself is kept."""

from __future__ import annotations

import io
import warnings

from kit.errors import Invalid
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_BYTES = 1_000_000
MOST_PIXELS = 8_000_000
LOGO_SIZE = (480, 160)


def logo(content: bytes) -> bytes:
    """A PNG of at most 480 x 160 pixels without anything beside the picture. Raises Invalid."""
    if len(content) > MOST_BYTES:
        raise Invalid(f"The logo has {len(content) / 1e6:.1f} MB; 1 MB is the most.")
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            picture = Image.open(io.BytesIO(content), formats=FORMATS)  # reads the size, not yet the pixels
            if picture.width * picture.height > MOST_PIXELS:
                raise Invalid(f"The logo has {picture.width} x {picture.height} pixels; make it smaller.")
            picture.load()
        whole = ImageOps.exif_transpose(picture).convert("RGBA")
    except Invalid:
        raise
    except Exception as error:
        raise Invalid("The logo is not a picture that can be read; give a PNG, JPEG or WebP file.") from error
    whole.thumbnail(LOGO_SIZE)
    clean = Image.new("RGBA", whole.size)
    clean.paste(whole)
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    return out.getvalue()
