"""Whether Redis answers. Nothing is lost without it: work is done by beat, slower."""

from __future__ import annotations

from django.conf import settings

from kit.kept import Kept

PATIENCE = 0.5  # seconds
_kept: Kept[bool] = Kept(seconds=5, most=1)


def answers() -> bool:
    """As it was at most five seconds ago."""
    return _kept.get("", _asked)


def _asked() -> bool:
    import redis  # it brings its asyncio and OpenTelemetry along: whoever starts waits for none of them

    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
