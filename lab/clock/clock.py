"""What a clock is: the protocols that the machine's and the virtual one keep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol


class Condition(Protocol):
    """A lock with waiting, as `threading.Condition`; ``wait_for`` takes its timeout from the clock it came from."""

    def __enter__(self) -> Any: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> Any: ...
    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Block until ``predicate()`` is true or ``timeout`` seconds passed; return its last value. The lock must be held."""
        ...

    def notify_all(self) -> None:
        """Make every waiter look at its predicate again. The lock must be held."""
        ...


class Thread(Protocol):
    """A started thread."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most ``timeout`` seconds. Raises what ended it, if an exception did."""
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
