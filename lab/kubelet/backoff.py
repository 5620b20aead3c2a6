"""Crash and pull back-off: the first restart is immediate, then 10 s, 20 s, 40 s … 300 s, counted from the last instance's end.

Pure but for its own memory. Source: staging/src/k8s.io/client-go/util/flowcontrol/backoff.go, pkg/kubelet/kubelet.go,
pkg/kubelet/kuberuntime/kuberuntime_manager.go doBackOff (v1.36).
"""

from __future__ import annotations

from itertools import cycle

INITIAL_BACKOFF_SECONDS = 10.0  # kubelet.go: initialNodeStartupBackOff's sibling backOffPeriod
MAXIMUM_BACKOFF_SECONDS = 300.0  # kubelet.go: MaxCrashLoopBackOff
RESET_AFTER_SECONDS = 600.0  # kubelet.go: an instance that lived twice the maximum starts over
SYNC_RETRY_SECONDS = 10.0  # pod_workers.go: backOffPeriod
# Differs from the kubelet: it multiplies each retry by a random 1.0-1.5 (pod_workers.go: workerBackOffPeriodJitterFactor). The
# retries of a pod take these in turn, from the low end of that range to its high end, so that two runs of one example can be
# compared.
RETRY_JITTERS = (1.05, 1.25, 1.45)


class Backoff:
    """One pod's back-off entries, by key. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, float]] = {}
        self._jitters = cycle(RETRY_JITTERS)

    def retry_seconds(self, seconds: float) -> float:
        """Return how long to wait for the pod's next retry, which is due in ``seconds``."""
        return seconds * next(self._jitters)

    def remaining_seconds(self, key: str, since_seconds: float, now_seconds: float) -> float:
        """Return how long a start must still wait after the event at ``since_seconds``; 0 when it may go on."""
        if key not in self._entries:
            return 0.0
        delay, updated = self._entries[key]
        if since_seconds - updated > RESET_AFTER_SECONDS:
            return 0.0
        return max(0.0, since_seconds + delay - now_seconds)

    def remaining_since_update_seconds(self, key: str, now_seconds: float) -> float:
        """Return how long a pull must still wait after the last failure; 0 when it may go on."""
        delay, updated = self._entries.get(key, (0.0, 0.0))
        return max(0.0, updated + delay - now_seconds)

    def delay_seconds(self, key: str) -> float:
        """Return the nominal delay of an entry; 0 when there is none."""
        return self._entries.get(key, (0.0, 0.0))[0]

    def next(self, key: str, since_seconds: float, now_seconds: float) -> None:
        """Advance an entry: a new or expired one starts at 10 s, another doubles up to 300 s."""
        delay, updated = self._entries.get(key, (0.0, 0.0))
        expired = key not in self._entries or since_seconds - updated > RESET_AFTER_SECONDS
        delay = INITIAL_BACKOFF_SECONDS if expired else min(delay * 2, MAXIMUM_BACKOFF_SECONDS)
        self._entries[key] = (delay, now_seconds)


def go_duration(seconds: float) -> str:
    """Return seconds as Go prints a Duration, whole milliseconds at the finest: ``10s``, ``2m40s``, ``1.5s``, ``23ms``."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest // 1000}.{rest % 1000:03d}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
