"""The store: what comes back after a restart, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.clock import VirtualClock
from lab.store import rows
from lab.store.journal import GROUP_ENTRIES, SNAPSHOT_ENTRIES
from lab.store.store import Store
from lab.timeline.facts import (
    Entry,
    LogChunk,
    ObjectWritten,
    ProcessObserved,
    RunAborted,
    RunClosed,
    RunOpened,
    WorkerFailed,
)
from lab.timeline.folds import fold
from lab.timeline.timeline import History, Timeline


@pytest.fixture
def timeline(store: Store, clock: VirtualClock) -> Timeline:
    return Timeline("c", clock, store.journal)


def pod_written(number: int, *, pods: int = 20) -> ObjectWritten:
    name = f"pod-{number % pods}"
    value = {"metadata": {"name": name, "namespace": "default", "uid": name}, "status": {"phase": f"phase {number}"}}
    return ObjectWritten(verb="status", kind="Pod", namespace="default", name=name, uid=name, object=value, writer="kubelet")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seq of every entry that is read from the database."""
    seqs: list[int] = []
    decode = rows._entry

    def counting(row: Any) -> Entry:
        seqs.append(row.seq)
        return decode(row)

    monkeypatch.setattr(rows, "_entry", counting)
    return seqs


def test_every_entry_comes_back_as_it_was(store: Store, timeline: Timeline, clock: VirtualClock) -> None:
    clock.sleep(1.234567)
    timeline.append(pod_written(1), pod_uid="pod-1")
    timeline.append(
        LogChunk(attempt=2, offset=7, lines=(("2026-01-01T00:00:00.5Z", "stdout", "运行"), ("t", "stderr", ""))),
        pod_uid="pod-1",
        container="app",
    )
    timeline.append(WorkerFailed(message="NUL \0, lone surrogate \udcff, 'quotes\" and\nlines"))
    timeline.append(
        ProcessObserved(attempt=0, command="nginx", sig_blocked="0", sig_ignored="1", sig_caught="2", others=((7, "sh"),))
    )
    clock.settle()
    assert store.entries("c", 1) == timeline.read(0)
    assert store.entries("c", 2, 3) == timeline.read(1, upto=3)
    assert store.entries("c", 5) == store.entries("other", 1) == ()


def test_a_fact_that_changes_after_it_was_appended_is_stored_as_it_was(
    store: Store, timeline: Timeline, clock: VirtualClock
) -> None:
    fact = pod_written(1)
    timeline.append(fact)
    fact.object["status"]["phase"] = "changed"
    clock.settle()
    (entry,) = store.entries("c", 1)
    assert isinstance(entry.fact, ObjectWritten)
    assert entry.fact.object["status"] == {"phase": "phase 1"}


def test_a_timeline_goes_on_after_a_restart_where_it_was(clock: VirtualClock, url: str) -> None:
    with Store.open(url, clock) as store:
        before = Timeline("c", clock, store.journal)
        clock.sleep(10)
        for number in range(5):
            before.append(pod_written(number))
    clock.sleep(3600)
    with Store.open(url, clock) as store:
        after = Timeline("c", clock, store.journal, history=store.history("c"))
        assert (after.read(0), after.view()) == (before.read(0), before.view())
        clock.sleep(1)
        entry = after.append(pod_written(5))
        assert (entry.seq, entry.elapsed_seconds) == (6, 11)
        clock.settle()
        assert len(store.entries("c", 1)) == 6


def test_a_cluster_without_a_past_has_an_empty_history(store: Store) -> None:
    assert store.history("new") == History()
    assert store.clusters() == ()


def test_opening_an_old_cluster_reads_no_more_entries_than_opening_a_young_one(
    clock: VirtualClock, url: str, decoded: list[int]
) -> None:
    read: list[int] = []
    written = 0
    for upto in (3_000, 9_000):
        with Store.open(url, clock) as store:
            timeline = Timeline("c", clock, store.journal, history=store.history("c"))
            while written < upto:
                written += 1
                timeline.append(pod_written(written))
        decoded.clear()
        with Store.open(url, clock) as store:
            history = store.history("c")
            reopened = Timeline("c", clock, store.journal, history=history)
        assert reopened.appended == upto
        assert reopened.view() == timeline.view()
        assert len(history.entries) >= SNAPSHOT_ENTRIES
        read.append(len(decoded))
    at_most = 3 * (SNAPSHOT_ENTRIES + GROUP_ENTRIES)
    assert max(read) <= at_most < 3_000


