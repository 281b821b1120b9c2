"""Both carriers' APIs as one HTTP server over a simulated fleet with a clock. It knows nothing of the product."""

from .running import Running, running

__all__ = ["Running", "running"]
