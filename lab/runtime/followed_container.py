"""One container from its creation to its exit: its output, its death, told to the listener in order, on one thread.

Output is read by attaching before the start, not by following the engine's log. An attached stream loses nothing (a
follower of the json-file log misses lines when the file rotates, and cannot begin before the start), comes within a
millisecond, costs a sleeping thread, and a container that floods is slowed by the pipe rather than filling the lab. The
price: a line's time is its arrival here, not the engine's stamp. The exit is told after the end of the stream and the
engine's ``die`` event, whichever comes later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.clock import Clock, Condition
from lab.errors import ContainerGone, EngineError
from lab.runtime.engine_client import EngineClient, Frames, RawStream
from lab.runtime.engine_events import ContainerEvent
from lab.runtime.log_lines import LogLines
from lab.runtime.runtime import ContainerListener, Exit, Started
from lab.runtime.signals import SignalObserver

FLOOD_PAUSE_SECONDS = 0.01  # between reads of 64 KiB while output is dropped: 6 MiB/s, so a flood keeps neither side busy


@dataclass(slots=True)
class _State:
    """What is known. Guarded by the container's condition."""

    started_at: str = ""
    pid: int = 0
    died: ContainerEvent | None = None
    oom_killed: bool = False
    lost: str = ""
    given_up: bool = False


class FollowedContainer:
    """Relays what a created container does to its listener, until its exit has been told."""

    def __init__(self, engine: EngineClient, clock: Clock, container_id: str, listener: ContainerListener) -> None:
        self._id = container_id
        self._listener = listener
        self._engine = engine
        self._clock = clock
        self._changed: Condition = clock.condition()
        self._state = _State()
        self._signals: SignalObserver | None = None
        self._output: RawStream | None = None

    def begin(self, *, tty: bool, on_end: Callable[[str], None]) -> None:
        """Attach to the container, which has not been started yet. ``on_end`` is called with its id when all has been told."""
        self._output = self._engine.hijack(
            f"attach to container {self._id[:12]}", f"/containers/{self._id}/attach?stream=1&stdout=1&stderr=1&logs=0"
        )
        self._clock.spawn(f"container-{self._id[:12]}", self._relay, self._output, Frames(tty=tty), on_end)

    @property
    def pid(self) -> int:
        """PID 1 as the host numbers it; 0 before the start and after the exit."""
        with self._changed:
            return 0 if self._state.died else self._state.pid

    def started(self, started: Started, signals: SignalObserver | None) -> None:
        """PID 1 was started; have its signals witnessed from now on."""
        if signals is not None and started.pid:
            signals.follow(started.pid, self._listener.signalled)
            self._signals = signals
        with self._changed:
            self._state.started_at = started.started_at
            self._state.pid = started.pid
            self._changed.notify_all()

    def handle(self, event: ContainerEvent) -> None:
        """Take a container event; the same one may come twice."""
        with self._changed:
            if event.action == "oom":
                self._state.oom_killed = True
            elif self._state.died is None:
                self._state.died = event
            self._changed.notify_all()

    def lose(self, message: str) -> None:
        """The engine is away: tell the listener, and nothing more after that."""
        with self._changed:
            self._state.lost = self._state.lost or message
        self._let_go()

    def give_up(self) -> None:
        """Stop without a word: the container could not be started, or nobody listens any more."""
        with self._changed:
            self._state.given_up = True
        self._let_go()

    def removed(self) -> None:
        """The container is gone from the engine. One that ran still tells its exit."""
        with self._changed:
            self._state.given_up = not self._state.started_at
        if self._state.given_up:
            self._let_go()

    def look_again(self) -> None:
        """After a gap in the events: find out whether the container has died meanwhile."""
        with self._changed:
            if not self._state.started_at or self._state.died is not None:
                return
        try:
            state = self._inspect()
        except ContainerGone:
            state = {"Running": False, "ExitCode": 137}
        except EngineError:
            return  # away again: the watch reports that
        if not state.get("Running"):
            at = int(self._clock.now().timestamp() * 1e9)
            exit_code = int(state.get("ExitCode", 137))
            self.handle(ContainerEvent(container_id=self._id, action="died", exit_code=exit_code, at_nanoseconds=at))

    # --- the container's own thread

    def _relay(self, output: RawStream, frames: Frames, on_end: Callable[[str], None]) -> None:
        try:
            with output:
                self._relay_output(output, frames)
            self._tell_the_end()
        except Exception as error:  # a dead thread may never look like a waiting one
            self._listener.engine_lost(f"cannot follow container {self._id[:12]}: {error!r}")
            raise
        finally:
            on_end(self._id)

    def _let_go(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._output is not None:
            self._output.interrupt()

    def _relay_output(self, output: RawStream, frames: Frames) -> None:
        lines = LogLines()
        while data := output.read():
            at = rfc3339(self._clock.now())
            complete = lines.feed(frames.feed(data), at=at, elapsed_seconds=self._clock.monotonic())
            if complete:
                self._listener.logged(complete)
            if lines.flooding:
                self._clock.sleep(FLOOD_PAUSE_SECONDS)
        rest = lines.finish(at=rfc3339(self._clock.now()))
        if rest:
            self._listener.logged(rest, unfinished=lines.unfinished)

    def _tell_the_end(self) -> None:
        state = self._state
        with self._changed:
            self._changed.wait_for(lambda: bool(state.lost or state.given_up or (state.died and state.started_at)))
            died = state.died
        if self._signals is not None:
            self._signals.forget(state.pid)
        if state.lost and died is None:
            self._listener.engine_lost(state.lost)
        elif died is not None and not state.given_up:
            self._listener.exited(self._exit(died))

    def _exit(self, died: ContainerEvent) -> Exit:
        """Return the engine's account of the exit; the event's alone when the container has been removed already."""
        try:
            state = self._inspect()
        except EngineError:
            state = {}
        finished_at = str(state.get("FinishedAt") or rfc3339_of_nanoseconds(died.at_nanoseconds))
        return Exit(
            exit_code=int(state.get("ExitCode", died.exit_code)),
            oom_killed=bool(state.get("OOMKilled")) or self._state.oom_killed,
            started_at=self._state.started_at,
            finished_at=finished_at,
        )

    def _inspect(self) -> dict[str, Any]:
        with self._engine.words(f"look at container {self._id[:12]}"):
            state: dict[str, Any] = self._engine.api.inspect_container(self._id)["State"]
            return state


def rfc3339(moment: datetime) -> str:
    """Return the time with microseconds, UTC, as the engine writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def rfc3339_of_nanoseconds(nanoseconds: int) -> str:
    """Return the time with its nine digits, UTC."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
