"""Reading and changing the settings by the control API: seconds outside, milliseconds inside."""

from typing import Any

import msgspec

from .answers import Refusal
from .history import Balance, CarrierSettings, Rate, Settings
from .instants import SECOND
from .limits import parse_rate

_PLAIN = (
    "api_key",
    "client_id",
    "secret_key",
    "api_token",
    "token_seconds",
    "edit_allowed",
    "bulk_seconds",
    "cycle_day",
)
_SECONDS = {"lag_seconds": "lag", "status_delay_seconds": "status_delay", "sms_delay_seconds": "sms_delay"}


def shown_settings(settings: Settings) -> dict[str, Any]:
    """The settings that PATCH takes."""
    shown: dict[str, Any] = {name: getattr(settings, name) for name in _PLAIN}
    for name in ("simbase", "iotportal"):
        carrier: CarrierSettings = getattr(settings, name)
        seconds = {outside: getattr(carrier, inside) / SECOND for outside, inside in _SECONDS.items()}
        shown[name] = {"rate": msgspec.to_builtins(carrier.rate), **seconds}
    balance = msgspec.to_builtins(settings.balance)
    del balance["updated"]
    return {**shown, "balance": balance, "seed": settings.seed, "stock_percent": settings.stock_percent}


def changed_settings(settings: Settings, wanted: dict[str, Any]) -> Settings:
    """Settings after a change; all of it or nothing."""
    changed = msgspec.json.decode(msgspec.json.encode(settings), type=Settings)
    for name, value in wanted.items():
        if name in _PLAIN:
            setattr(changed, name, value)
        elif name in ("simbase", "iotportal"):
            _change_carrier(getattr(changed, name), value)
        elif name == "balance":
            changed.balance = msgspec.convert({**msgspec.to_builtins(changed.balance), **value}, Balance)
        else:
            raise Refusal(400, f"no setting is called {name}")
    if not 1 <= changed.cycle_day <= 28:
        raise Refusal(400, "the cycle day is 1 to 28")
    # The round trip refuses values of a wrong type.
    return msgspec.json.decode(msgspec.json.encode(changed), type=Settings)


def _change_carrier(carrier: CarrierSettings, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        if name == "rate":
            carrier.rate = parse_rate(value) if isinstance(value, str) else msgspec.convert(value, Rate)
        elif name in _SECONDS:
            setattr(carrier, _SECONDS[name], int(float(value) * SECOND))
        else:
            raise Refusal(400, f"a carrier has no setting called {name}")
