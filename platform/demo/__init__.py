"""The demo: accounts, lines and rules whose past six weeks went through the usual commands. No installation has it."""
