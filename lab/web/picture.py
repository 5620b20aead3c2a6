"""A run's page as its frames leave it: the same fold as the browser's, for pages that are read without scripts."""

from __future__ import annotations

from markupsafe import Markup

from lab.web.frames import Frame
from lab.web.texts import TEXTS, TextName, patched


class Picture:
    """The fold of frames. ``add`` them in order; the rest reads."""

    def __init__(self) -> None:
        self._steps: list[Markup] = []
        self._parts: dict[str, Markup] = {}
        self._texts: dict[TextName, tuple[str, ...]] = dict.fromkeys(TEXTS, ())
        self._lists: dict[str, dict[str, Markup]] = {}

    def copy(self) -> Picture:
        """Return the page as it is now, for somebody who reads it while frames come."""
        other = Picture()
        other._steps = list(self._steps)
        other._parts = dict(self._parts)
        other._texts = dict(self._texts)
        other._lists = {name: dict(rows) for name, rows in self._lists.items()}
        return other

    def add(self, frame: Frame) -> None:
        """Take a frame in."""
        if frame.step:
            self._steps.append(frame.step.html)
        self._parts |= frame.parts
        for name, change in frame.texts.items():
            self._texts[name] = patched(self._texts[name], change)
        for row in frame.rows:
            self._lists.setdefault(row.list, {})[row.key] = row.html

    @property
    def steps(self) -> Markup:
        """The rows of the list of steps."""
        return Markup("\n").join(self._steps)

    def part(self, name: str) -> Markup:
        """Return the inside of a part."""
        return self._parts.get(name, Markup(""))

    def text(self, name: TextName) -> str:
        """Return a plain text."""
        return "\n".join(self._texts[name])

    def rows(self, name: str) -> Markup:
        """Return the rows of a list; lists that stand inside its rows are filled."""
        filled = [
            html.replace(f"<!--{key}-->", self.rows(key)) if key in self._lists else html for key, html in self._items(name)
        ]
        return Markup("\n").join(Markup(html) for html in filled)  # noqa: S704 - rendered rows

    def _items(self, name: str) -> list[tuple[str, Markup]]:
        return list(self._lists.get(name, {}).items())