def test_a_view_of_any_moment_is_known_and_costs_the_same(
    store: Store, timeline: Timeline, clock: VirtualClock, decoded: list[int]
) -> None:
    for number in range(1, 3_001):
        timeline.append(pod_written(number))
    clock.settle()
    everything = timeline.read(0)
    for seq in (1, 499, 500, 513, 1_700, 3_000):
        decoded.clear()
        assert store.view("c", seq) == fold(everything[:seq])
        assert len(decoded) <= SNAPSHOT_ENTRIES + GROUP_ENTRIES


def test_what_memory_has_forgotten_is_in_the_store(store: Store, clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, store.journal, keep=50)
    for number in range(200):
        timeline.append(pod_written(number))
    clock.settle()
    assert timeline.horizon > 140
    assert [entry.seq for entry in store.entries("c", 1, timeline.horizon)] == list(range(1, timeline.horizon + 1))
    assert store.view("c", timeline.horizon) == timeline.base


def test_a_run_is_found_from_its_first_entry_to_its_last(store: Store, timeline: Timeline, clock: VirtualClock) -> None:
    clock.sleep(2)
    timeline.append(WorkerFailed(message="before"))
    timeline.append(RunOpened(run_id="r1", example="02-hooks/first", manifest="kind: Pod\n"))
    clock.settle()
    run = store.run("r1")
    assert run is not None
    assert (run.id, run.cluster, run.example, run.manifest) == ("r1", "c", "02-hooks/first", "kind: Pod\n")
    assert (run.first_seq, run.last_seq, run.opened_at, run.ended) == (2, None, clock.now(), None)
    closed = RunClosed(run_id="r1", why="its pods are gone")
    timeline.append(closed)
    clock.settle()
    run = store.run("r1")
    assert run is not None
    assert (run.last_seq, run.ended) == (3, closed)
    assert store.run("r2") is None


def test_the_end_of_a_run_is_the_first_that_is_recorded(store: Store, timeline: Timeline, clock: VirtualClock) -> None:
    aborted = RunAborted(run_id="r1", why="the engine stopped", by="engine")
    for fact in (RunOpened(run_id="r1", example="e", manifest=""), aborted, RunClosed(run_id="r1", why="late")):
        timeline.append(fact)
    clock.settle()
    run = store.run("r1")
    assert run is not None
    assert (run.last_seq, run.ended) == (2, aborted)


def test_live_runs_and_the_latest_run_of_an_example_are_found(store: Store, clock: VirtualClock) -> None:
    for cluster in ("a", "b"):
        timeline = Timeline(cluster, clock, store.journal)
        for number in range(3):
            timeline.append(RunOpened(run_id=f"{cluster}{number}", example=f"e{number // 2}", manifest=""))
        timeline.append(RunClosed(run_id=f"{cluster}1", why="gone"))
    clock.settle()
    assert [run.id for run in store.live_runs()] == ["a0", "a2", "b0", "b2"]
    latest = store.latest_run("b", "e0")
    assert latest is not None
    assert latest.id == "b1"
    assert store.latest_run("b", "e9") is None
    assert [run.id for run in store.recent_runs("a", 2)] == ["a2", "a1"]
    assert store.recent_runs("c", 2) == ()
    assert store.clusters() == ("a", "b")


def test_a_store_that_is_copied_while_it_works_is_whole(
    store: Store, timeline: Timeline, clock: VirtualClock, tmp_path: Path
) -> None:
    for number in range(300):
        timeline.append(RunOpened(run_id=f"r{number}", example="e", manifest=json.dumps(number)))
    timeline.wait(0)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tmp_path.glob("lab.sqlite*"):
        (copy / file.name).write_bytes(file.read_bytes())
    with Store.open(f"sqlite:///{copy}/lab.sqlite", clock) as other:
        assert other.entries("c", 1, timeline.durable) == timeline.read(0)
        assert len(other.live_runs()) == len(other.entries("c", 1)) >= 1
