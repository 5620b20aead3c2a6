"""The challenges of the course, judged without an engine on the recordings of the course's examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons import Catalog, Example
from lab.lessons.example import Challenge
from lab.lessons.recordings import read_recording
from lab.timeline.facts import Entry

CATALOG = Catalog.load(Path(__file__).parents[2] / "content")
RECORDED = {
    example.id: tuple(recording.entries) for example in CATALOG.examples if (recording := read_recording(CATALOG.root, example))
}
ITS_OWN_SOLUTION = {("handlers/no-pause", "handlers/sleep-handler")}  # the example is what the challenge asks for
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
