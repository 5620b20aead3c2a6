"""What a recording shows in a lesson's text: each kind of output, from runs that happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons import Catalog
from lab.lessons.outputs import WORDS, Output
from lab.lessons.recordings import read_recording
from lab.timeline.bundle import read_bundle
from lab.timeline.facts import Entry

HUNG = read_bundle((Path(__file__).parents[1] / "insight/runs/hook-hangs.json").read_bytes()).entries
COURSE = Catalog.load(Path(__file__).parents[2] / "content")


def recorded(example_id: str) -> tuple[Entry, ...]:
    example = COURSE.example(example_id)
    assert example is not None
    recording = read_recording(COURSE.root, example)
    assert recording is not None
    return recording.entries


def shown(entries: tuple[Entry, ...], what: str, *words: str) -> tuple[str, ...]:
    output = Output(example_id="a/b", what=what, words=words)
    assert output.is_known
    return output.lines(entries)


def test_logs_are_the_lines_of_one_container() -> None:
    assert shown(HUNG, "logs", "app") == ("entrypoint: running", "preStop: begins", "entrypoint: got TERM, staying")
    assert shown(HUNG, "logs", "other") == ()


def test_events_are_all_or_those_with_a_reason() -> None:
    assert shown(HUNG, "events", "FailedPreStopHook") == ("Warning  FailedPreStopHook  PreStopHook failed",)
    assert shown(HUNG, "events")[-2:] == ("Normal  Killing  Stopping container app", *shown(HUNG, "events", "FailedPreStopHook"))


def test_a_status_comes_once_as_long_as_it_stays() -> None:
    assert shown(HUNG, "statuses") == ("Pending", "ContainerCreating", "Running", "Terminating", "Error")


def test_kubectls_answers_are_all_or_those_that_hold_a_text() -> None:
    assert shown(HUNG, "kubectl") == ("pod/hung-pre-stop created", 'pod "hung-pre-stop" deleted from default namespace')
    assert shown(HUNG, "kubectl", "deleted", "from") == ('pod "hung-pre-stop" deleted from default namespace',)


def test_of_describe_it_is_one_line_with_what_is_indented_below_it() -> None:
    first, *rest = shown(HUNG, "describe", "Conditions:")
    assert first == "Conditions:"
    assert len(rest) == 6
    assert all(line.startswith("  ") for line in rest)


def test_a_file_a_hooks_output_and_a_waiting_state_are_shown() -> None:
    assert shown(recorded("post-start/post-start-message"), "file", "/usr/share/message") == ("Hello from the postStart handler",)
    failing = recorded("where-failures-show/post-start-output")
    assert shown(failing, "hook", "app", "postStart")[:2] == ("looking for the cache", "no cache")
    assert shown(failing, "waiting", "app", "PostStartHookError")[0].startswith("Exec lifecycle hook ([/bin/sh -c")


@pytest.mark.parametrize("what", [*WORDS, "smell"])
def test_a_kind_is_known_only_with_the_words_that_it_needs(what: str) -> None:
    least, most = WORDS.get(what, (1, 0))
    for count in range(4):
        output = Output(example_id="a/b", what=what, words=("x",) * count)
        assert output.is_known == (least <= count <= most)
