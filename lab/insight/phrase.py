"""A sentence in both of the lab's languages, side by side, before anybody knows which one is wanted.

Backticks mark code, ``{name}`` is replaced by a value; how it is escaped and shown is the reader's affair (`lab.web.wording`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """``english`` and ``chinese`` say the same; ``values`` are put in by name, as text."""

    english: str
    chinese: str
    values: Mapping[str, Any] = field(default_factory=dict)


def phrase(english: str, chinese: str, **values: Any) -> Phrase:
    """Return the sentence with the values that it names."""
    return Phrase(english=english, chinese=chinese, values=values)
