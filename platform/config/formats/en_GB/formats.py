"""Of the United Kingdom."""

DATETIME_FORMAT = "j M Y, H:i"
