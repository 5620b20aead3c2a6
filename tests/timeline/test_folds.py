"""The cluster view: the fold of the API writes, and what belongs to a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.timeline.facts import CommandAnswered, Entry, Fact, ObjectWritten, RunClosed, SandboxStopped, Verb
from lab.timeline.folds import ClusterView, apply, concerns, fold, pods_created_by

START = datetime(2026, 1, 1, tzinfo=UTC)


def entry(seq: int, fact: Fact, *, at: timedelta = timedelta(), pod_uid: str | None = None) -> Entry:
    return Entry(seq=seq, at=START + at, elapsed_seconds=at.total_seconds(), pod_uid=pod_uid, container=None, fact=fact)


def written(verb: Verb, name: str, *, kind: str = "Pod", run_id: str | None = None, **value: Any) -> ObjectWritten:
    metadata = {"name": name, "namespace": "n", **value.pop("metadata", {})}
    uid = f"uid-{name}"
    return ObjectWritten(
        verb=verb,
        kind=kind,
        namespace="n",
        name=name,
        uid=uid,
        object={"metadata": metadata, **value},
        writer="user",
        run_id=run_id,
    )


def event(name: str, about: str, last_seen: timedelta) -> ObjectWritten:
    seen = (START + last_seen).strftime("%Y-%m-%dT%H:%M:%SZ")
    return written("create", name, kind="Event", involvedObject={"uid": about}, lastTimestamp=seen)


def test_an_object_s_resource_version_is_the_seq_of_its_last_write() -> None:
    view = fold([entry(4, written("create", "p")), entry(9, written("status", "p", status={"phase": "Running"}))])
    found = view.get("Pod", "n", "p")
    assert found is not None
    assert (found["metadata"]["resourceVersion"], found["status"]["phase"], view.seq) == ("9", "Running", 9)


@pytest.mark.parametrize("verb", ["update", "status", "delete"])
def test_every_write_but_a_removal_keeps_the_object(verb: Verb) -> None:
    assert fold([entry(1, written("create", "p")), entry(2, written(verb, "p"))]).get("Pod", "n", "p") is not None


def test_a_removed_object_is_gone_and_removing_it_again_is_harmless() -> None:
    writes = [entry(1, written("create", "p")), entry(2, written("remove", "p")), entry(3, written("remove", "p"))]
    assert fold(writes) == ClusterView(seq=3)


def test_node_facts_only_move_the_view_on() -> None:
    before = fold([entry(1, written("create", "p"))])
    after = apply(before, entry(2, SandboxStopped(sandbox_id="s"), pod_uid="uid-p"))
    assert (after.seq, after.kinds) == (2, before.kinds)


def test_a_view_is_never_changed() -> None:
    before = fold([entry(1, written("create", "p"))])
    kept = json.dumps(before.to_json())
    apply(before, entry(2, written("remove", "p")))
    apply(before, entry(2, written("create", "q")))
    assert json.dumps(before.to_json()) == kept


def test_objects_are_listed_in_the_order_of_their_creation() -> None:
    writes = [written("create", name) for name in ("b", "a", "c")] + [written("update", "b")]
    view = fold(entry(seq, write) for seq, write in enumerate(writes, start=1))
    assert [o["metadata"]["name"] for o in view.list("Pod")] == ["b", "a", "c"]
    assert view.list("Pod", "other") == view.list("Event") == ()


def test_folding_in_two_parts_is_folding_at_once() -> None:
    writes = [entry(1, written("create", "p")), entry(2, written("create", "q")), entry(3, written("remove", "p"))]
    for cut in range(len(writes) + 1):
        assert fold(writes[cut:], fold(writes[:cut])) == fold(writes)


def test_a_view_survives_json() -> None:
    view = fold([entry(1, written("create", "p")), entry(2, event("e", "uid-p", timedelta()))])
    assert ClusterView.from_json(json.loads(json.dumps(view.to_json()))) == view


def test_events_are_found_by_the_pod_they_are_about() -> None:
    view = fold([entry(1, event("e1", "uid-p", timedelta())), entry(2, event("e2", "uid-q", timedelta()))])
    assert [e["metadata"]["name"] for e in view.events_of("uid-p")] == ["e1"]


def test_events_are_forgotten_an_hour_after_they_were_last_seen() -> None:
    minutes = (0, 59, 61)
    writes = [
        entry(n, event(f"e{n}", "u", timedelta(minutes=m)), at=timedelta(minutes=m)) for n, m in enumerate(minutes, start=1)
    ]
    assert [e["metadata"]["name"] for e in fold(writes).list("Event")] == ["e2", "e3"]


def test_an_entry_concerns_a_run_by_the_pod_or_by_the_user_s_action() -> None:
    answer = CommandAnswered(argv=(), rc=0, stdout="", stderr="", took_seconds=0, run_id="r1")
    assert concerns(entry(1, SandboxStopped(sandbox_id="s"), pod_uid="uid-p"), "r1", {"uid-p"})
    assert not concerns(entry(1, SandboxStopped(sandbox_id="s"), pod_uid="uid-q"), "r1", {"uid-p"})
    assert not concerns(entry(1, SandboxStopped(sandbox_id="s")), "r1", {"uid-p"})
    assert concerns(entry(1, answer), "r1", ())
    assert not concerns(entry(1, answer), "r2", ())
    assert concerns(entry(1, RunClosed(run_id="r1", why="")), "r1", ())
    assert concerns(entry(1, written("create", "p", run_id="r1")), "r1", ())


def test_a_run_s_pods_are_those_that_its_own_commands_created() -> None:
    writes = [
        entry(1, written("create", "p", run_id="r1")),
        entry(2, written("create", "q", run_id="r2")),
        entry(3, written("update", "q", run_id="r1")),
        entry(4, event("e", "uid-p", timedelta())),
    ]
    assert pods_created_by(writes, "r1") == {"uid-p"}
