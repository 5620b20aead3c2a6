"""Virtual time for tests: real threads, of which exactly one runs at a time, and a clock that jumps when all of them wait.

So that a CrashLoopBackOff of minutes is tested in milliseconds, in a fixed order; and so that what would hang fails instead,
with the names and places of those that wait.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType, TracebackType
from typing import Any

from lab.clock.clock import Condition, Thread

LONGEST_WAIT_SECONDS = 86_400.0  # virtual; by then whoever waits without a deadline waits for what never comes


class Deadlock(RuntimeError):
    """Every thread of a virtual clock waits for what cannot come any more; the message says who waits, and where."""


class VirtualClock:
    """Virtual time for tests.

    The thread that made the clock, its *owner*, and those that it spawned take turns: exactly one runs, until it waits,
    sleeps or ends; then the one that became ready first goes on. When none is ready, time jumps to the next deadline;
    without one, the owner gets a `Deadlock`. An exception that ends a thread is raised again where the thread is joined,
    else in the owner's current or next wait. No other thread may use the clock, except to read it.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._owner = _Turn(threading.current_thread())
        self._current = self._owner
        self._own = threading.local()
        self._own.turn = self._owner
        self._ready: deque[_Turn] = deque()
        self._waiting: list[_Turn] = []
        self._threads: list[_VirtualThread] = []
        self._failures: list[BaseException] = []
        self._closed = False

    def __enter__(self) -> VirtualClock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        failures = self._end_all()
        if failures and error is None:
            raise failures[0]
        if error is not None:
            for failure in failures:
                error.add_note(f"and a thread failed too: {failure!r}, {failure.__notes__[-1]}")

    def close(self) -> None:
        """End every thread where it waits. Raises the first failure of a thread that nobody has been told of."""
        self.__exit__(None, None, None)

    def now(self) -> datetime:
        """Return the start plus the virtual seconds since."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Let the others run for ``seconds`` of virtual time; with 0, let those that are ready have their turn."""
        if seconds <= 0:
            self._ready.append(self._me())
            self._hand_over()
        else:
            self._block(None, self._elapsed + seconds)

    def settle(self) -> None:
        """Let the others run until all of them wait; no time passes."""
        while self._ready:
            self.sleep(0)

    def condition(self) -> Condition:
        """Return a condition with a lock of its own: whoever sleeps with it held keeps the others out, as in real life."""
        return _VirtualCondition(self)

    def spawn(self, name: str, target: Callable[..., None], *args: Any) -> Thread:
        """Start a thread; its first turn comes when the caller waits."""
        self._me()
        thread = _VirtualThread(self)
        self._threads.append(thread)

        def body() -> None:
            self._own.turn = thread.turn
            try:
                thread.turn.take()
                self._tell(thread.turn)
                target(*args)
            except _Ended:
                pass
            except BaseException as error:  # whatever ended the thread is the business of whoever waits for it
                error.add_note(f"in thread {name}")
                thread.failure = error
            self._end(thread)

        thread.turn = _Turn(threading.Thread(target=body, name=name, daemon=True))  # noqa: TID251 - this is the clock
        self._ready.append(thread.turn)
        thread.turn.thread.start()
        return thread

    # Only the thread whose turn it is runs what follows; handing over is what makes it safe without a lock.

    def _me(self) -> _Turn:
        turn: _Turn | None = getattr(self._own, "turn", None)
        if turn is None or turn is not self._current:
            name = threading.current_thread().name
            raise RuntimeError(f"cannot use a virtual clock from thread {name}: only its owner and threads it spawned take turns")
        return turn

    def _block(self, waits_for: object | None, deadline: float | None, *, since: float | None = None) -> None:
        """Wait until `_wake` is called for ``waits_for``, or the deadline has come."""
        me = self._me()
        self._tell(me)
        me.waits_for, me.deadline, me.since = waits_for, deadline, self._elapsed if since is None else since
        self._waiting.append(me)
        self._hand_over()

    def _hand_over(self) -> None:
        me = self._current
        self._next()
        me.take()
        self._tell(me)

    def _next(self) -> None:
        if not self._ready:
            self._advance()
        self._current = self._ready.popleft()
        self._current.go.release()

    def _tell(self, me: _Turn) -> None:
        if self._closed and me is not self._owner:
            raise _Ended
        if me.stuck is not None:
            stuck, me.stuck = me.stuck, None
            raise stuck
        if me is self._owner and self._failures:
            raise self._failures.pop(0)

    def _wake(self, waits_for: object, *, only_first: bool = False) -> None:
        for turn in [w for w in self._waiting if w.waits_for is waits_for][: 1 if only_first else None]:
            self._make_ready(turn)

    def _make_ready(self, turn: _Turn) -> None:
        self._waiting.remove(turn)
        self._ready.append(turn)

    def _advance(self) -> None:
        deadlines = [turn.deadline for turn in self._waiting if turn.deadline is not None]
        patience = self._owner.since + LONGEST_WAIT_SECONDS if self._owner.deadline is None else float("inf")
        if not deadlines or min(deadlines) > patience:
            self._owner.stuck = Deadlock(self._describe(bool(deadlines)))
            self._make_ready(self._owner)
            return
        self._elapsed = max(self._elapsed, min(deadlines))
        for turn in [turn for turn in self._waiting if turn.deadline is not None and turn.deadline <= self._elapsed]:
            self._make_ready(turn)

    def _describe(self, others_go_on: bool) -> str:
        frames = sys._current_frames()
        waiting = sorted(self._waiting, key=lambda turn: turn is not self._owner)
        lines = [f"  {turn.thread.name}: {_place(frames.get(turn.thread.ident or 0))}" for turn in waiting]
        why = f"nobody woke the owner in {LONGEST_WAIT_SECONDS:g} s" if others_go_on else "every thread waits for another"
        return (
            f"cannot go on at {self._elapsed:g} s: {why}; give the wait a timeout or look at what does not come:\n"
            + "\n".join(lines)
        )

    def _end(self, thread: _VirtualThread) -> None:
        thread.ended = True
        self._threads.remove(thread)
        joined = any(turn.waits_for is thread for turn in self._waiting)
        if thread.failure is not None and not joined:
            self._failures.append(thread.failure)
            if self._owner in self._waiting:
                self._make_ready(self._owner)
        self._wake(thread)
        if self._closed:
            self._current = self._owner
            self._owner.go.release()
        else:
            self._next()

    def _end_all(self) -> list[BaseException]:
        self._me()
        self._closed = True
        while self._threads:
            self._current = turn = self._threads[0].turn
            turn.go.release()
            self._owner.take()
            turn.thread.join()
        failures, self._failures = self._failures, []
        return failures


