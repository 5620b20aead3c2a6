"""Decode a document into an object's fields, strictly, and say what does not fit as the Go decoder words it.

One walk finds three things: values of the wrong type (the server names the first), fields that the Pod type does not have
(it names all), and fields that this lab does not run. What does fit is kept, with nulls and empty values dropped as the
API drops them, so that later stages can still look at it. Keys are visited in sorted order, as kubectl sends them.
Source: sigs.k8s.io/json (``decode.go``), k8s.io/apimachinery/pkg/runtime/serializer/json/json.go (v1.36).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from lab.pods.lines import LineMap, child
from lab.pods.notes import FieldNote
from lab.pods.pod_fields import RESOURCES, RESOURCES_WITHOUT_EFFECT, STRUCTS
from lab.pods.quantity import QuantityError, parse_quantity
from lab.pods.schema import INTEGER_RANGES, Field, kind_of

_MISSING = object()  # the value did not fit, or counts as absent


@dataclass(slots=True)
class Decoded:
    """The fields that fit, and four kinds of notes, each in the order in which the server meets them."""

    value: dict[str, Any] = field(default_factory=dict)
    type_errors: list[FieldNote] = field(default_factory=list)
    unknown_fields: list[FieldNote] = field(default_factory=list)
    unsupported: list[FieldNote] = field(default_factory=list)
    without_effect: list[FieldNote] = field(default_factory=list)


def decode_pod(document: dict[str, Any], lines: LineMap) -> Decoded:
    """Decode a document whose kind is Pod."""
    return decode_object(document, lines, "Pod")


def decode_object(document: dict[str, Any], lines: LineMap, kind: str) -> Decoded:
    """Decode a document of a kind that the lab keeps (`lab.pods.kinds`)."""
    decoder = _Decoder(lines)
    decoder.result.value = decoder.struct(document, f"v1.{kind}", "")
    return decoder.result


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: its path with indices, and the Go struct field that a type error names."""

    path: str
    go_field: str

    def item(self, index: int) -> _Place:
        return _Place(f"{self.path}[{index}]", self.go_field)


