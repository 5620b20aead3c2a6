"""The API server's rules: names, generations, graceful deletion, events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.clock import VirtualClock
from lab.cluster.registry import Registry
from lab.errors import ApiError
from lab.pods.review import review
from lab.timeline.events import Occurrence
from lab.timeline.facts import ObjectWritten
from lab.timeline.timeline import MemoryJournal, Timeline
from tests.kubelet.stage import pod


class Server:
    """A registry on its own, with one pod named ``p`` when asked for."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline("c", self.clock, MemoryJournal())
        self.registry = Registry(self.timeline, self.clock)

    def create(self, *, bound: bool = True, **spec: Any) -> dict[str, Any]:
        metadata = spec.pop("metadata", None)
        value = review(pod(metadata=metadata, **spec)).documents[0].object
        assert value is not None
        created = self.registry.create(value)
        if bound:
            self.registry.bind("default", "p", created["metadata"]["uid"], "lab-node", lambda status: status)
        return self.pod()

    def pod(self) -> dict[str, Any]:
        return self.registry.pod("default", "p")

    def publish(self, **status: Any) -> dict[str, Any] | None:
        return self.registry.publish_status("default", "p", self.pod()["metadata"]["uid"], {**self.pod()["status"], **status})

    def delete(self, seconds: int | None = None) -> dict[str, Any]:
        return self.registry.delete("default", "p", grace_period_seconds=seconds)

    def verbs(self) -> list[str]:
        facts = [e.fact for e in self.timeline.read(0)]
        return [f.verb for f in facts if isinstance(f, ObjectWritten) and f.kind == "Pod"]

    def is_gone(self) -> bool:
        return self.registry.view().get("Pod", "default", "p") is None


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.clock.close()


