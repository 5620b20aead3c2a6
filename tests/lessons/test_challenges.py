"""The challenges of the course, judged without an engine on the recordings of the course's examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.lessons import Catalog, Example
from lab.lessons.example import Challenge
from lab.lessons.recordings import read_recording, read_solved
from lab.timeline.facts import ContainerExited, Entry, FileChanged, HookFinished, LogChunk, RunAborted, SignalSent

CATALOG = Catalog.load(Path(__file__).parents[2] / "content")
RECORDED = {
    example.id: tuple(recording.entries) for example in CATALOG.examples if (recording := read_recording(CATALOG.root, example))
}
ITS_OWN_SOLUTION = {("handlers/no-pause", "handlers/sleep-handler")}  # the example is what the challenge asks for
SOLVED = {example.id: tuple(solved.entries) for example in CATALOG.examples if (solved := read_solved(CATALOG.root, example))}
every_challenge = pytest.mark.parametrize(
    "example", [example for example in CATALOG.examples if example.challenge is not None], ids=lambda example: example.id
)


def challenge(example: Example) -> Challenge:
    assert example.challenge is not None
    return example.challenge


def test_the_course_has_at_least_ten_challenges() -> None:
    assert len([example for example in CATALOG.examples if example.challenge]) >= 10


@every_challenge
def test_the_broken_manifest_fails_and_the_learner_is_told_what_to_look_at(example: Example) -> None:
    verdict = challenge(example).check.judge(RECORDED[example.id])
    assert verdict.ended
    assert not verdict.passed
    assert verdict.hint is not None


@every_challenge
def test_no_run_of_another_manifest_of_the_course_passes(example: Example) -> None:
    passing = [other for other, entries in RECORDED.items() if challenge(example).check.judge(entries).passed]
    assert {(example.id, other) for other in passing} <= ITS_OWN_SOLUTION


@every_challenge
def test_a_run_in_which_nothing_has_happened_yet_neither_passes_nor_is_spoilt(example: Example) -> None:
    nothing: tuple[Entry, ...] = ()
    verdict = challenge(example).check.judge(nothing)
    assert not verdict.passed
    assert verdict.spoilt is None
    assert not all(verdict.held)


def killed_too_early(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Every container is killed where it ended by itself."""
    return tuple(
        replace(entry, fact=replace(entry.fact, exit_code=137, signal=9)) if isinstance(entry.fact, ContainerExited) else entry
        for entry in entries
    )


def without(entries: tuple[Entry, ...], *kinds: type) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if not isinstance(entry.fact, kinds))


def signal_before_hook(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The stop signals come at the very beginning of what happened, before any hook was done."""
    signals = tuple(entry for entry in entries if isinstance(entry.fact, SignalSent))
    return (entries[0], *signals, *without(entries[1:], SignalSent))


@every_challenge
def test_the_recorded_solution_passes(example: Example) -> None:
    verdict = challenge(example).check.judge(SOLVED[example.id])
    assert verdict.passed, verdict.held


@every_challenge
def test_a_solution_whose_run_was_aborted_does_not_pass(example: Example) -> None:
    entries = SOLVED[example.id]
    aborted = replace(entries[-1], fact=RunAborted(run_id="r", why="the lab stopped", by="lab"))
    assert not challenge(example).check.judge((*entries[:-1], aborted)).passed


def check_text(example: Example) -> str:
    return (CATALOG.root / example.folder / "check.yaml").read_text(encoding="utf-8")


ENDING = [example for example in CATALOG.examples if example.challenge and "exited 0" in check_text(example)]


@pytest.mark.parametrize("example", ENDING, ids=lambda example: example.id)
def test_a_solution_that_was_killed_too_early_does_not_pass_where_the_program_must_end_well(example: Example) -> None:
    assert not challenge(example).check.judge(killed_too_early(SOLVED[example.id])).passed


@every_challenge
def test_a_solution_whose_traces_are_missing_does_not_pass(example: Example) -> None:
    """What a challenge asks for leaves a trace: a file, a line of a log, or the end of a hook."""
    entries = SOLVED[example.id]
    assert not challenge(example).check.judge(without(entries, FileChanged, LogChunk, HookFinished)).passed


def asks_for_the_hook_before_the_signal(example: Example) -> bool:
    lines = [line for line in check_text(example).splitlines() if "order:" in line]
    return any("preStop" in line and line.find("SIG") > line.find("preStop") for line in lines)


ORDERED = [example for example in CATALOG.examples if example.challenge and asks_for_the_hook_before_the_signal(example)]


@pytest.mark.parametrize("example", ORDERED, ids=lambda example: example.id)
def test_a_solution_with_the_signal_before_the_hook_does_not_pass(example: Example) -> None:
    assert not challenge(example).check.judge(signal_before_hook(SOLVED[example.id])).passed
