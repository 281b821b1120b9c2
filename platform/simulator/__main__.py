"""python -m simulator"""

import sys

import uvicorn

from .options import from_command_line
from .server import application


def main() -> int:
    """Serve until stopped."""
    try:
        listener, options = from_command_line()
        world = options.world()
    except (OSError, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    counts = ", ".join(f"{fleet.count:,} at {fleet.carrier}" for fleet in world.fleets.values())
    goes_on = "; goes on from the state file, with its fleet, clock and settings" if world.goes_on else ""
    print(f"simulator: {counts}; port {listener.getsockname()[1]}{goes_on}", flush=True)
    config = uvicorn.Config(application(world), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
