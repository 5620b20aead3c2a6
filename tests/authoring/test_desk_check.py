"""What `lab content check` finds without running anything, on a lesson from the skeleton and a recording told in virtual time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.authoring.desk_check import check_desk
from lab.authoring.recordings import write_recording
from lab.authoring.rehearsal import Rehearsed
from lab.authoring.skeletons import new_example, new_lesson
from lab.authoring.translations import stale_names, write_translation
from lab.cluster.cluster import ClusterOptions
from lab.errors import ContentError
from lab.lessons import Catalog, Example
from lab.timeline.bundle import Versions
from lab.timeline.facts import RunClosed, RunOpened
from tests.kubelet.stage import Stage, polite, takes

VERSIONS = Versions(lab="1", engine="Docker", kubernetes="v1.36")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = tmp_path / "content"
    root.mkdir()
    new_lesson(root, "draining")
    catalog = Catalog.load(root)
    write_translation(root, catalog.lessons[0])
    record(root, tmp_path, catalog.examples[0])
    return root


def record(root: Path, tmp_path: Path, example: Example) -> None:
    stage = Stage(tmp_path, {"app": polite(0.5, 0, hook=takes(3.0))}, ClusterOptions(), None)
    with stage.clock:
        stage.run(json.dumps(yaml.safe_load(example.manifest))).delete_to_the_end()
        entries = stage.timeline.read(0)
        stage.close()
    entries = tuple(replace(entry, seq=entry.seq + 1) for entry in entries)
    opened = replace(entries[0], seq=1, fact=RunOpened(run_id="r", example=example.id, manifest=example.manifest))
    closed = replace(entries[-1], seq=entries[-1].seq + 1, fact=RunClosed(run_id="r", why="all pods are gone"))
    write_recording(root, example, Rehearsed(entries=(opened, *entries, closed), files={}, troubles=()), VERSIONS)


def append(root: Path, text: str, languages: tuple[str, ...] = ("en", "zh")) -> None:
    for language in languages:
        file = root / f"01-draining/lesson.{language}.md"
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def findings(root: Path, *, recordings: bool = True) -> list[str]:
    catalog = Catalog.load(root)
    return [str(finding) for finding in check_desk(catalog, catalog.lessons, recordings=recordings)]


def told(root: Path, message: str) -> bool:
    write_translation(root, Catalog.load(root).lessons[0])
    found = findings(root)
    return len(found) == 2 and all(message in line for line in found)


def test_a_skeleton_with_its_recording_has_nothing_wrong(course: Path) -> None:
    assert findings(course) == []


def test_an_output_that_the_recording_does_not_have_is_found(course: Path) -> None:
    append(course, "\n{{ output: first events FailedPreStopHook }}\n\n{{ output: first statuses }}\n")
    assert told(course, "cannot show events FailedPreStopHook of draining/first: its recording has none")


def test_a_quotation_is_held_to_the_recordings(course: Path) -> None:
    append(course, "\n```text\nRunning\nStopping container …\n```\n\n```text unrecorded\nnever seen\n```\n")
    write_translation(course, Catalog.load(course).lessons[0])
    assert findings(course) == []
    append(course, "\n```text\nStopping container other\n```\n")
    assert told(course, "cannot find this line in a recording of the lesson's examples")


def test_a_proof_that_did_not_happen_is_found(course: Path) -> None:
    append(course, '\n!!! true "It is killed." {#killed}\n    proof: first: app SIGKILL sent\n\n    So it is.\n')
    assert told(course, "cannot prove it with app SIGKILL sent: it is not in the recording of draining/first")


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("spec.containers[other].image = nginx", "cannot find a place for spec.containers[other].image"),
        ("spec.terminationGracePeriodSeconds = soon", "cannot set spec.terminationGracePeriodSeconds to soon"),
        ("spec.restartPolicy = Sometimes", "cannot set spec.restartPolicy to Sometimes"),
    ],
)
def test_a_field_action_that_the_api_would_refuse_is_found(course: Path, action: str, message: str) -> None:
    append(course, f"\nTo {{{{ set: first {action} | change it }}}}.\n")
    assert told(course, message)


def test_a_section_that_changed_since_it_was_translated_is_found_at_its_heading(course: Path) -> None:
    append(course, "\n- One thing more.\n", ("en",))
    (found,) = findings(course)
    lines = (course / "01-draining/lesson.zh.md").read_text(encoding="utf-8").split("\n")
    line = lines.index("## 你看到了什么 {#what-you-saw}") + 1
    assert found.startswith(f"01-draining/lesson.zh.md:{line}: cannot trust this translation: the section what-you-saw of")
    write_translation(course, Catalog.load(course).lessons[0])
    assert findings(course) == []


def test_a_line_broken_elsewhere_is_the_same_text(course: Path) -> None:
    file = course / "01-draining/lesson.en.md"
    file.write_text(file.read_text(encoding="utf-8").replace("that leads to", "that\nleads to"), encoding="utf-8")
    assert findings(course) == []


def test_recordings_of_another_manifest_and_none_at_all_are_found_when_asked_for(course: Path) -> None:
    pod = course / "01-draining/examples/first/pod.yaml"
    pod.write_text(pod.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    path = "01-draining/examples/first/recording.json:1: cannot"
    assert findings(course, recordings=False) == []
    assert findings(course) == [f"{path} use a recording of another manifest; run `lab content record draining/first`"]
    (course / "01-draining/examples/first/recording.json").unlink()
    assert findings(course) == [f"{path} find this file; run `lab content record draining/first`"]


@pytest.mark.parametrize("challenge", [False, True])
def test_an_example_is_added_before_the_last_heading_of_both_languages(course: Path, challenge: bool) -> None:
    catalog = Catalog.load(course)
    new_example(catalog, catalog.lessons[0], "second", challenge=challenge)
    lesson = Catalog.load(course).lessons[0]
    assert [example.name for example in lesson.examples] == ["first", "second"]
    assert (lesson.examples[1].challenge is not None) == challenge
    assert lesson.headings("zh")[-1].id == "what-you-saw"
    assert stale_names(course, lesson) == {"what-happens"}


def test_a_name_that_is_taken_or_no_name_is_refused(course: Path) -> None:
    catalog = Catalog.load(course)
    for name, made in (("draining", None), ("Draining", None), ("first", catalog.lessons[0]), ("x y", catalog.lessons[0])):
        with pytest.raises(ContentError, match="cannot "):
            new_example(catalog, made, name, challenge=False) if made else new_lesson(course, name)
