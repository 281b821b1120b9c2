"""Repeatable dice and the check digits of card and device numbers."""

_MASK = (1 << 64) - 1
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def mix(value: int) -> int:
    """64 well-mixed bits of any whole number (splitmix64): the same number always gives the same bits."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def luhn_sum(digits: str, double_last: bool) -> int:
    """The Luhn sum of digits, every second one doubled: the last one too, or the one before it."""
    codes = digits.encode()
    first, second = codes[-1::-2], codes[-2::-2]
    doubled, plain = (first, second) if double_last else (second, first)
    return sum(doubled.translate(_DOUBLED)) + sum(plain) - 48 * len(codes)


def check_digit(body: str) -> str:
    """The Luhn digit that goes behind `body`."""
    return str(-luhn_sum(body, double_last=True) % 10)


def has_valid_check_digit(number: str) -> bool:
    """True when the last digit of `number` is the Luhn digit of the others."""
    return number.isascii() and number.isdigit() and len(number) > 1 and check_digit(number[:-1]) == number[-1]


def imei(tac: str, serial: int) -> str:
    """A 15-digit IMEI: type code (8 digits), serial (6), Luhn digit."""
    body = f"{tac}{serial % 1_000_000:06d}"
    return body + check_digit(body)


def imeisv(tac: str, serial: int, version: int) -> str:
    """A 16-digit IMEI with software version, which has no check digit."""
    return f"{tac}{serial % 1_000_000:06d}{version % 100:02d}"
