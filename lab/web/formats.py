"""How values of facts are written in templates: argument vectors, signal names, short ids.

Plain functions, used as Jinja filters; whatever differs by language is `lab.web.wording`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from lab.timeline.signal_names import signal_name

_PLAIN_WORD = re.compile(r"[\w@%+=:,./<>-]+")  # shown as it is; everything else is quoted

SHORT_ID_LENGTH = 12  # as docker ps shows a container's id


def argv(words: Iterable[str]) -> str:
    """Write an argument vector so that its items can be told apart: ``sh -c "echo draining; sleep 3"``."""
    return " ".join(word if _PLAIN_WORD.fullmatch(word) else '"' + word.replace('"', '\\"') + '"' for word in words)


def short_id(container_id: str) -> str:
    """Write a container's or image's id in its short form."""
    return container_id.removeprefix("sha256:")[:SHORT_ID_LENGTH]


def shown_name(name: str) -> str:
    """Write a file's name, whose bytes may be no text."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def milliseconds(moment: datetime) -> int:
    """Return a time as milliseconds since 1970, as scripts count."""
    return int(moment.timestamp() * 1000)


def clock_time(timestamp: str) -> str:
    """Return the time of day with milliseconds of an RFC 3339 timestamp."""
    return timestamp[11:23].rstrip("Z")


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


FILTERS: dict[str, Callable[..., object]] = {
    "argv": argv,
    "short_id": short_id,
    "signal_name": signal_name,
    "shown_name": shown_name,
    "milliseconds": milliseconds,
    "clock_time": clock_time,
    "last_line": last_line,
}
