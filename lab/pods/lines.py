"""Where every field of a document stands in the learner's text.

A path is written as the API server writes it (``spec.containers[0].lifecycle``). Nothing here reads YAML.
"""

from __future__ import annotations


def child(path: str, key: str) -> str:
    """Return the path of ``key`` below ``path`` ("" is the document)."""
    return f"{path}.{key}" if path else key


class LineMap:
    """1-based lines by path; a path that does not stand in the text has the line of the nearest one above it that does."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self._prefix = ""
        self._lines: dict[str, int] = {}

    def put(self, path: str, line: int) -> None:
        """Note that ``path`` begins on ``line``."""
        self._lines[self._prefix + path] = line

    def line(self, path: str) -> int:
        """Return the line of ``path`` or of its nearest ancestor in the text."""
        while path:
            known = self._lines.get(self._prefix + path)
            if known is not None:
                return known
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.first_line

    def below(self, prefix: str) -> LineMap:
        """Return a view of the object at ``prefix`` with paths that start there (an item of a List)."""
        view = LineMap(self.line(prefix))
        view._lines = self._lines
        view._prefix = f"{self._prefix}{prefix}."
        return view
