"""Tell by the exit code whether the web server beside us answers: python -m embedded.health [PORT]."""

import os
import sys

from embedded.programs import answers


def main(arguments: list[str]) -> int:
    """Ask for the front page by a name that the server knows; 0 if it answers without an error of its own."""
    port = int(arguments[1]) if len(arguments) > 1 else 8000
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip("*.")
    return int(answers(port, host=name or "127.0.0.1") >= 500)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
