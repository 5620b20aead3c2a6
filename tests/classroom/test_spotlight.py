"""What a class is being shown, and whom its changes wake: pure, without pages."""

from __future__ import annotations

from lab.classroom.announcements import NEWS_SECONDS, Announcement, Announcements
from lab.classroom.bell import EVERY_CLASS, Bell
from lab.classroom.spotlight import Place, Spotlight, Spotlights
from lab.clock import SystemClock, VirtualClock
from lab.insight.phrase import phrase
from lab.timeline.facts import Entry
from lab.timeline.timeline import MemoryJournal, Timeline

RUN = Spotlight(run_id="run1", example="post-start/race")


def spotlights() -> tuple[Spotlights, list[str]]:
    changed: list[str] = []
    return Spotlights(SystemClock(), changed.append), changed


def test_a_class_is_shown_one_run_and_every_change_is_told() -> None:
    lights, changed = spotlights()
    lights.show("a", RUN)
    assert lights.of("a") == RUN
    assert lights.of("b") is None
    assert lights.move("a", "run1", Place(seq=7, view="cluster", panel="events"))
    assert changed == ["a", "a"]
    lights.end("a")
    assert lights.of("a") is None
    assert changed == ["a", "a", "a"]


def test_a_step_of_a_run_that_is_not_shown_moves_nobody() -> None:
    lights, changed = spotlights()
    assert not lights.move("a", "run1", Place(seq=7))
    lights.show("a", RUN)
    assert not lights.move("a", "another", Place(seq=7))
    assert lights.of("a") == RUN
    assert changed == ["a"]


def test_the_same_place_again_wakes_nobody() -> None:
    lights, changed = spotlights()
    lights.show("a", RUN)
    assert lights.move("a", "run1", RUN.place)
    lights.end("b")
    assert changed == ["a"]


def test_everybody_is_brought_once_whichever_run_is_shown_next() -> None:
    lights, _ = spotlights()
    assert not lights.bring("a")
    lights.show("a", RUN)
    lights.bring("a")
    first = lights.of("a")
    assert first is not None
    assert first.brought
    lights.show("a", Spotlight(run_id="run2", example="post-start/race"))
    second = lights.of("a")
    assert second is not None
    assert second.brought == first.brought
    lights.bring("a")
    third = lights.of("a")
    assert third is not None
    assert third.brought != first.brought


def test_an_announcement_stands_until_the_next_or_until_it_is_no_news() -> None:
    rung: list[str] = []
    with VirtualClock() as clock:
        announcements = Announcements(clock, rung.append)
        for words in ("first", "second"):
            announcements.make("a", Announcement(words=phrase(words, words)))
        standing = announcements.of("a")
        assert standing is not None
        assert standing.words.english == "second"
        clock.sleep(NEWS_SECONDS - 1)
        assert announcements.of("a") == standing
        clock.sleep(1)
        assert announcements.of("a") is None
        announcements.withdraw("a")
        announcements.withdraw("a")
        assert rung == ["a", "a", "a"]


def test_a_ring_ends_the_waits_of_its_class_alone_and_costs_no_time() -> None:
    with VirtualClock() as clock:
        bell = Bell(clock)
        woken: list[tuple[str, float]] = []

        def wait(heard: str) -> None:
            timeline, before = Timeline(f"c-{heard}", clock, MemoryJournal()), bell.rings(heard)
            with bell.listening(heard, timeline):
                entries: tuple[Entry, ...] = timeline.wait(0, timeout=60, called=lambda: bell.rings(heard) != before)
            assert entries == ()
            woken.append((heard, clock.monotonic()))

        began = clock.monotonic()
        for heard in ("a", "b", EVERY_CLASS):
            clock.spawn(f"stream of {heard}", wait, heard)
        clock.sleep(5)
        bell.ring("a")
        clock.sleep(60)
        assert sorted((heard, at - began) for heard, at in woken) == [("", 5.0), ("a", 5.0), ("b", 60.0)]


def test_a_stream_that_has_gone_is_not_nudged() -> None:
    class Place:
        nudged = 0

        def nudge(self) -> None:
            self.nudged += 1

    bell, place = Bell(SystemClock()), Place()
    with bell.listening("a", place), bell.listening("a", place):
        bell.ring("a")
        assert place.nudged == 1  # two streams of one timeline wait on one condition
    bell.ring("a")
    assert place.nudged == 1
