"""What classes are being shown: one run each, and the place in it at which the instructor is.

Kept in memory only. A lab that is started again shows nothing: whoever followed is back where they were before, and the
instructor shows the run again, which by then has ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from lab.clock import Clock

View = Literal["truth", "cluster"]
VIEWS: tuple[View, ...] = get_args(View)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a run: the entry whose step is shown, None for the newest one always; the view; the panel that is open."""

    seq: int | None = None
    view: View = "truth"
    panel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spotlight:
    """A run that a class is being shown. ``name`` is its learner's nickname, empty unless it is to be said. ``brought`` changes
    whenever everybody is brought along; empty until then."""

    run_id: str
    example: str
    place: Place = field(default_factory=Place)
    name: str = ""
    brought: str = ""


class Spotlights:
    """One spotlight for each class at most. Thread-safe."""

    def __init__(self, clock: Clock, changed: Callable[[str], None] = lambda class_id: None) -> None:
        """``changed(class_id)`` is called after each change."""
        self._lock = clock.condition()
        self._changed = changed
        self._on: dict[str, Spotlight] = {}

    def of(self, class_id: str) -> Spotlight | None:
        """Return what a class is being shown."""
        return self._on.get(class_id)

    def show(self, class_id: str, spotlight: Spotlight) -> None:
        """Show a class this run, instead of another if there was one. Whoever follows comes along."""
        with self._lock:
            before = self._on.get(class_id)
            self._on[class_id] = replace(spotlight, brought=before.brought if before else "")
        self._changed(class_id)

    def move(self, class_id: str, run_id: str, place: Place) -> bool:
        """Go to another place of the run. False when the class is not being shown that run (any more)."""
        return self._replace(class_id, lambda now: replace(now, place=place) if now.run_id == run_id else None)

    def bring(self, class_id: str) -> bool:
        """Have everybody follow, also those who left before. False when the class is being shown nothing."""
        return self._replace(class_id, lambda now: replace(now, brought=secrets.token_hex(4)))

    def end(self, class_id: str) -> None:
        """Show the class nothing any more."""
        with self._lock:
            if self._on.pop(class_id, None) is None:
                return
        self._changed(class_id)

    def _replace(self, class_id: str, change: Callable[[Spotlight], Spotlight | None]) -> bool:
        with self._lock:
            now = self._on.get(class_id)
            then = change(now) if now else None
            if then is None:
                return False
            self._on[class_id] = then
        if then != now:
            self._changed(class_id)
        return True
