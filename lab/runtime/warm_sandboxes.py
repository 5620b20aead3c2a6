"""Sandboxes that are started before a pod asks for them.

Two thirds of a pod's way to Running are its sandbox: its network and its pause process. Nothing of that is the pod's but the
hostname, which an engine fixes when it makes a container. So a sandbox is kept warm for a cluster and a hostname that is likely
to come: the next example of a page that somebody has open, and the pod that has just gone, which people run again. This is the
policy alone: whom to make one for, when, and for how long; `lab.runtime.sandboxes` makes, adopts and removes them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.clock import Clock, Thread
from lab.errors import EngineError, EngineUnavailable
from lab.runtime.turns import Turns

JSON = dict[str, Any]
Key = tuple[str, str]  # cluster, hostname

KEPT_PER_CLUSTER = 2  # the next example, and the last one again
KEPT_SECONDS = 600.0  # for a pod that did not come
QUIET_SECONDS = 0.3  # nobody has waited for the engine for so long: a pod that starts is not slowed by one that may
_LOOK_SECONDS = 0.1  # between looks at whether it is quiet, while something is to be made

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmSandbox:
    """A started pause container without a pod. ``request`` is what it was made from, its labels left out: what a pod must ask
    for to get it."""

    id: str
    ip: str
    request: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    sandbox: WarmSandbox
    until: float


class WarmSandboxes:
    """The warm sandboxes of one lab, at most ``limit``. Thread-safe; ``make(cluster, hostname)`` and ``remove(sandbox_id)`` are
    called on a thread of its own, which lives while there is something to do."""

    def __init__(
        self,
        clock: Clock,
        turns: Turns,
        *,
        limit: int,
        make: Callable[[str, str], WarmSandbox],
        remove: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._turns = turns
        self._limit = limit
        self._make = make
        self._remove = remove
        self._changed = clock.condition()
        self._expected: dict[str, tuple[str, ...]] = {}  # by cluster, in the order in which they are likely to come
        self._wishes: dict[Key, None] = {}  # in order
        self._making: Key | None = None
        self._busy = False  # something is being made or removed
        self._kept: dict[Key, _Kept] = {}  # the oldest first
        self._closed = False
        self._thread: Thread | None = None

    def expect(self, cluster: str, hostnames: tuple[str, ...]) -> None:
        """From now on keep sandboxes warm for a cluster, first for the first of these pods. Returns at once."""
        with self._changed:
            if self._limit and not self._closed:
                self._expected[cluster] = hostnames
                self._wish(cluster, hostnames[:1])

    def take(self, cluster: str, hostname: str, request: JSON) -> WarmSandbox | None:
        """Return the sandbox that was kept for such a pod, which is then the caller's; None when there is none, or when the pod
        asks for something else. One that is being made is waited for."""
        key = (cluster, hostname)
        with self._changed:
            self._wishes.pop(key, None)
            self._changed.wait_for(lambda: self._making != key)
            kept = self._kept.get(key)
            if kept is not None and kept.sandbox.request == request:
                del self._kept[key]
            expected = self._expected.get(cluster, ())
            if hostname in expected:
                self._wish(cluster, expected[expected.index(hostname) + 1 :][:1])
            return kept.sandbox if kept is not None and kept.sandbox.request == request else None

    def released(self, cluster: str, hostname: str) -> None:
        """A pod has gone: it may be run again."""
        with self._changed:
            if cluster in self._expected:
                self._wish(cluster, (hostname,))

    def settle(self) -> None:
        """Return once what is being made is made, and what is being removed has gone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)

    def forget(self, cluster: str | None = None) -> None:
        """Keep none any more for a cluster, or for any. What there is is the caller's to remove. Returns once none is being
        made or removed."""
        with self._changed:
            for cluster_id in [cluster] if cluster is not None else list(self._expected):
                self._expected.pop(cluster_id, None)
            for keys in (self._wishes, self._kept):
                for key in [key for key in keys if cluster in (None, key[0])]:
                    del keys[key]
            self._changed.notify_all()
        self.settle()

    def close(self) -> None:
        """Make no more. Idempotent."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        self.forget()
        if thread is not None:
            thread.join()

    def _wish(self, cluster: str, hostnames: tuple[str, ...]) -> None:
        """Ask for a sandbox (the lock is held)."""
        for hostname in hostnames:
            if (cluster, hostname) not in self._kept:
                self._wishes.setdefault((cluster, hostname))
        if self._wishes and self._thread is None and not self._closed:
            self._thread = self._clock.spawn("warm-sandboxes", self._run)
        self._changed.notify_all()

    # --- the thread

    def _run(self) -> None:
        while (todo := self._next()) is not None:
            key, surplus = todo
            try:
                for kept in surplus:
                    self._discard(kept)
                if key is not None:
                    self._fulfil(key)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> tuple[Key | None, tuple[_Kept, ...]] | None:
        """Wait for something to make or to remove; None when there will be nothing."""
        with self._changed:
            while not self._closed:
                surplus = tuple(self._take_out(lambda kept: kept.until <= self._clock.monotonic()))
                key = next(iter(self._wishes), None)
                if key is not None and self._turns.quiet_seconds() >= QUIET_SECONDS:
                    del self._wishes[key]
                    beside = [other for other in self._kept if other[0] == key[0]]
                    surplus += tuple(self._kept.pop(other) for other in beside[: len(beside) + 1 - KEPT_PER_CLUSTER])
                    if key in self._kept or len(self._kept) >= self._limit:
                        key = None
                    self._making, self._busy = key, True
                    return key, surplus
                if surplus:
                    self._busy = True
                    return None, surplus
                if key is None and not self._kept:
                    break
                pause = _LOOK_SECONDS if key else min(k.until for k in self._kept.values()) - self._clock.monotonic()
                self._changed.wait_for(lambda known=key: self._closed or (not known and bool(self._wishes)), pause)  # type: ignore[misc]
            self._thread = None
            return None

    def _take_out(self, wanted: Callable[[_Kept], bool]) -> list[_Kept]:
        keys = [key for key, kept in self._kept.items() if wanted(kept)]
        return [self._kept.pop(key) for key in keys]

    def _fulfil(self, key: Key) -> None:
        made: WarmSandbox | None = None
        try:
            made = self._make(*key)
        except EngineUnavailable as error:
            _LOGGER.warning("%s", error)
            with self._changed:
                self._wishes.clear()
        except EngineError as error:  # the next pod will tell
            _LOGGER.warning("cannot keep a sandbox warm: %s", error)
        except Exception:  # nobody foresaw it; pods that come need this thread
            _LOGGER.exception("cannot keep a sandbox warm")
        finally:
            with self._changed:
                wanted = made is not None and key[0] in self._expected
                if made is not None and wanted:
                    self._kept[key] = _Kept(sandbox=made, until=self._clock.monotonic() + KEPT_SECONDS)
                self._making = None
                self._changed.notify_all()
        if made is not None and not wanted:
            self._discard(_Kept(sandbox=made, until=0.0))

    def _discard(self, kept: _Kept) -> None:
        try:
            self._remove(kept.sandbox.id)
        except EngineError as error:
            _LOGGER.warning("%s", error)
        except Exception:  # as above
            _LOGGER.exception("cannot remove a warm sandbox")
