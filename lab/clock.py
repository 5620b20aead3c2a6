"""Time and threads, behind one seam.

Everything in the lab that waits, sleeps, reads the time or starts a thread does it through a `Clock`. `SystemClock` is
the machine's; `VirtualClock` runs the same threads in virtual time: it moves on only when every thread it started waits,
straight to the next deadline, so that a CrashLoopBackOff of minutes is tested in milliseconds, in a fixed order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol


class Condition(Protocol):
    """A lock with waiting, as `threading.Condition`; ``wait_for`` takes its timeout from the clock it came from."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *exc: object) -> Any: ...
    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Block until ``predicate()`` is true or ``timeout`` seconds passed; return the predicate's last value."""
        ...

    def notify_all(self) -> None:
        """Make every waiter look at its predicate again. The lock must be held."""
        ...


class Thread(Protocol):
    """A started thread."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most ``timeout`` seconds."""
        ...

    def is_alive(self) -> bool:
        """Whether it still runs."""
        ...


class Clock(Protocol):
    """The only source of time and threads."""

    def now(self) -> datetime:
        """Return the wall time, UTC, with microseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block for ``seconds``."""
        ...

    def condition(self) -> Condition:
        """Return a new condition whose waits follow this clock."""
        ...

    def spawn(self, name: str, target: Callable[..., None], *args: Any) -> Thread:
        """Start a daemon thread."""
        ...


class SystemClock:
    """The machine's time and threads."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def condition(self) -> Condition:
        return threading.Condition(threading.RLock())

    def spawn(self, name: str, target: Callable[..., None], *args: Any) -> Thread:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        thread.start()
        return thread


class VirtualClock:
    """Virtual time for tests. Threads take turns in the order they became ready; when all wait, time jumps to the next deadline.

    The thread that made the clock takes part as one of them: its waits and sleeps let the others run. All conditions share
    one lock, so exactly one thread runs at a time and a test always sees the same order.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.RLock()
        self._waiters: list[_Waiter] = []
        self._running = 1

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._wait(None, lambda: False, max(0.0, seconds))

    def condition(self) -> Condition:
        return _VirtualCondition(self)

    def spawn(self, name: str, target: Callable[..., None], *args: Any) -> Thread:
        done = _VirtualCondition(self)
        thread = _VirtualThread(done)
        with self._lock:
            self._running += 1

        def body() -> None:
            try:
                target(*args)
            finally:
                with self._lock:
                    thread.ended = True
                    done.notify_all()
                    self._running -= 1
                    self._advance()

        threading.Thread(target=body, name=name, daemon=True).start()
        return thread

    # The lock is held in everything below.

    def _wait(self, condition: object | None, predicate: Callable[[], bool], timeout: float | None) -> bool:
        deadline = None if timeout is None else self._elapsed + timeout
        while not predicate():
            if deadline is not None and self._elapsed >= deadline:
                return predicate()
            waiter = _Waiter(condition, deadline, threading.Condition(self._lock))
            self._waiters.append(waiter)
            self._running -= 1
            self._advance()
            while not waiter.ready:
                waiter.wake.wait()
        return True

    def _notify(self, condition: object) -> None:
        for waiter in [w for w in self._waiters if w.condition is condition]:
            self._release(waiter)

    def _release(self, waiter: _Waiter) -> None:
        self._waiters.remove(waiter)
        waiter.ready = True
        self._running += 1
        waiter.wake.notify()

    def _advance(self) -> None:
        if self._running > 0:
            return
        deadlines = [w.deadline for w in self._waiters if w.deadline is not None]
        if not deadlines:
            return
        self._elapsed = max(self._elapsed, min(deadlines))
        due = [w for w in self._waiters if w.deadline is not None and w.deadline <= self._elapsed]
        self._release(due[0])


class _Waiter:
    __slots__ = ("condition", "deadline", "ready", "wake")

    def __init__(self, condition: object | None, deadline: float | None, wake: threading.Condition) -> None:
        self.condition = condition
        self.deadline = deadline
        self.wake = wake
        self.ready = False


class _VirtualCondition:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __enter__(self) -> Any:
        return self._clock._lock.__enter__()

    def __exit__(self, *exc: object) -> None:
        self._clock._lock.release()

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        with self._clock._lock:
            return self._clock._wait(self, predicate, timeout)

    def notify_all(self) -> None:
        with self._clock._lock:
            self._clock._notify(self)


class _VirtualThread:
    def __init__(self, done: _VirtualCondition) -> None:
        self._done = done
        self.ended = False

    def join(self, timeout: float | None = None) -> None:
        self._done.wait_for(lambda: self.ended, timeout)

    def is_alive(self) -> bool:
        return not self.ended