class _Decoder:
    def __init__(self, lines: LineMap) -> None:
        self._lines = lines
        self.result = Decoded()

    def struct(self, value: dict[str, Any], go_type: str, path: str) -> dict[str, Any]:
        fields = STRUCTS[go_type]
        kept: dict[str, Any] = {}
        for key in sorted(value):
            known = fields.get(key)
            key_path = child(path, key)
            if known is None:
                message = f'unknown field "{key_path}"'
                self.result.unknown_fields.append(FieldNote(key_path, message, self._lines.line(key_path), "UnknownField"))
                continue
            place = _Place(key_path, f"{_struct_name(go_type)}.{_without_indices(key_path)}")
            decoded = self._field(value[key], known, place)
            if decoded is not _MISSING:
                kept[key] = decoded
        for key, known in fields.items():
            if known.always and key not in kept:
                kept[key] = _zero(known.go_type)
        return kept

    def _field(self, value: Any, known: Field, place: _Place) -> Any:
        decoded = self._value(value, known.go_type, place)
        if decoded is _MISSING or (not known.always and _is_empty(decoded, known.go_type)):
            return _MISSING
        if known.refuses(decoded):
            self._unsupported(place.path, known.refusal)
        if known.ignores(decoded):
            self._ignored(place.path, known.no_effect)
        return decoded

    def _value(self, value: Any, go_type: str, place: _Place) -> Any:
        if value is None:
            return _MISSING
        kind = kind_of(go_type)
        if kind == "list" and isinstance(value, list):
            return self._list(value, go_type.removeprefix("*")[2:], place)
        if kind in ("map", "v1.ResourceList", "map[string][]uint8") and isinstance(value, dict):
            return self._map(value, kind, place)
        if kind == "struct" and isinstance(value, dict):
            # A struct that is not listed is one the lab never runs: kept as it is, for the stages that count it.
            return self.struct(value, go_type, place.path) if go_type in STRUCTS else value
        if kind == "resource.Quantity":
            return self._quantity(value, place)
        if _fits(value, kind, go_type):
            return value
        return self._wrong_type(value, go_type, place)

    def _list(self, value: list[Any], item_type: str, place: _Place) -> list[Any]:
        decoded = [self._list_item(item, item_type, place.item(index)) for index, item in enumerate(value)]
        return [item for item in decoded if item is not _MISSING]

    def _list_item(self, value: Any, item_type: str, place: _Place) -> Any:
        if value is None:
            return self.struct({}, item_type, place.path) if item_type in STRUCTS else _zero(item_type)
        return self._value(value, item_type, place)

    def _map(self, value: dict[str, Any], kind: str, place: _Place) -> dict[str, Any]:
        kept = {}
        for key in sorted(value):
            at = _Place(child(place.path, key), place.go_field)
            if kind == "map":
                decoded = "" if value[key] is None else self._value(value[key], "string", at)
            elif kind == "map[string][]uint8":
                decoded = "" if value[key] is None else self._base64(value[key], at)
            else:
                decoded = "0" if value[key] is None else self._quantity(value[key], at)
                if decoded is not _MISSING and key in RESOURCES_WITHOUT_EFFECT:
                    self._ignored(at.path, "the lab limits cpu and memory")
                elif decoded is not _MISSING and key not in RESOURCES:
                    self._unsupported(at.path, "the lab limits cpu and memory; leave it out")
            if decoded is not _MISSING:
                kept[key] = decoded
        return kept

    def _quantity(self, value: Any, place: _Place) -> Any:
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        try:
            return str(parse_quantity(text))
        except QuantityError as error:
            self.result.type_errors.append(FieldNote(place.path, str(error), self._lines.line(place.path), "TypeError"))
            return _MISSING

    def _base64(self, value: Any, place: _Place) -> Any:
        if not isinstance(value, str):
            return self._wrong_type(value, "[]uint8", place)
        plain = value.replace("\n", "").replace("\r", "")
        try:
            base64.b64decode(plain, validate=True)
        except ValueError:
            message = f"illegal base64 data at input byte {_first_not_base64(plain)}"
            self.result.type_errors.append(FieldNote(place.path, message, self._lines.line(place.path), "TypeError"))
            return _MISSING
        return plain

    def _wrong_type(self, value: Any, go_type: str, place: _Place) -> Any:
        named = _named_type(go_type)
        found = _json_kind(value, go_type)
        message = f"json: cannot unmarshal {found} into Go struct field {place.go_field} of type {named}"
        self.result.type_errors.append(FieldNote(place.path, message, self._lines.line(place.path), "TypeError"))
        return _MISSING

    def _unsupported(self, path: str, why: str) -> None:
        message = f"not supported by this lab: {why}"
        self.result.unsupported.append(FieldNote(path, message, self._lines.line(path), "Unsupported"))

    def _ignored(self, path: str, why: str) -> None:
        message = f"has no effect in the lab: {why}"
        self.result.without_effect.append(FieldNote(path, message, self._lines.line(path), "NoEffect"))


def _fits(value: Any, kind: str, go_type: str) -> bool:
    if kind in ("string", "v1.Time"):
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if kind in ("integer", "intstr.IntOrString"):
        if kind == "intstr.IntOrString" and isinstance(value, str):
            return True
        low, high = INTEGER_RANGES[go_type.removeprefix("*") if kind == "integer" else "int32"]
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return False


def _first_not_base64(text: str) -> int:
    """Return where Go's decoder gives up: at the first character that is none of base64's, else at the end of what is whole."""
    body = text.rstrip("=")
    stray = re.search(r"[^A-Za-z0-9+/]", body)
    return stray.start() if stray else len(body) // 4 * 4


def _json_kind(value: Any, go_type: str) -> str:
    """Name the JSON value as Go does; a number of the right kind that does not fit is shown itself."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        wants_number = kind_of(go_type) in ("integer", "intstr.IntOrString")
        return f"number {value}" if wants_number else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _named_type(go_type: str) -> str:
    bare = go_type.removeprefix("*")
    return {"intstr.IntOrString": "int32", "v1.Time": "string", "v1.ResourceList": "v1.ResourceList"}.get(bare, bare)


def _struct_name(go_type: str) -> str:
    return go_type.removeprefix("*").removeprefix("v1.")


def _without_indices(path: str) -> str:
    out, depth = [], 0
    for character in path:
        depth += (character == "[") - (character == "]")
        if depth == 0 and character != "]":
            out.append(character)
    return "".join(out)


def _zero(go_type: str) -> Any:
    return {"string": "", "integer": 0, "intstr.IntOrString": 0, "bool": False}.get(kind_of(go_type), "")


def _is_empty(value: Any, go_type: str) -> bool:
    """Whether ``omitempty`` drops the value: pointers and structs stay, all else goes when it is zero."""
    if go_type.startswith("*") or kind_of(go_type) == "struct":
        return False
    return value in ("", 0, False) or value == [] or value == {}
