"""python -m stripe_proxy --port 8420 --state FOLDER --webhook URL --secret SECRET"""

import argparse
import socket
from pathlib import Path

import uvicorn

from .server import application
from .state import State


def main() -> None:
    """Serve on loopback until stopped."""
    parser = argparse.ArgumentParser(prog="stripe_proxy")
    parser.add_argument("--port", type=int, default=8420)
    parser.add_argument("--fd", type=int, help="a listening socket of our parent, instead of a port")
    parser.add_argument("--state", type=Path, help="the folder in which everything is kept; without it nothing is")
    parser.add_argument("--webhook", default="", help="where events are sent")
    parser.add_argument("--secret", default="whsec_linekeeper_demo", help="what they are signed with")
    given = parser.parse_args()
    if given.state:
        given.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = State.load(given.state / "proxy.json" if given.state else None)
    app = application(
        state,
        kept=given.state / "localstripe.pickle" if given.state else None,
        webhook=given.webhook,
        secret=given.secret,
    )
    config = uvicorn.Config(
        app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=given.fd)] if given.fd else None)


if __name__ == "__main__":
    main()
