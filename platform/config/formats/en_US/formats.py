"""Of the United States."""

DATETIME_FORMAT = "M j, Y, H:i"
