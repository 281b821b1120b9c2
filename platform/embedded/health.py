"""Tell by the exit code whether all is well, as the web server beside us says: python -m embedded.health [PORT]."""

import sys

from embedded.programs import answers


def main(arguments: list[str]) -> int:
    """Ask /healthz; 0 if it says that requests are answered and that work is done."""
    port = int(arguments[1]) if len(arguments) > 1 else 8000
    return int(answers(port, path="/healthz") != 200)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
