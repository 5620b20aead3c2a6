"""Rows as CSV and as JSON, piece by piece, so that a large class is never in memory at once.

CSV is for spreadsheets: UTF-8 with a byte order mark, without which Excel takes it for another encoding; RFC 4180's commas,
quotes and CRLF; times RFC 3339 in UTC; what has names inside is ``name=value; …``. A text that a spreadsheet would take for a
formula gets an apostrophe in front: nicknames and manifests are learners' words.

JSON is ``{"format": "pod-hook-lab/class-progress" or "…/class-runs", "version": 1, "exported_at", "class": {"id", "name",
"opened_at", "closed_at"}, "rows": [{…}, …]}``, a row's members being the columns of the CSV, null where those are empty and an
object where those are ``name=value``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Literal

from lab.classroom.model import Class
from lab.records.rows import ProgressRow, Report, RunRow, Source, progress_rows, run_rows

Subject = Literal["progress", "runs"]
Form = Literal["csv", "json"]
Row = ProgressRow | RunRow

VERSION = 1
BYTE_ORDER_MARK = "\ufeff"
BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MEDIA_TYPES: Mapping[Form, str] = {"csv": "text/csv; charset=utf-8; header=present", "json": "application/json"}
FILES: tuple[tuple[Subject, Form], ...] = (("progress", "csv"), ("progress", "json"), ("runs", "csv"), ("runs", "json"))

_ROWS: Mapping[Subject, type[Row]] = {"progress": ProgressRow, "runs": RunRow}


def written(subject: Subject, form: Form, report: Report, source: Source, now: datetime) -> Iterator[bytes]:
    """Yield a file piece by piece. Raises StoreError, also in the midst of it."""
    rows: Iterable[Row] = progress_rows(report, source) if subject == "progress" else run_rows(report, source)
    pieces = _csv(_columns(subject), rows) if form == "csv" else _json(subject, report.classroom, rows, now)
    for piece in pieces:
        yield piece.encode("utf-8", "replace")


def _columns(subject: Subject) -> tuple[str, ...]:
    return tuple(field.name for field in fields(_ROWS[subject]))


def _csv(columns: tuple[str, ...], rows: Iterable[Row]) -> Iterator[str]:
    buffer = io.StringIO(BYTE_ORDER_MARK)
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in columns])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return _time(value)
        case dict():
            return _harmless("; ".join(f"{name}={inner}" for name, inner in value.items()))
        case str():
            return _harmless(value)
    return value


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(BEGINS_FORMULA) else text


def _json(subject: Subject, classroom: Class, rows: Iterable[Row], now: datetime) -> Iterator[str]:
    head = {
        "format": f"pod-hook-lab/class-{subject}",
        "version": VERSION,
        "exported_at": _time(now),
        "class": {
            "id": classroom.id,
            "name": classroom.name,
            "opened_at": _time(classroom.opened_at),
            "closed_at": _time(classroom.closed_at) if classroom.closed_at else None,
        },
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": ['
    between = "\n"
    for row in rows:
        members = {field.name: getattr(row, field.name) for field in fields(row)}
        yield between + json.dumps(members, ensure_ascii=False, default=_time)
        between = ",\n"
    yield "\n]}\n"


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
