"""What is written into files that spreadsheets open."""

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def defused(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value