class _Ended(BaseException):
    """The clock was closed: unwind this thread."""


class _Turn:
    """A thread's place among those of a virtual clock."""

    def __init__(self, thread: threading.Thread) -> None:  # noqa: TID251 - a type here
        self.thread = thread
        self.go = threading.Semaphore(0)
        self.waits_for: object | None = None
        self.since = 0.0
        self.deadline: float | None = None
        self.stuck: Deadlock | None = None

    def take(self) -> None:
        self.go.acquire()
        self.waits_for = None


class _VirtualLock:
    """Re-entrant. Releasing what is not held is ignored: it happens after a wait that an exception ended."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._holder: _Turn | None = None
        self._depth = 0

    def held(self) -> bool:
        return self._holder is self._clock._me()

    def acquire(self, depth: int = 1) -> None:
        me = self._clock._me()
        while self._holder is not None and self._holder is not me:
            self._clock._block(self, None)
        self._holder = me
        self._depth += depth

    def release(self, depth: int = 1) -> None:
        if self._holder is not self._clock._me():
            return
        self._depth -= depth
        if self._depth == 0:
            self._holder = None
            self._clock._wake(self, only_first=True)

    def release_all(self) -> int:
        depth = self._depth
        self.release(depth)
        return depth


class _VirtualCondition:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._lock = _VirtualLock(clock)

    def __enter__(self) -> Any:
        self._lock.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self._lock.release()

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        self._require_held("wait on")
        since = self._clock.monotonic()
        deadline = None if timeout is None else since + max(0.0, timeout)
        while not (result := predicate()) and (deadline is None or self._clock.monotonic() < deadline):
            if timeout is not None and timeout > threading.TIMEOUT_MAX:
                raise OverflowError(f"cannot wait {timeout:g} s: the machine's clock cannot either; wait without a timeout")
            depth = self._lock.release_all()
            try:
                self._clock._block(self, deadline, since=since)
            finally:
                self._lock.acquire(depth)
        return result

    def notify_all(self) -> None:
        self._require_held("notify")
        self._clock._wake(self)

    def _require_held(self, verb: str) -> None:
        if not self._lock.held():
            raise RuntimeError(f"cannot {verb} a condition whose lock is not held; use it inside its with block")


class _VirtualThread:
    turn: _Turn

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.failure: BaseException | None = None
        self.ended = False

    def join(self, timeout: float | None = None) -> None:
        deadline = None if timeout is None else self._clock.monotonic() + max(0.0, timeout)
        while not self.ended and (deadline is None or self._clock.monotonic() < deadline):
            self._clock._block(self, deadline)
        if self.failure is not None:
            self._clock._failures = [failure for failure in self._clock._failures if failure is not self.failure]
            raise self.failure

    def is_alive(self) -> bool:
        return not self.ended


def _place(frame: FrameType | None) -> str:
    """Return where a thread waits: its three innermost frames outside this module and `threading`."""
    places: list[str] = []
    while frame is not None and len(places) < 3:
        if frame.f_code.co_filename not in (__file__, threading.__file__):
            places.append(f"{frame.f_code.co_name} ({frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno})")
        frame = frame.f_back
    return " < ".join(places) or "gone"