def refusal(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.code, caught.value.reason, caught.value.message


def test_a_new_pod_gets_its_identity_and_is_pending(server: Server) -> None:
    created = server.create(bound=False)
    assert created["metadata"]["generation"] == 1
    assert created["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert len(created["metadata"]["uid"]) == 36
    assert created["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert created["metadata"]["resourceVersion"] == "1"


def test_a_name_that_is_taken_is_refused(server: Server) -> None:
    server.create()
    assert refusal(server.create) == (409, "AlreadyExists", 'pods "p" already exists')


def test_a_pod_that_is_not_there_is_not_found(server: Server) -> None:
    absent = (404, "NotFound", 'pods "p" not found')
    assert refusal(server.pod) == absent
    assert refusal(server.delete) == absent


def test_a_new_pod_of_the_same_name_has_another_uid(server: Server) -> None:
    first = server.create(bound=False)
    server.delete()
    assert server.create(bound=False)["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_generated_name_begins_as_asked(server: Server) -> None:
    named = json.loads(pod())
    named["metadata"] = {"generateName": "web-"}
    value = review(json.dumps(named), verb="create").documents[0].object
    assert value is not None
    names = {server.registry.create(value)["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("web-") and len(name) == 9 for name in names)


def test_a_resource_version_is_the_number_of_the_object_s_last_write(server: Server) -> None:
    server.create()
    server.publish(phase="Running")
    assert server.pod()["metadata"]["resourceVersion"] == str(server.timeline.appended)


def test_a_status_that_says_nothing_new_is_no_write(server: Server) -> None:
    server.create()
    server.publish(phase="Running")
    before = server.timeline.appended
    assert server.publish(phase="Running") == server.pod()
    assert server.timeline.appended == before


def test_a_status_for_a_pod_that_is_gone_or_another_is_dropped(server: Server) -> None:
    server.create()
    assert server.registry.publish_status("default", "p", "another-uid", {}) is None
    assert server.registry.publish_status("default", "q", "uid", {}) is None
    assert server.verbs() == ["create", "status"]


def test_the_generation_grows_with_the_spec_and_not_with_the_rest(server: Server) -> None:
    created = server.create()
    labelled = server.registry.update({**created, "metadata": {**created["metadata"], "labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    changed = server.registry.update({**labelled, "spec": {**labelled["spec"], "activeDeadlineSeconds": 9}})
    assert changed["metadata"]["generation"] == 2
    assert server.publish(phase="Running")["metadata"]["generation"] == 2  # type: ignore[index]


# --- deletion -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "stored"), [(None, 20), (5, 5), (90, 90), (-1, 1), (-7, 1)])
def test_a_delete_sets_deadline_and_grace_period_and_bumps_the_generation(server: Server, asked: int | None, stored: int) -> None:
    server.create(grace=20)
    metadata = server.delete(asked)["metadata"]
    assert metadata["deletionGracePeriodSeconds"] == stored
    assert metadata["deletionTimestamp"] == f"2026-01-01T00:{stored // 60:02}:{stored % 60:02}Z"
    assert metadata["generation"] == 2
    assert server.verbs()[-1] == "delete"


def test_a_grace_period_of_zero_marks_and_removes_in_one_step(server: Server) -> None:
    server.create()
    assert server.delete(0)["metadata"]["deletionGracePeriodSeconds"] == 0
    assert server.verbs()[-2:] == ["delete", "remove"]
    assert server.is_gone()


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_removed_at_once(server: Server, phase: str) -> None:
    server.create()
    server.publish(phase=phase)
    server.delete(60)
    assert server.is_gone()


def test_a_pod_without_a_node_is_removed_at_once(server: Server) -> None:
    server.create(bound=False)
    server.delete()
    assert server.is_gone()


@pytest.mark.parametrize("again", [None, 30, 31, 900])
def test_a_second_delete_that_does_not_shorten_changes_nothing(server: Server, again: int | None) -> None:
    server.create()
    first = server.delete()
    server.clock.sleep(3)
    assert server.delete(again) == first
    assert server.verbs() == ["create", "status", "delete"]


def test_a_second_delete_that_shortens_moves_the_deadline(server: Server) -> None:
    server.create()
    server.delete(60)
    server.clock.sleep(3)
    metadata = server.delete(20)["metadata"]
    assert (metadata["deletionGracePeriodSeconds"], metadata["deletionTimestamp"]) == (20, "2026-01-01T00:00:20Z")
    assert metadata["generation"] == 2


def test_a_deadline_is_never_moved_into_the_past(server: Server) -> None:
    server.create()
    server.delete(60)
    server.clock.sleep(30)
    metadata = server.delete(20)["metadata"]
    assert (metadata["deletionGracePeriodSeconds"], metadata["deletionTimestamp"]) == (1, "2026-01-01T00:00:31Z")


def test_a_second_delete_with_zero_removes_at_once(server: Server) -> None:
    server.create()
    server.delete()
    server.delete(0)
    assert server.is_gone()


def test_a_finalizer_holds_the_object_even_against_zero(server: Server) -> None:
    server.create(metadata={"finalizers": ["example.com/hold"]})
    server.delete(0)
    assert server.pod()["metadata"]["deletionGracePeriodSeconds"] == 0
    server.registry.remove("default", "p", server.pod()["metadata"]["uid"])
    held = server.pod()
    server.registry.update({**held, "metadata": {**held["metadata"], "finalizers": []}})
    assert server.is_gone()
    assert server.verbs()[-2:] == ["update", "remove"]


def test_the_lab_drops_pods_whatever_holds_them_back(server: Server) -> None:
    server.create(metadata={"finalizers": ["example.com/hold"]})
    server.registry.drop({"another uid"})
    assert not server.is_gone()
    server.registry.drop({server.pod()["metadata"]["uid"]})
    assert server.is_gone()
    assert server.verbs()[-2:] == ["delete", "remove"]


def test_a_finalizer_that_goes_before_the_grace_period_is_over_removes_nothing(server: Server) -> None:
    server.create(metadata={"finalizers": ["example.com/hold"]})
    held = server.delete()
    server.registry.update({**held, "metadata": {**held["metadata"], "finalizers": []}})
    assert not server.is_gone()


def test_the_kubelet_removes_only_the_pod_it_knew(server: Server) -> None:
    server.create()
    server.registry.remove("default", "p", "another-uid")
    assert not server.is_gone()
    server.registry.remove("default", "p", server.pod()["metadata"]["uid"])
    assert server.is_gone()


# --- events -------------------------------------------------------------------------------------------------------


def test_an_event_about_a_pod_that_is_gone_is_recorded(server: Server) -> None:
    value = server.create()
    server.delete(0)
    server.registry.record_event(value, Occurrence(type="Warning", reason="FailedPreStopHook", message="PreStopHook failed"))
    (event,) = server.registry.view().events_of(value["metadata"]["uid"])
    assert (event["reason"], event["involvedObject"]["name"]) == ("FailedPreStopHook", "p")


def test_the_same_event_again_is_counted_until_the_pod_is_forgotten(server: Server) -> None:
    value = server.create()
    uid = value["metadata"]["uid"]
    again = Occurrence(type="Normal", reason="Pulling", message="Pulling image")
    for _ in range(3):
        server.registry.record_event(value, again)
    assert [e["count"] for e in server.registry.view().events_of(uid)] == [3]
    writes = [e for e in server.timeline.read(0) if isinstance(e.fact, ObjectWritten) and e.fact.kind == "Event"]
    assert [e.fact.verb for e in writes if isinstance(e.fact, ObjectWritten)] == ["create", "update", "update"]
    assert {e.pod_uid for e in writes} == {uid}


def test_events_of_scheduler_and_kubelet_carry_their_component(server: Server) -> None:
    value = server.create()
    for component in ("default-scheduler", "kubelet"):
        server.registry.record_event(value, Occurrence(type="Normal", reason="R", message="m", component=component))
    writers = [e.fact.writer for e in server.timeline.read(0) if isinstance(e.fact, ObjectWritten) and e.fact.kind == "Event"]
    assert writers == ["scheduler", "kubelet"]


def test_a_registry_goes_on_from_a_view(server: Server) -> None:
    server.create()
    later = Registry(server.timeline, server.clock, view=server.timeline.view())
    assert later.pod("default", "p") == server.pod()
    assert later.view() == server.registry.view()


def test_one_pod_too_many_is_refused_as_a_quota_does() -> None:
    with VirtualClock() as clock:
        registry = Registry(Timeline("c", clock, MemoryJournal()), clock, max_pods=2)
        first, second, third = (review(pod(metadata={"name": name})).documents[0].object for name in ("a", "b", "c"))
        assert first is not None
        assert second is not None
        assert third is not None
        registry.create(first)
        registry.create(second)
        quota = 'pods "c" is forbidden: exceeded quota: lab, requested: pods=1, used: pods=2, limited: pods=2'
        assert refusal(lambda: registry.create(third)) == (403, "Forbidden", quota)
        registry.delete("default", "a")
        registry.create(third)
