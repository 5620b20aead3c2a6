"""Whether the engine can run pods now, asked so that nobody waits for an engine that is well.

Every page and every stream wants to know. An answer is believed for a few seconds; then it is asked again in the background,
and the old one holds meanwhile. Only while it is not known to be well does whoever asks wait for a moment, so that a page that
is loaded after the engine came back says so.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.clock import Clock

ANSWER_SECONDS = 5.0  # so long an engine that answered is believed to be well
PATIENCE_SECONDS = 1.0  # for the answer of one that is not known to be
SILENCE_SECONDS = 10.0  # after which one that was well is so no more: a busy one answers late

SILENT = "the container engine does not answer, though it is there; if that lasts, restart it"


class EngineHealth:
    """Asks one engine, one question at a time. Thread-safe. ``ask()`` says what is wrong, with the remedy, or None; it may take
    as long as the engine does."""

    def __init__(self, clock: Clock, ask: Callable[[], str | None]) -> None:
        self._clock = clock
        self._ask = ask
        self._changed = clock.condition()
        self._is_asking = False
        self._asked_at = 0.0
        self._losses = 0
        self._problem: str | None = None
        self._is_known = False  # whether it has ever been asked
        self._was_well = False
        self._well_until_seconds = 0.0

    def problem(self) -> str | None:
        """Return what is wrong as far as is known."""
        with self._changed:
            if self._clock.monotonic() < self._well_until_seconds:
                return None
            if not self._is_asking:
                self._is_asking, self._asked_at = True, self._clock.monotonic()
                self._clock.spawn("engine-health", self._answer)
            if self._was_well:
                return None if self._clock.monotonic() - self._asked_at < SILENCE_SECONDS else SILENT
            patience = PATIENCE_SECONDS if self._is_known else None
            answered = self._changed.wait_for(lambda: not self._is_asking, patience)
            return self._problem or (None if answered else SILENT)

    def lost(self) -> None:
        """Take it that the engine has gone: what it answered, or is about to, is no longer believed."""
        with self._changed:
            self._losses += 1
            self._was_well = False
            self._well_until_seconds = 0.0

    def close(self) -> None:
        """Wait for a question that is on its way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_asking)

    def _answer(self) -> None:
        problem: str | None = "cannot ask the engine how it is; the lab's log says why"
        losses = self._losses
        try:
            problem = self._ask()
        finally:
            with self._changed:
                self._is_asking, self._is_known = False, True
                self._problem = problem
                self._was_well = problem is None and losses == self._losses
                if self._was_well:
                    self._well_until_seconds = self._clock.monotonic() + ANSWER_SECONDS
                self._changed.notify_all()
