"""A learner's progress as a file, for another browser or another lab.

JSON: ``{"format": "pod-hook-lab/progress", "version": 1, "exported_at": …, "marks": [{"kind", "item", "at", "value"}, …]}``. What
was tried and judged here stays here: its runs are in no other lab.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from lab.errors import ProgressError
from lab.lessons.progress import MARK_KINDS, Mark

FORMAT = "pod-hook-lab/progress"
VERSION = 1
MOST_MARKS = 5_000  # a course has some hundreds
LONGEST_ITEM = 200  # characters
LONGEST_VALUE = 64  # characters
NOT_EXPORTED = "tried"


def progress_json(marks: Iterable[Mark], now: datetime) -> dict[str, Any]:
    """Return what the file holds."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": now.isoformat(),
        "marks": [
            {"kind": mark.kind, "item": mark.item, "at": mark.at.isoformat(), "value": mark.value}
            for mark in marks
            if mark.kind != NOT_EXPORTED
        ],
    }


def read_progress(data: bytes) -> tuple[Mark, ...]:
    """Return the marks in a file. Raises ProgressError that says where it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProgressError("cannot read this file: it is not JSON; choose a progress.json that the lab has written") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ProgressError(f"cannot read this file: its format is not {FORMAT}; choose a progress.json that the lab has written")
    if value.get("version") != VERSION:
        raise ProgressError(f"cannot read this file: its version is not {VERSION}; it is from another version of the lab")
    marks = value.get("marks")
    if not isinstance(marks, list) or len(marks) > MOST_MARKS:
        raise ProgressError(f"cannot read this file: marks is not a list of at most {MOST_MARKS}")
    return tuple(_mark(number, mark) for number, mark in enumerate(marks))


def _mark(number: int, value: object) -> Mark:
    where = f"cannot read this file: marks[{number}]"
    if not isinstance(value, dict):
        raise ProgressError(f"{where} is not a mapping")
    kind = next((kind for kind in MARK_KINDS if kind == value.get("kind") and kind != NOT_EXPORTED), None)
    if kind is None:
        raise ProgressError(f"{where}.kind is not one that the lab knows")
    item, text = value.get("item"), value.get("value", "")
    if not isinstance(item, str) or not 0 < len(item) <= LONGEST_ITEM or not item.isprintable():
        raise ProgressError(f"{where}.item is not a text of 1 to {LONGEST_ITEM} characters")
    if not isinstance(text, str) or len(text) > LONGEST_VALUE or not text.isprintable():
        raise ProgressError(f"{where}.value is not a text of at most {LONGEST_VALUE} characters")
    try:
        at = datetime.fromisoformat(str(value.get("at")))
    except ValueError as error:
        raise ProgressError(f"{where}.at is not a time") from error
    if at.tzinfo is None:
        raise ProgressError(f"{where}.at has no time zone")
    try:
        at = at.astimezone(UTC)
    except OverflowError as error:
        raise ProgressError(f"{where}.at is not a time") from error
    return Mark(kind=kind, item=item, at=at, value=text)
