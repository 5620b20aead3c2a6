"""Field errors as the API server collects and words them.

A check appends to a `FieldErrors`; each error becomes a note ``KIND: VALUE: DETAIL`` with the learner's line.
Source: staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go (v1.36).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lab.pods.lines import LineMap
from lab.pods.notes import FieldNote


class FieldErrors:
    """Collects errors in the order of the checks. ``at`` is a finer path than the reported one, for the line alone."""

    def __init__(self, lines: LineMap) -> None:
        self.notes: list[FieldNote] = []
        self._lines = lines

    def required(self, path: str, detail: str = "") -> None:
        """Report a missing value."""
        self._add("FieldValueRequired", path, "Required value", detail)

    def invalid(self, path: str, value: Any, detail: str, *, at: str = "") -> None:
        """Report a value that breaks a rule."""
        self._add("FieldValueInvalid", path, f"Invalid value: {shown(value)}", detail, at)

    def invalid_for_each(self, path: str, value: Any, details: Iterable[str], *, at: str = "") -> None:
        """Report one error per complaint about ``value``."""
        for detail in details:
            self.invalid(path, value, detail, at=at)

    def not_supported(self, path: str, value: Any, supported: Iterable[str]) -> None:
        """Report a value outside an enumeration; ``supported`` in the order in which the server lists it."""
        values = ", ".join(quoted(known) for known in supported)
        self._add("FieldValueNotSupported", path, f"Unsupported value: {shown(value)}", f"supported values: {values}")

    def duplicate(self, path: str, value: Any) -> None:
        """Report a value that must be unique and is not."""
        self._add("FieldValueDuplicate", path, f"Duplicate value: {shown(value)}", "")

    def not_found(self, path: str, value: Any) -> None:
        """Report a reference to nothing."""
        self._add("FieldValueNotFound", path, f"Not found: {shown(value)}", "")

    def forbidden(self, path: str, detail: str) -> None:
        """Report a field that must not be set here."""
        self._add("FieldValueForbidden", path, "Forbidden", detail)

    def _add(self, kind: str, path: str, headline: str, detail: str, at: str = "") -> None:
        message = f"{headline}: {detail}" if detail else headline
        self.notes.append(FieldNote(path, message, self._lines.line(at or path), kind))


def shown(value: Any) -> str:
    """Write a bad value as the server does: strings quoted, numbers and booleans bare, others as JSON."""
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}


def quoted(text: str) -> str:
    """Quote as Go's ``%q``."""
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escaped(c)) for c in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
