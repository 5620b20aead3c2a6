"""The machine's time and threads: the only module that may use them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lab.clock.clock import Condition, Thread


class SystemClock:
    """The machine's time and threads."""

    def now(self) -> datetime:
        """Return the wall time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for ``seconds``; a negative number is none."""
        time.sleep(max(0.0, seconds))  # noqa: TID251 - this is the clock

    def condition(self) -> Condition:
        """Return a `threading.Condition` over a re-entrant lock."""
        return threading.Condition(threading.RLock())

    def spawn(self, name: str, target: Callable[..., None], *args: Any) -> Thread:
        """Start a daemon thread. An exception that ends it goes to `threading.excepthook` at once, and to whoever joins it."""
        return _SystemThread(name, target, args)


class _SystemThread:
    def __init__(self, name: str, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        self._failure: BaseException | None = None

        def body() -> None:
            try:
                target(*args)
            except BaseException as error:
                self._failure = error
                raise

        self._thread = threading.Thread(target=body, name=name, daemon=True)  # noqa: TID251 - this is the clock
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)
        if self._failure is not None:
            raise self._failure

    def is_alive(self) -> bool:
        return self._thread.is_alive()
