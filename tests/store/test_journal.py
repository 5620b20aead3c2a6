"""The journal: when an entry is called durable, and what happens when the disk is full."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from lab.clock import VirtualClock
from lab.errors import StoreError
from lab.store.database import Database
from lab.store.journal import PATIENCE_SECONDS, StoreJournal
from lab.store.store import Store
from lab.timeline.facts import ContainerExited, LogChunk, RunOpened, WorkerFailed
from lab.timeline.timeline import Timeline

BIG = "x" * 100_000


def append(timeline: Timeline, count: int, *, message: str = "m") -> None:
    for _ in range(count):
        timeline.append(WorkerFailed(message=message), pod_uid="u", container="app")


def rows_in_file(path: Path) -> int:
    """Count entries as another process would see them."""
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])
    finally:
        connection.close()


def test_an_entry_is_durable_only_once_another_process_can_read_it(store: Store, clock: VirtualClock, tmp_path: Path) -> None:
    timeline = Timeline("c", clock, store.journal)
    append(timeline, 3)
    assert (timeline.durable, rows_in_file(tmp_path / "lab.sqlite")) == (0, 0)
    assert [entry.seq for entry in timeline.wait(0)] == [1, 2, 3]
    assert rows_in_file(tmp_path / "lab.sqlite") == 3
    assert clock.monotonic() == 0  # nothing is held back to gather a group


def test_what_is_queued_is_committed_in_one_transaction(store: Store, clock: VirtualClock) -> None:
    one, two = Timeline("one", clock, store.journal), Timeline("two", clock, store.journal)
    commits: list[Any] = []
    event.listen(store._database._engine, "commit", commits.append)
    for _ in range(50):
        append(one, 1)
        append(two, 1)
    clock.settle()
    assert (one.durable, two.durable, len(commits)) == (50, 50, 1)


def test_many_timelines_written_by_many_threads_become_durable_in_order(store: Store, clock: VirtualClock) -> None:
    timelines = [Timeline(f"c{number}", clock, store.journal) for number in range(10)]

    def write(timeline: Timeline) -> None:
        for number in range(50):
            clock.sleep(0.1)
            entry = timeline.append(WorkerFailed(message=str(number)))
            timeline.wait(entry.seq - 1)

    for thread in [clock.spawn(timeline.cluster, write, timeline) for timeline in timelines]:
        thread.join()
    for timeline in timelines:
        entries = store.entries(timeline.cluster, 1)
        assert entries == timeline.read(0)
        assert [entry.seq for entry in entries] == list(range(1, 51))


def test_closing_writes_what_is_queued(clock: VirtualClock, url: str, tmp_path: Path) -> None:
    store = Store.open(url, clock)
    append(Timeline("c", clock, store.journal), 1_000)
    store.close()
    assert rows_in_file(tmp_path / "lab.sqlite") == 1_000


def test_a_closed_journal_takes_nothing_and_says_so(clock: VirtualClock, url: str) -> None:
    store = Store.open(url, clock)
    timeline = Timeline("c", clock, store.journal)
    store.close()
    with pytest.raises(StoreError, match="cannot store entry 1 of cluster c: the store is closed"):
        append(timeline, 1)


def test_a_second_timeline_of_the_same_cluster_is_found_out(store: Store, clock: VirtualClock) -> None:
    one = Timeline("c", clock, store.journal)
    two = Timeline("c", clock, store.journal)
    append(one, 1)
    with pytest.raises(StoreError, match="cannot store entry 1 of cluster c: entry 2 is next"):
        append(two, 1)
    with pytest.raises(StoreError, match="cannot open cluster c: a timeline of it still writes"):
        Timeline("c", clock, store.journal)


def test_a_fact_that_is_no_json_is_refused_where_it_is_appended(store: Store, clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, store.journal)
    with pytest.raises(TypeError, match="not JSON serializable"):
        timeline.append(WorkerFailed(message=b"bytes"))  # type: ignore[arg-type] # that is the point
    append(timeline, 1)
    assert [entry.seq for entry in timeline.wait(0)] == [1]


def test_while_the_disk_is_full_nothing_is_called_durable_and_afterwards_nothing_is_lost(
    store: Store, clock: VirtualClock, full_disk: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    timeline = Timeline("c", clock, store.journal)
    append(timeline, 1)
    timeline.wait(0)
    with full_disk():
        append(timeline, 3, message=BIG)
        clock.sleep(5)
        append(timeline, 1)
        clock.sleep(1)
        assert timeline.durable == 1
        assert store.journal.problem is not None
        assert store.journal.problem.startswith("cannot store 3 entries (sqlite:///")
        assert "its disk has space" in store.journal.problem
    clock.sleep(1)
    assert timeline.durable == 5
    assert store.journal.problem is None
    assert store.entries("c", 1) == timeline.read(0)
    levels = [record.levelno for record in caplog.records if record.name == "lab.store.journal"]
    assert levels == [logging.ERROR, logging.WARNING]  # once when it begins, once when it is over


def test_a_store_that_goes_on_failing_takes_no_more_entries_until_it_works_again(
    store: Store, clock: VirtualClock, full_disk: Any
) -> None:
    timeline = Timeline("c", clock, store.journal)
    with full_disk():
        append(timeline, 1, message=BIG)
        clock.sleep(PATIENCE_SECONDS + 1)
        with pytest.raises(StoreError, match="cannot store entry 2 of cluster c: cannot store 1 entries"):
            append(timeline, 1)
        assert timeline.appended == 1
    clock.sleep(1)
    append(timeline, 1)
    clock.settle()
    assert timeline.durable == 2


def test_closing_on_a_full_disk_says_how_much_is_lost(clock: VirtualClock, url: str, full_disk: Any) -> None:
    store = Store.open(url, clock)
    timeline = Timeline("c", clock, store.journal)
    with full_disk():
        append(timeline, 3, message=BIG)
        with pytest.raises(StoreError, match="cannot store the last 3 entries: cannot store 3 entries"):
            store.close()
    assert timeline.durable == 0


def test_a_writer_that_cannot_go_on_fails_loudly_and_takes_nothing_more(clock: VirtualClock, url: str) -> None:
    store = Store.open(url, clock)
    timeline = Timeline("c", clock, store.journal)
    for _ in range(2):  # the same run twice: a mistake of the lab's, no trouble of the disk's
        timeline.append(RunOpened(run_id="r", example="e", manifest=""))
    with pytest.raises(StoreError, match=r"cannot store 2 entries .*UNIQUE constraint failed"):
        clock.settle()
    with pytest.raises(StoreError, match=r"the store's writer has failed .*; restart the lab"):
        append(timeline, 1)
    assert timeline.durable == 0
    with pytest.raises(StoreError, match="UNIQUE constraint failed"):
        store.close()


def test_lines_beyond_the_cap_of_an_attempt_are_not_stored_and_the_story_goes_on(clock: VirtualClock, url: str) -> None:
    database = Database(url)
    journal = StoreJournal(database, clock, log_bytes_per_attempt=1_000)
    store = Store(database, journal, clock)
    timeline = Timeline("c", clock, journal)

    def chunk(attempt: int, container: str) -> None:
        lines = (("2026-01-01T00:00:00Z", "stdout", "x" * 400),)
        timeline.append(LogChunk(attempt=attempt, offset=0, lines=lines), pod_uid="u", container=container)

    for attempt, container in ((0, "app"), (0, "app"), (0, "app"), (0, "side"), (1, "app")):
        chunk(attempt, container)
    append(timeline, 1)
    exited = ContainerExited(
        container_id="x", attempt=1, exit_code=0, signal=None, oom_killed=False, started_at="", finished_at=""
    )
    timeline.append(exited, pod_uid="u", container="app")
    clock.settle()
    kept = [len(entry.fact.lines) for entry in store.entries("c", 1) if isinstance(entry.fact, LogChunk)]
    assert kept == [1, 1, 0, 1, 1]
    assert [entry.seq for entry in store.entries("c", 1)] == list(range(1, 8))
    store.close()
