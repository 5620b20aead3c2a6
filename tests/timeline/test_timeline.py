"""The log: cursors, waiting, and what stays in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lab.clock import VirtualClock
from lab.errors import HistoryExpired, StoreError
from lab.timeline.facts import Entry, ObjectWritten, WorkerFailed
from lab.timeline.folds import fold
from lab.timeline.timeline import History, MemoryJournal, Timeline


class SlowJournal:
    """Says that entries are durable only when the test does."""

    def __init__(self) -> None:
        self.submitted: list[Entry] = []
        self.commit: Callable[[int], None] = lambda seq: None

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        self.commit = on_durable

    def submit(self, cluster: str, entry: Entry) -> None:
        self.submitted.append(entry)


class FullJournal(SlowJournal):
    def submit(self, cluster: str, entry: Entry) -> None:
        raise StoreError("cannot store the entry: the disk is full")


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


def pod_written(name: str) -> ObjectWritten:
    value = {"metadata": {"name": name, "namespace": "default", "uid": name}}
    return ObjectWritten(
        verb="create", kind="Pod", namespace="default", name=name, uid=name, object=value, writer="user", run_id="r"
    )


def append(timeline: Timeline, count: int) -> None:
    for _ in range(count):
        timeline.append(pod_written(f"pod-{timeline.appended + 1}"))


def seqs(entries: tuple[Entry, ...]) -> list[int]:
    return [entry.seq for entry in entries]


def test_entries_are_numbered_from_one_without_gaps(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal())
    append(timeline, 3)
    assert seqs(timeline.read(0)) == [1, 2, 3]
    assert seqs(timeline.read(1, upto=2)) == [2]
    assert timeline.read(3) == ()


def test_an_entry_carries_wall_time_and_seconds_since_the_timeline_began(clock: VirtualClock) -> None:
    clock.sleep(100)
    timeline = Timeline("c", clock, MemoryJournal())
    clock.sleep(2.5)
    entry = timeline.append(WorkerFailed(message="m"), pod_uid="u", container="app")
    assert (entry.at, entry.elapsed_seconds, entry.pod_uid, entry.container) == (clock.now(), 2.5, "u", "app")


def test_what_is_not_durable_is_only_shown_to_those_who_ask_for_it(clock: VirtualClock) -> None:
    journal = SlowJournal()
    timeline = Timeline("c", clock, journal)
    append(timeline, 3)
    journal.commit(2)
    assert (timeline.appended, timeline.durable) == (3, 2)
    assert seqs(timeline.read(0)) == [1, 2]
    assert seqs(timeline.read(0, durable=False)) == [1, 2, 3]


def test_the_durable_cursor_never_goes_back(clock: VirtualClock) -> None:
    journal = SlowJournal()
    timeline = Timeline("c", clock, journal)
    append(timeline, 3)
    journal.commit(3)
    journal.commit(1)
    assert timeline.durable == 3


def test_a_reader_waits_until_the_entry_is_durable_and_a_worker_only_until_it_is_appended(clock: VirtualClock) -> None:
    journal = SlowJournal()
    timeline = Timeline("c", clock, journal)
    woken: list[tuple[str, float]] = []

    def wait(name: str, durable: bool) -> None:
        assert seqs(timeline.wait(0, durable=durable)) == [1]
        woken.append((name, clock.monotonic()))

    clock.spawn("page", wait, "page", True)
    clock.spawn("worker", wait, "worker", False)
    clock.sleep(1)
    append(timeline, 1)
    clock.sleep(1)
    journal.commit(1)
    clock.settle()
    assert woken == [("worker", 1), ("page", 2)]


def test_a_wait_that_times_out_returns_nothing(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal())
    assert timeline.wait(0, timeout=10) == ()
    assert clock.monotonic() == 10


def test_a_check_and_an_append_are_one_step_while_the_lock_is_held(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal())

    def append_once() -> None:
        with timeline.changed:
            if timeline.appended == 0:
                clock.sleep(1)
                append(timeline, 1)

    threads = [clock.spawn(f"writer {number}", append_once) for number in range(5)]
    for thread in threads:
        thread.join()
    assert timeline.appended == 1


def test_an_entry_that_the_journal_does_not_take_never_happened(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, FullJournal())
    with pytest.raises(StoreError, match="the disk is full"):
        append(timeline, 1)
    assert (timeline.appended, timeline.read(0, durable=False)) == (0, ())


def test_a_timeline_goes_on_where_its_history_ends(clock: VirtualClock) -> None:
    before = Timeline("c", clock, MemoryJournal())
    append(before, 10)
    clock.sleep(60)
    append(before, 1)
    clock.sleep(3600)  # the lab is down; that is no time of the timeline's
    entries = before.read(0)
    after = Timeline("c", clock, MemoryJournal(), history=History(base=fold(entries[:4]), entries=entries[4:]))
    clock.sleep(1)
    append(after, 1)
    assert (after.appended, after.durable, after.horizon) == (12, 12, 4)
    assert after.read(11)[0].elapsed_seconds == 61
    assert after.view() == fold(after.read(4), fold(entries[:4]))


def test_memory_holds_no_more_than_it_may_and_what_is_forgotten_is_folded(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal(), keep=100)
    everything: list[Entry] = []
    for _ in range(1_000):
        append(timeline, 1)
        everything.extend(timeline.read(timeline.durable - 1))
        assert timeline.appended - timeline.horizon <= 101
        assert timeline.base.seq == timeline.horizon
    assert timeline.horizon >= 890
    assert timeline.base == fold(everything[: timeline.horizon])
    assert timeline.view() == fold(everything)
    assert seqs(timeline.read(timeline.horizon)) == list(range(timeline.horizon + 1, 1_001))


def test_a_reader_who_asks_for_what_is_forgotten_is_told_so(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal(), keep=100)
    append(timeline, 300)
    message = f"cannot read entries after 5 of cluster c: memory holds those after {timeline.horizon}"
    with pytest.raises(HistoryExpired, match=message):
        timeline.read(5)
    with pytest.raises(HistoryExpired, match=message):
        timeline.wait(5)
    with pytest.raises(HistoryExpired, match=message):
        timeline.pin(6)


def test_what_is_not_durable_is_kept_besides_and_takes_no_room_from_what_is(clock: VirtualClock) -> None:
    journal = SlowJournal()
    timeline = Timeline("c", clock, journal, keep=10)
    append(timeline, 100)
    journal.commit(10)
    assert timeline.horizon == 0
    journal.commit(50)
    assert timeline.horizon == 41
    assert seqs(timeline.read(41, durable=False)) == list(range(42, 101))
    journal.commit(100)
    assert timeline.horizon == 91


def test_pinned_entries_stay_until_every_pin_is_released(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal(), keep=10)
    append(timeline, 5)
    timeline.pin(5)
    timeline.pin(5)
    timeline.pin(4)
    append(timeline, 200)
    assert timeline.horizon == 3
    timeline.release(4)
    assert timeline.horizon == 4
    timeline.release(5)
    assert timeline.horizon == 4
    timeline.release(5)
    assert timeline.horizon >= 194
    with pytest.raises(ValueError, match="cannot release entry 5 of cluster c: it is not pinned"):
        timeline.release(5)


def test_dismissed_followers_wait_no_more_and_the_record_goes_on(clock: VirtualClock) -> None:
    timeline = Timeline("c", clock, MemoryJournal())
    returned: list[tuple[Entry, ...]] = []
    follower = clock.spawn("follower", lambda: returned.append(timeline.wait(0)))
    clock.sleep(1)
    timeline.dismiss()
    follower.join()
    assert returned == [()]
    assert timeline.dismissed
    timeline.append(WorkerFailed(message="after"))
    assert [entry.seq for entry in timeline.wait(0)] == [1]
