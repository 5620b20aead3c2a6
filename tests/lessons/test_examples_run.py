"""Every example, run on a real engine as its lesson tells the learner to, shows what the lesson says it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.authoring.content_check import check_content
from lab.authoring.rehearsal import Rehearsal, open_rehearsal
from lab.clock import SystemClock
from lab.config import read_settings
from lab.lessons import Catalog, Example, Expectation, SuggestedDelete

CATALOG = Catalog.load(Path(__file__).parents[2] / "content")
LIFECYCLE = """    lifecycle:
      preStop:
        exec:
          command: ["/usr/sbin/nginx","-s","quit"]
"""
HTTP_HANDLER = """        httpGet:
          path: /
          port: 80
"""
JOBS = 4  # most of playing is waiting


def shipped(example_id: str) -> Example:
    example = CATALOG.example(example_id)
    assert example is not None
    return example


def edited(example_id: str, old: str, new: str) -> Example:
    example = shipped(example_id)
    assert example.manifest.count(old) == 1
    return replace(example, manifest=example.manifest.replace(old, new), expect=Expectation())


EXERCISES = {
    "a failed hook does not make a pod fail when its program exits with 0": (
        replace(
            edited("post-start-failures/failing-post-start", "spec:\n", "spec:\n  restartPolicy: Never\n"),
            before_delete=({"do": "wait", "for": "phase=Succeeded", "timeout": 60},),
        ),
        Expectation(story=("app postStart failed", "app SIGTERM", "app exited 0"), statuses=("Completed",), absent=("BackOff",)),
    ),
    "a shell with a trap hears SIGTERM": (
        edited("process-1/deaf-shell", "sleep 3600; echo never", "trap 'exit 0' TERM; sleep 3600 & wait"),
        Expectation(story=("app SIGTERM sent 5", "app exited 0"), absent=("app SIGKILL",)),
    ),
    "a longer grace period moves SIGKILL and not SIGTERM": (
        replace(shipped("graceful-deletion/budget"), delete=SuggestedDelete(mode="grace-period", grace_period_seconds=10)),
        Expectation(story=("app killing", "app preStop finished", "app SIGTERM sent 7", "app SIGKILL", "app exited 137")),
    ),
    "without the hook the signal to nginx has no sender": (
        edited("stopping-nginx/nginx-quit", LIFECYCLE, ""),
        Expectation(
            story=("hook-demo2 SIGQUIT sent 30",),
            logs=("signal 3 (SIGQUIT) received, shutting down",),
            absent=("(SIGQUIT) received from",),
        ),
    ),
    "a hook that goes on after PID 1 has left is killed and counts as failed": (
        edited("stopping-nginx/nginx-quit", '["/usr/sbin/nginx","-s","quit"]', '["/bin/sh", "-c", "nginx -s quit; sleep 5"]'),
        Expectation(story=("hook-demo2 preStop failed", "removed"), events=("FailedPreStopHook",)),
    ),
    "create refuses the second document as existing already": (
        replace(shipped("stopping-nginx/both-documents"), submit="create", expect=Expectation()),
        Expectation(answers=("pod/hook-demo2 created", 'pods "hook-demo2" already exists')),
    ),
    "a zero without force is a graceful deletion with one second": (
        replace(shipped("force-deletion/force"), delete=SuggestedDelete(mode="grace-period", grace_period_seconds=0)),
        Expectation(
            story=("app killing", "app preStop timed-out", "app SIGTERM sent 2", "app SIGKILL", "app exited 137", "removed"),
            statuses=("Terminating", "Error"),
            absent=("Immediate deletion",),
        ),
    ),
    "a hook that waits lets the program finish, and is killed with it": (
        edited("stop-signal/quit-is-not-enough", "kill -QUIT 1", "kill -QUIT 1; sleep 5"),
        Expectation(
            story=("app preStop failed", "app exited 0"),
            events=("FailedPreStopHook",),
            logs=("QUIT: finishing the requests", "all requests finished"),
            absent=("TERM: stopping at once",),
        ),
    ),
    "a longer grace period in the manifest leaves the program more time": (
        edited("graceful-deletion/budget", "terminationGracePeriodSeconds: 6", "terminationGracePeriodSeconds: 8"),
        Expectation(story=("app killing", "app preStop finished", "app SIGTERM sent 5", "app SIGKILL", "app exited 137")),
    ),
    "one handler in place of two is accepted": (
        replace(edited("handlers/two-handlers", HTTP_HANDLER, ""), refused=False),
        Expectation(story=("web preStop finished", "web exited 0")),
    ),
}


@pytest.fixture(scope="module")
def rehearsal(lab_images: object, worker_id: str) -> Iterator[Rehearsal]:
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    settings = read_settings({"LAB_POD_CIDR": f"10.247.{number * 16}.0/20"})
    with open_rehearsal(settings, SystemClock()) as rehearsal:
        yield rehearsal


@pytest.mark.engine
def test_every_example_shows_what_its_lesson_says(rehearsal: Rehearsal) -> None:
    checked = check_content(CATALOG.examples, rehearsal.play, SystemClock(), jobs=JOBS)
    assert [str(finding) for one in checked for finding in one.findings] == []


@pytest.mark.engine
@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_in_the_prose_ends_as_the_prose_says(rehearsal: Rehearsal, exercise: str) -> None:
    example, expect = EXERCISES[exercise]
    played = rehearsal.play(example)
    assert played.troubles == ()
    assert played.sightings.amiss(expect) == ()
