"""Mistakes found in a content folder, collected so that an author sees all of them at once.

Reading never stops at the first mistake: each is noted with its file and line, and `Problems.check` raises them
together. Nothing here reads files.
"""

from __future__ import annotations

from lab.errors import ContentError


class Problems:
    """A growing list of mistakes. Not shared between threads."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, int, str]] = []

    def note(self, path: str, line: int, message: str) -> None:
        """Note a mistake at a 1-based ``line`` of ``path`` (relative to the content folder); ``message`` ends with the remedy."""
        self._noted.append((path, line, message))

    def check(self) -> None:
        """Return when nothing was noted; raise ContentError that lists everything in file order otherwise."""
        if self._noted:
            raise ContentError("\n".join(f"{path}:{line}: {message}" for path, line, message in sorted(self._noted)))
