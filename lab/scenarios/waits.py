"""What a scenario can wait for, judged on the cluster view after every single write.

So a state that lasts a moment is not missed. Nothing is polled: `wait_until` follows the timeline. Node facts play no part, as
kubectl could not see them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.clock import Clock
from lab.timeline import folds
from lab.timeline.facts import JSON
from lab.timeline.folds import ClusterView
from lab.timeline.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitCondition:
    """One ``for`` of a wait, ``text``: ``seconds`` is set for ``time=S``, else ``holds`` judges a namespace of a view."""

    text: str
    seconds: float | None = None
    holds: Callable[[ClusterView, str], bool] = lambda _view, _namespace: False

    @classmethod
    def parse(cls, text: str) -> WaitCondition:
        """Return the condition written as in ``scenario.json``. Raises ValueError for one the lab does not know."""
        if text.startswith("time="):
            seconds = float(text.removeprefix("time="))
            if not 0 <= seconds < math.inf:
                raise ValueError(text)
            return cls(text=text, seconds=seconds)
        return cls(text=text, holds=_judge(text))


def wait_until(condition: WaitCondition, timeline: Timeline, clock: Clock, namespace: str, timeout_seconds: float) -> bool:
    """Block until ``condition`` holds, at most ``timeout_seconds``; ``time=S`` just sleeps. Return whether it came true."""
    if condition.seconds is not None:
        clock.sleep(condition.seconds)
        return True
    deadline = clock.monotonic() + timeout_seconds
    view = timeline.view()
    while not condition.holds(view, namespace):
        entries = timeline.wait(view.seq, timeout=max(0.0, deadline - clock.monotonic()))
        if not entries:
            return False
        for entry in entries:
            view = folds.apply(view, entry)
            if condition.holds(view, namespace):
                return True
    return True


def _judge(text: str) -> Callable[[ClusterView, str], bool]:
    name, separator, value = text.partition("=")
    if not separator:
        words = {"ready": _all_ready, "running": _all_running, "gone": _gone, "terminated": _any_terminated}
        if name not in words:
            raise ValueError(text)
        return words[name]
    if not value:
        raise ValueError(text)
    match name:
        case "phase":
            return lambda view, ns: any(_status(pod).get("phase") == value for pod in view.list("Pod", ns))
        case "restarts>":
            count = int(value)
            return lambda view, ns: any(c.get("restartCount", 0) >= count for c in _containers(view, ns))
        case "waiting":
            return lambda view, ns: any(_state(c, "waiting").get("reason") == value for c in _containers(view, ns))
        case "event":
            reason, _, times = value.partition(":")
            wanted = int(times) if times else 1
            return lambda view, ns: _times_recorded(view, ns, reason) >= wanted
        case _:
            raise ValueError(text)


def _all_ready(view: ClusterView, namespace: str) -> bool:
    pods = view.list("Pod", namespace)
    return bool(pods) and all(_is_ready(pod) and not pod["metadata"].get("deletionTimestamp") for pod in pods)


def _is_ready(pod: JSON) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in _status(pod).get("conditions") or ())


def _all_running(view: ClusterView, namespace: str) -> bool:
    pods = view.list("Pod", namespace)
    return bool(pods) and all(_status(pod).get("phase") == "Running" for pod in pods)


def _gone(view: ClusterView, namespace: str) -> bool:
    return not view.list("Pod", namespace)


def _any_terminated(view: ClusterView, namespace: str) -> bool:
    return any(_state(c, "terminated") for c in _containers(view, namespace))


def _times_recorded(view: ClusterView, namespace: str, reason: str) -> int:
    return sum(e.get("count") or 1 for e in view.list("Event", namespace) if e["reason"] == reason)


def _status(pod: JSON) -> JSON:
    status: JSON = pod.get("status") or {}
    return status


def _containers(view: ClusterView, namespace: str) -> Iterator[JSON]:
    for pod in view.list("Pod", namespace):
        yield from _status(pod).get("initContainerStatuses") or ()
        yield from _status(pod).get("containerStatuses") or ()


def _state(container: JSON, name: str) -> JSON:
    state: JSON = (container.get("state") or {}).get(name) or {}
    return state
