"""What a plain YAML scalar means to kubectl: YAML 1.1 as the Go library reads it.

kubectl reads ``yes``, ``on`` and ``n`` as booleans, ``010`` as eight, ``1_000`` as a thousand, and leaves dates as text.
Python's own YAML rules differ in each of these, so they are not used. Nothing here knows about pods or documents.
Source: sigs.k8s.io/yaml v1.6, goyaml.v2 ``resolve.go``.
"""

from __future__ import annotations

import base64
import binascii
import math
import re

Scalar = str | int | float | bool | None

_TAG_PREFIX = "tag:yaml.org,2002:"
_TYPED_TAGS = frozenset({"!!bool", "!!int", "!!float", "!!null", "!!timestamp"})
_UINT64_MAX = (1 << 64) - 1
_INT64_MIN = -(1 << 63)
_LONGEST_INTEGER = 80  # characters: 64 bits in binary, sign, prefix and some leading zeros

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?",
    re.ASCII,
)


class ScalarError(ValueError):
    """The scalar does not fit its explicit tag; the text is the Go library's."""


def resolve_plain(text: str) -> Scalar:
    """Return the value of an untagged plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or _TIMESTAMP.fullmatch(text):
        return text
    number = text if text[0] == "." else text.replace("_", "")
    if len(number) <= _LONGEST_INTEGER and _INTEGER.fullmatch(number):
        value = _go_integer(number)
        if _INT64_MIN <= value <= _UINT64_MAX:
            return value
    if _FLOAT.fullmatch(number) and math.isfinite(float(number)):
        return float(number)
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with an explicit tag (long or short form). Raises ScalarError."""
    short = "!!" + tag.removeprefix(_TAG_PREFIX) if tag.startswith(_TAG_PREFIX) else tag
    if short == "!!binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise ScalarError("!!binary value contains invalid base64 data") from error
    if short not in _TYPED_TAGS:
        return text
    value = resolve_plain(text)
    actual = _tag_of(value, text)
    if short == "!!timestamp" and actual == "!!str" and _TIMESTAMP.fullmatch(text):
        return text
    if short == "!!float" and actual == "!!int" and isinstance(value, int):
        return float(value)
    if short != actual:
        raise ScalarError(f"cannot decode {actual} `{text}` as a {short}")
    return value


def _go_integer(text: str) -> int:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _tag_of(value: Scalar, text: str) -> str:
    if value is None:
        return "!!null"
    if isinstance(value, bool):
        return "!!bool"
    if isinstance(value, int):
        return "!!int"
    if isinstance(value, float):
        return "!!float"
    return "!!timestamp" if _TIMESTAMP.fullmatch(text) else "!!str"
