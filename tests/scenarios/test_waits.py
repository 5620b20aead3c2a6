from __future__ import annotations

from typing import Any

import pytest

from lab.clock import VirtualClock
from lab.scenarios.waits import WaitCondition, wait_until
from lab.timeline.facts import ObjectWritten
from lab.timeline.timeline import MemoryJournal, Timeline


class Api:
    """Writes pods and events onto a timeline in virtual time."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline("c", self.clock, MemoryJournal())

    def pod(self, verb: Any, name: str = "p", *, deleted: bool = False, **status: Any) -> None:
        metadata: dict[str, Any] = {"name": name, "namespace": "n", "uid": f"uid-{name}"}
        if deleted:
            metadata["deletionTimestamp"] = "2026-01-01T00:00:30Z"
        self.write(verb, "Pod", name, {"metadata": metadata, "spec": {"containers": []}, "status": status})

    def event(self, reason: str, count: int = 1) -> None:
        verb = "create" if count == 1 else "update"
        about = {"kind": "Pod", "name": "p", "uid": "uid-p"}
        metadata = {"name": f"p.{reason}", "namespace": "n"}
        value = {
            "metadata": metadata,
            "reason": reason,
            "count": count,
            "involvedObject": about,
            "lastTimestamp": "2026-01-01T00:00:00Z",
        }
        self.write(verb, "Event", f"p.{reason}", value)

    def write(self, verb: Any, kind: str, name: str, value: dict[str, Any]) -> None:
        fact = ObjectWritten(verb=verb, kind=kind, namespace="n", name=name, uid=f"uid-{name}", object=value, writer="kubelet")
        self.timeline.append(fact)

    def wait(self, text: str, timeout_seconds: float = 10.0) -> bool:
        return wait_until(WaitCondition.parse(text), self.timeline, self.clock, "n", timeout_seconds)


READY = [{"type": "Ready", "status": "True"}]


def container(**more: Any) -> list[dict[str, Any]]:
    return [{"name": "app", "state": {}, "restartCount": 0} | more]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("ready", {"conditions": READY}),
        ("running", {"phase": "Running"}),
        ("phase=Succeeded", {"phase": "Succeeded"}),
        ("terminated", {"containerStatuses": container(state={"terminated": {"exitCode": 0}})}),
        ("terminated", {"initContainerStatuses": container(state={"terminated": {"exitCode": 1}})}),
        ("waiting=ErrImagePull", {"containerStatuses": container(state={"waiting": {"reason": "ErrImagePull"}})}),
        ("restarts>=2", {"containerStatuses": container(restartCount=2)}),
    ],
)
def test_a_wait_ends_with_the_write_that_makes_it_true(text: str, status: dict[str, Any]) -> None:
    api = Api()
    api.pod("create", phase="Pending")

    def kubelet() -> None:
        api.clock.sleep(3.0)
        api.pod("status", **status)

    api.clock.spawn("kubelet", kubelet)
    assert api.wait(text)
    assert api.clock.monotonic() == 3.0


def test_a_state_that_lasted_a_moment_is_not_missed() -> None:
    api = Api()
    api.pod("create", phase="Pending")

    def kubelet() -> None:
        api.clock.sleep(1.0)
        api.pod("status", containerStatuses=container(state={"waiting": {"reason": "CrashLoopBackOff"}}))
        api.pod("status", containerStatuses=container(state={"running": {}}))

    api.clock.spawn("kubelet", kubelet)
    assert api.wait("waiting=CrashLoopBackOff")


def test_a_wait_that_is_true_already_takes_no_time() -> None:
    api = Api()
    assert api.wait("gone")
    assert api.clock.monotonic() == 0.0


def test_a_wait_that_stays_false_ends_at_its_timeout() -> None:
    api = Api()
    api.pod("create", phase="Pending")
    assert not api.wait("ready", 7.5)
    assert api.clock.monotonic() == 7.5


def test_writes_that_change_nothing_do_not_prolong_a_wait() -> None:
    api = Api()
    api.pod("create", phase="Pending")

    def noise() -> None:
        for _ in range(20):
            api.clock.sleep(1.0)
            api.pod("status", phase="Pending")

    api.clock.spawn("noise", noise)
    assert not api.wait("ready", 7.5)
    assert api.clock.monotonic() == 7.5


def test_time_waits_from_now_whatever_the_timeout() -> None:
    api = Api()
    assert api.wait("time=1.5", 1.0)
    assert api.clock.monotonic() == 1.5


def test_a_pod_that_is_being_deleted_is_not_ready() -> None:
    api = Api()
    api.pod("create", conditions=READY, deleted=True)
    assert not api.wait("ready", 1.0)


def test_ready_means_all_pods_and_at_least_one() -> None:
    api = Api()
    assert not api.wait("ready", 1.0)
    api.pod("create", "a", conditions=READY)
    api.pod("create", "b", phase="Pending")
    assert not api.wait("ready", 1.0)
    api.pod("status", "b", conditions=READY)
    assert api.wait("ready", 1.0)


def test_an_event_may_be_wanted_several_times() -> None:
    api = Api()
    api.event("BackOff")
    assert api.wait("event=BackOff", 1.0)
    assert not api.wait("event=BackOff:3", 1.0)
    api.event("BackOff", count=3)
    assert api.wait("event=BackOff:3", 1.0)


@pytest.mark.parametrize(
    "text", ["", "soon", "time=", "time=-1", "time=inf", "time=nan", "phase", "phase=", "restarts>=x", "event=A:b", "x=1"]
)
def test_a_condition_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        WaitCondition.parse(text)
