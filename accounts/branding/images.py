"""Pictures that people upload: looked at, made small, and encoded anew, so that nothing of the file itself is kept."""

from __future__ import annotations

import io

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
    if b"<svg" in content[:1000].lower():
        raise Invalid("The logo is an SVG, which can carry programs; save it as PNG and give that.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:  # reads the size, not yet the pixels
            _check(picture, content)
            whole = ImageOps.exif_transpose(picture).convert("RGBA")
    except Invalid:
        raise
    except Image.DecompressionBombError:
        raise Invalid(f"The logo has too many pixels; {MOST_PIXELS:,} are the most.") from None
    except Exception as error:
        raise Invalid("The logo is not a picture that can be read; give a PNG, JPEG or WebP file.") from error
    whole.thumbnail(LOGO_SIZE)
    clean = Image.new("RGBA", whole.size)
    clean.paste(whole)
    out = io.BytesIO()
    clean.save(out, "PNG", optimize=True)
    return out.getvalue()


def _check(picture: Image.Image, content: bytes) -> None:
    """Small enough to be unpacked, and nothing but a picture."""
    if picture.width * picture.height > MOST_PIXELS:
        raise Invalid(
            f"The logo has {picture.width} x {picture.height} pixels; {MOST_PIXELS:,} are the most. Make it smaller."
        )
    ends = {
        "PNG": content.endswith(b"IEND\xaeB`\x82"),
        "JPEG": content.rstrip(b"\0").endswith(b"\xff\xd9"),
        "WEBP": len(content) <= int.from_bytes(content[4:8], "little") + 9,  # padded to an even length
    }
    if not ends[picture.format or ""]:
        raise Invalid("The logo's file does not end where its picture ends; save the picture anew and give that.")
