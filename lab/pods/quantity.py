"""Amounts of cpu and memory as the API writes them: ``100m``, ``64Mi``, ``1e3``.

A quantity is an exact decimal and the family of its suffix; its text is canonical (``0.5`` → ``500m``, ``1024Ki`` → ``1Mi``).
Source: staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go, suffix.go (v1.36).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from functools import total_ordering

_FORM = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE])([-+]?[0-9]{1,4})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_WRONG_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_LONGEST_TEXT = 64  # characters; longer ones are no amounts anyone means
_SMALLEST = Decimal("1e-9")  # quantity.go: amounts are rounded up to one nano
_LARGEST = Decimal((1 << 63) - 1)  # quantity.go: larger amounts are capped


class QuantityError(ValueError):
    """The text is not a quantity; the message is the API's."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount and how it is written: ``binary``, ``decimal`` or ``exponent``."""

    value: Decimal
    family: str

    def __lt__(self, other: Quantity) -> bool:
        return self.value < other.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        if self.family == "binary" and abs(self.value) >= 1024 and self.value == self.value.to_integral_value():
            return _binary_text(int(self.value))
        digits, exponent = _thousands(self.value)
        if self.family == "exponent":
            return f"{digits}e{exponent}" if exponent else str(digits)
        suffix = next(name for name, power in _DECIMAL.items() if power == exponent)
        return f"{digits}{suffix}"


def parse_quantity(text: str) -> Quantity:
    """Return the quantity. Raises QuantityError in the API's words."""
    match = _FORM.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise QuantityError(_WRONG_FORM)
    number, exponent_mark, exponent, suffix = match.groups()
    value, family = Decimal(number), "decimal"
    if exponent_mark:
        value, family = value.scaleb(int(exponent)), "exponent"
    elif suffix in _BINARY:
        value, family = value * 1024 ** (_BINARY.index(suffix) + 1), "binary"
    elif suffix:
        value = value.scaleb(_DECIMAL[suffix])
    return Quantity(_bounded(value), family)


def _bounded(value: Decimal) -> Decimal:
    capped = max(-_LARGEST, min(_LARGEST, value))
    return capped.quantize(_SMALLEST, rounding=ROUND_UP) if capped else Decimal(0)


def _binary_text(value: int) -> str:
    power = 0
    while value % 1024 == 0 and power < len(_BINARY):
        value, power = value // 1024, power + 1
    return f"{value}{_BINARY[power - 1] if power else ''}"


def _thousands(value: Decimal) -> tuple[int, int]:
    """Return the integer and the power of a thousand (as an exponent of ten) that write ``value`` shortest."""
    if not value:
        return 0, 0
    exponent, scaled = -9, int(value.scaleb(9))
    while scaled % 1000 == 0 and exponent < 18:
        scaled, exponent = scaled // 1000, exponent + 3
    return scaled, exponent
