"""One watch of the engine's events for the whole lab: it tells which containers died.

A dropped watch is taken up again from the last event seen, and `on_reconnect` lets the runtime look at everything once
more. An engine that stays away for `LOST_AFTER_SECONDS` is reported lost, once; the watch goes on trying, so a restarted
engine is found by itself.
Source: Docker Engine API v1.41 ``GET /events`` (``since`` repeats past events and then goes on without a gap).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lab.clock import Clock, Condition
from lab.errors import EngineError, EngineUnavailable
from lab.runtime.engine_client import EngineClient
from lab.runtime.labels import selector

LOST_AFTER_SECONDS = 2.0  # a watch may drop and come back; a restarted engine has killed its containers anyway
RETRY_SECONDS = 0.2
CONNECT_SECONDS = 10.0  # for the first connection to an engine that is slow to answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEvent:
    """A container ``died`` (with its exit code) or had a process killed for memory (``oom``)."""

    container_id: str
    action: str
    exit_code: int
    at_nanoseconds: int


class EngineEvents:
    """The watch. Handlers are called from its thread, in the engine's order, possibly twice for the same event after a
    reconnection."""

    def __init__(
        self,
        engine: EngineClient,
        instance: str,
        clock: Clock,
        *,
        on_event: Callable[[ContainerEvent], None],
        on_reconnect: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._instance = instance
        self._clock = clock
        self._on_event = on_event
        self._on_reconnect = on_reconnect
        self._on_lost = on_lost
        self._changed: Condition = clock.condition()
        self._started = False
        self._connected = False
        self._lost = False
        self._failures = 0  # of attempts to watch
        self._closed = False
        self._since_nanoseconds = 0
        self._stream: Any = None

    def require(self) -> None:
        """Return once the engine is being watched. Raises EngineUnavailable when it does not answer; while it is lost, as soon as
        that has been tried once more."""
        with self._changed:
            if not self._started:
                self._started = True
                self._since_nanoseconds = int(self._clock.now().timestamp() * 1e9)
                self._clock.spawn("engine-events", self._watch)
            tried = self._failures + 2  # an attempt that is under way may have failed already
            self._changed.wait_for(
                lambda: self._connected or self._closed or (self._lost and self._failures >= tried), CONNECT_SECONDS
            )
            if self._connected and not self._closed:
                return
        raise EngineUnavailable("cannot watch the engine's containers: no Docker Engine answers; `lab doctor` tells why")

    def close(self) -> None:
        """Stop watching."""
        with self._changed:
            self._closed = True
            stream = self._stream
            self._changed.notify_all()
        if stream is not None:
            with suppress(OSError, AttributeError):  # the SDK stumbles over a stream that has just ended by itself
                stream.close()

    def _watch(self) -> None:
        away_since: float | None = None
        while not self._closed:
            try:
                self._follow(first=away_since is None)
                message = "the engine closed its stream of events"
            except EngineError as error:
                message = error.runtime_message
            except Exception as error:  # a cut stream can end in the middle of an event; the watch must never end unseen
                message = repr(error)
            now = self._clock.monotonic()
            with self._changed:
                if self._connected or away_since is None:
                    away_since = now
                newly_lost = not self._lost and not self._closed and now - away_since >= LOST_AFTER_SECONDS
                self._connected, self._lost = False, self._lost or newly_lost
                self._failures += 1
                self._changed.notify_all()
            if newly_lost:
                self._on_lost(message)
            with self._changed:
                self._changed.wait_for(lambda: self._closed, RETRY_SECONDS)

    def _follow(self, *, first: bool) -> None:
        since = self._since_nanoseconds // 10**9  # whole seconds: a repeated event does no harm, a missed one would
        wanted = {"type": ["container"], "event": ["die", "oom"], **selector(instance=self._instance)}
        with self._engine.words("watch the engine's containers"):
            stream = self._engine.api.events(since=since, filters=wanted, decode=True)
            try:
                with self._changed:
                    self._stream = stream
                    self._connected, self._lost = not self._closed, False
                    self._changed.notify_all()
                if not first:
                    self._on_reconnect()
                if not self._closed:
                    for event in stream:
                        self._since_nanoseconds = max(self._since_nanoseconds, int(event["timeNano"]))
                        self._on_event(_container_event(event))
            finally:
                with self._changed:
                    self._stream = None
                with suppress(OSError, AttributeError):  # as in `close`
                    stream.close()


def _container_event(event: dict[str, Any]) -> ContainerEvent:
    return ContainerEvent(
        container_id=str(event["Actor"]["ID"]),
        action="died" if event["Action"] == "die" else str(event["Action"]),
        exit_code=int(event["Actor"]["Attributes"].get("exitCode", "0")),
        at_nanoseconds=int(event["timeNano"]),
    )
