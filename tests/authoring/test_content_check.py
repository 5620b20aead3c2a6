"""What `lab content check` finds, on runs told in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.authoring.content_check import Checked, check_content, without_hooks
from lab.authoring.rehearsal import Rehearsed
from lab.clock import SystemClock
from lab.cluster.cluster import ClusterOptions
from lab.errors import LabError
from lab.lessons import Example
from lab.lessons.example import read_example
from lab.lessons.problems import Problems
from lab.timeline.facts import Entry, HookStarted, ObjectWritten, RunClosed
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

BROKEN = pod(container(pre_stop="hook"), grace=4)
MENDED = pod(container(pre_stop="hook"), grace=9)
CHECK = {
    "require": [
        {
            "name": "in-time",
            "that": {"all": [{"seen": "app preStop finished"}, {"never": "app SIGKILL"}]},
            "pass": {"en": "In time.", "zh": "及时。"},
            "fail": {"en": "Killed before it was done.", "zh": "没做完就被终止了。"},
        }
    ]
}
WORDS = {"en": "x", "zh": "x"}


def told(tmp_path: Path, manifest: str, script: object) -> tuple[Entry, ...]:
    stage = Stage(tmp_path, {"app": script}, ClusterOptions(), None)  # type: ignore[dict-item]
    with stage.clock:
        stage.run(manifest).delete_to_the_end()
        entries = stage.timeline.read(0)
        stage.close()
    closed = replace(entries[-1], seq=entries[-1].seq + 1, fact=RunClosed(run_id="r", why="all pods are gone"))
    return (*entries, closed)


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Entry, ...]:
    return told(tmp_path / "broken", BROKEN, deaf(hook=takes(6.0)))


@pytest.fixture
def mended(tmp_path: Path) -> tuple[Entry, ...]:
    return told(tmp_path / "mended", MENDED, polite(0.5, 0, hook=takes(6.0)))


Make = Callable[..., Example]


@pytest.fixture
def example(tmp_path: Path) -> Make:
    def make(*, check: object = None, **fields: object) -> Example:
        folder = tmp_path / "budget"
        folder.mkdir(exist_ok=True)
        (folder / "pod.yaml").write_text(BROKEN)
        if check is not None:
            fields["symptom"] = WORDS
            (folder / "check.yaml").write_text(yaml.safe_dump(check))
            (folder / "solution.yaml").write_text(MENDED)
        (folder / "example.yaml").write_text(yaml.safe_dump({"label": WORDS, "look_for": WORDS, **fields}))
        problems = Problems()
        found = read_example(folder, "grace", "01-grace/examples/budget", problems)
        problems.check()
        return found

    return make


def check(example: Example, *runs: tuple[Entry, ...], troubles: tuple[str, ...] = ()) -> list[str]:
    by_manifest = dict(zip((BROKEN, MENDED), runs, strict=False))

    def play(one: Example) -> Rehearsed:
        return Rehearsed(entries=by_manifest[one.manifest], files={}, troubles=troubles)

    (checked,) = check_content([example], play, SystemClock(), jobs=1)
    return [str(finding) for finding in checked.findings]


def test_an_example_that_shows_what_it_says_has_no_findings(example: Make, broken: tuple[Entry, ...]) -> None:
    story = ["app preStop began", "app preStop timed-out", "app SIGTERM sent 2", "app exited 137"]
    assert check(example(expect={"story": story, "absent": ["FailedPostStartHook"]}), broken) == []


def test_what_an_example_does_not_show_is_said_with_its_file(example: Make, broken: tuple[Entry, ...]) -> None:
    expect = {"story": ["app exited 137", "app preStop began"], "events": ["Killing", "Pulled"], "absent": ["app SIGKILL"]}
    found = check(example(expect=expect, delete=4), broken, troubles=("wait for ready timed out",))
    assert [line.partition(", ")[0].partition(" among")[0] for line in found] == [
        "01-grace/examples/budget/example.yaml:1: wait for ready timed out",
        "01-grace/examples/budget/example.yaml:1: story: 'app preStop began' was not seen at its place",
        "01-grace/examples/budget/example.yaml:1: events: 'Pulled' was not seen at its place",
        "01-grace/examples/budget/example.yaml:1: absent: 'app SIGKILL' was seen",
    ]


def test_a_challenge_is_well_when_the_start_fails_and_the_solution_passes(
    example: Make, broken: tuple[Entry, ...], mended: tuple[Entry, ...]
) -> None:
    assert check(example(check=CHECK), broken, mended) == []


def test_a_start_that_passes_and_a_solution_that_does_not_are_found(
    example: Make, broken: tuple[Entry, ...], mended: tuple[Entry, ...]
) -> None:
    passes = "cannot be a challenge: the starting manifest passes its own check; ask for what it does not show"
    assert check(example(check=CHECK), mended, broken) == [
        f"01-grace/examples/budget/check.yaml:1: {passes}",
        "01-grace/examples/budget/solution.yaml:1: does not fulfil in-time: Killed before it was done.",
    ]


def test_a_check_that_a_pod_without_hooks_would_pass_is_found(
    example: Make, broken: tuple[Entry, ...], mended: tuple[Entry, ...]
) -> None:
    loose = {"require": [{**CHECK["require"][0], "that": {"never": "app SIGKILL"}}]}
    assert check(example(check=loose), broken, mended) == [
        "01-grace/examples/budget/solution.yaml:1: passes with all hooks removed too; ask in check.yaml for what is to be mended"
    ]


def test_a_run_that_did_not_end_fulfils_nothing(example: Make, broken: tuple[Entry, ...], mended: tuple[Entry, ...]) -> None:
    assert check(example(check=CHECK), broken, mended[:-1]) == [
        "01-grace/examples/budget/solution.yaml:1: does not come to its end; end it with a delete and a wait for gone"
    ]


def test_without_hooks_nothing_of_a_hook_is_left(mended: tuple[Entry, ...]) -> None:
    bare = without_hooks(mended)
    assert not any(isinstance(entry.fact, HookStarted) for entry in bare)
    pods = [entry.fact.object for entry in bare if isinstance(entry.fact, ObjectWritten) and entry.fact.kind == "Pod"]
    assert pods
    assert all("lifecycle" not in one for stored in pods for one in stored["spec"]["containers"])


def test_cards_in_another_order_than_the_run_are_found(example: Make, broken: tuple[Entry, ...]) -> None:
    cards = [{"moment": f"app {what}", **WORDS} for what in ("preStop began", "exited 137", "SIGTERM sent")]
    found = check(example(predict={"cards": cards}), broken)
    assert found
    assert all("did not come in this place; put the cards in the order of the run" in line for line in found)


@pytest.mark.parametrize("why", [LabError("the engine went away"), NameError("the engine went away")])
def test_every_example_is_played_though_one_cannot_be(example: Make, broken: tuple[Entry, ...], why: Exception) -> None:
    good = example()
    bad = replace(good, name="other", manifest="none")

    def play(one: Example) -> Rehearsed:
        if one.manifest == "none":
            raise why
        return Rehearsed(entries=broken, files={}, troubles=())

    seen: list[Checked] = []
    with pytest.raises(type(why), match="the engine went away"):
        seen.extend(check_content([bad, good], play, SystemClock(), jobs=2))
    assert [one.example.name for one in seen] == ["budget"]


def test_what_is_amiss_is_played_once_more_alone_and_that_counts(
    example: Make, broken: tuple[Entry, ...], mended: tuple[Entry, ...]
) -> None:
    late = example(expect={"story": ["app exited 0"]})
    never = replace(example(expect={"story": ["app exited 42"]}), name="never")
    played: list[str] = []

    def play(one: Example) -> Rehearsed:
        played.append(one.name)
        return Rehearsed(entries=mended if played.count(one.name) == 2 else broken, files={}, troubles=())

    found = {one.example.name: len(one.findings) for one in check_content([late, never], play, SystemClock(), jobs=2)}
    assert found == {"budget": 0, "never": 1}
    assert sorted(played) == ["budget", "budget", "never", "never"]
