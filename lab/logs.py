"""What the lab writes to its log: one line for each record, as text for people or as JSON for machines.

An *event* is a record with fields: `note(logger, "request", endpoint=…)`. Fields name what happened and how it went; they never
hold what a learner typed or what lets somebody in (nicknames, manifests, tokens, cookies, join codes, passwords, query strings).
Other records are sentences. A traceback is part of its record.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["text", "json"]
Field = str | int | float | bool | None
_FIELDS = "lab_fields"  # of a record

_LOGGER = logging.getLogger(__name__)


def set_up_logs(style: LogFormat) -> None:
    """Send every logger's records from INFO on to stderr in this format, in place of whatever handled them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(style))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every start what it looked at
    threading.excepthook = _log_failure


def _log_failure(failure: threading.ExceptHookArgs) -> None:
    """Log an exception that has ended a thread."""
    if failure.exc_value is not None:
        name = failure.thread.name if failure.thread else "a thread"
        _LOGGER.error("%s has failed", name, exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback))


def formatter(style: LogFormat) -> logging.Formatter:
    """Return what writes the records."""
    return _JsonFormatter() if style == "json" else _TextFormatter("%(levelname)s %(name)s: %(message)s")


def note(logger: logging.Logger, event: str, **fields: Field) -> None:
    """Log that something happened, with its fields; those that are None are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    logger.info("%s", event, extra={_FIELDS: known})


class _TextFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        """Put the fields behind the event's name."""
        fields: dict[str, Field] = getattr(record, _FIELDS, {})
        return " ".join((super().formatMessage(record), *(f"{name}={_written(value)}" for name, value in fields.items())))


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        fields: dict[str, Field] = getattr(record, _FIELDS, {})
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Field] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        line["event" if fields else "message"] = record.getMessage()
        line |= fields
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _written(value: Field) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(" \"'=") else json.dumps(text, ensure_ascii=False)
