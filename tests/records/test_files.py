"""Files of a class: what is in them, that spreadsheets take no learner's words for a formula, and that they come in pieces."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.classroom.model import Class, Learner
from lab.lessons import Catalog
from lab.lessons.progress import Mark
from lab.records.files import Form, Subject, written
from lab.records.rows import Report
from lab.timeline.facts import ContainerExited, Entry, Fact, ObjectWritten, RunAborted, RunAdmitted, RunClosed, RunOpened
from lab.timeline.run import Run

START = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(Path(__file__).parents[2] / "content")


def learner(nickname: str, number: int = 1) -> Learner:
    return Learner(id=f"l{number}", class_id="k", nickname=nickname, cluster=f"c{number}", joined_at=START)


class Kept:
    """Marks and entries by cluster and run, and how often something was asked for."""

    def __init__(self, marks: Sequence[Mark] = (), stories: Sequence[tuple[Run, tuple[Entry, ...]]] = ()) -> None:
        self._marks = marks
        self._stories = stories
        self.asked = 0

    def marks(self, cluster: str) -> Sequence[Mark]:
        self.asked += 1
        return self._marks

    def runs(self, cluster: str) -> Sequence[Run]:
        return [run for run, _ in self._stories if run.cluster == cluster]

    def entries(self, run: Run) -> Sequence[Entry]:
        return next(entries for found, entries in self._stories if found.id == run.id)


def told(*facts: Fact) -> tuple[Entry, ...]:
    """Return entries of one pod, a second apart."""
    return tuple(
        Entry(seq=n, at=START + timedelta(seconds=n), elapsed_seconds=float(n), pod_uid="u", container="app", fact=fact)
        for n, fact in enumerate(facts, start=1)
    )


def pod(phase: str) -> ObjectWritten:
    value = {
        "metadata": {"name": "demo", "namespace": "default", "uid": "u", "creationTimestamp": "2026-11-26T09:00:00Z"},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": phase},
    }
    return ObjectWritten(
        verb="status", kind="Pod", namespace="default", name="demo", uid="u", object=value, writer="kubelet", run_id=None
    )


def exited(code: int) -> ContainerExited:
    return ContainerExited(
        container_id="c", attempt=0, exit_code=code, signal=None, oom_killed=False, started_at="s", finished_at="f"
    )


def story(example: str, manifest: str, ended: RunClosed | RunAborted, *, number: int = 1) -> tuple[Run, tuple[Entry, ...]]:
    run_id = f"r{number}"
    opened = RunOpened(run_id=run_id, example=example, manifest=manifest)
    entries = told(opened, RunAdmitted(run_id=run_id, waited_seconds=1.25), pod("Running"), exited(137), pod("Failed"), ended)
    run = Run(id=run_id, cluster="c1", example=example, manifest=manifest, first_seq=1, opened_at=START, last_seq=6, ended=ended)
    return run, entries


def report(catalog: Catalog, *learners: Learner) -> Report:
    classroom = Class(id="k", name="Hooks", code="ABCDEF", opened_at=START)
    return Report(classroom=classroom, learners=learners, catalog=catalog, language="en", address="https://lab.example.org/")


def text(subject: Subject, form: Form, report: Report, source: Kept) -> str:
    return b"".join(written(subject, form, report, source, START)).decode("utf-8")


def table(subject: Subject, report: Report, source: Kept) -> list[dict[str, str]]:
    made = text(subject, "csv", report, source)
    assert made.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(made.removeprefix("\ufeff"), newline="")))


def test_a_run_is_a_row_with_its_end_its_exit_code_and_its_link(catalog: Catalog) -> None:
    example = next(example for example in catalog.examples if example.challenge is None)
    source = Kept(stories=[story(example.id, example.manifest, RunClosed(run_id="r1", why="Its pods are gone."))])
    (row,) = table("runs", report(catalog, learner("Ada")), source)
    assert row == {
        "class_name": "Hooks",
        "learner_id": "l1",
        "learner": "Ada",
        "run_id": "r1",
        "lesson": example.lesson,
        "example": example.id,
        "opened_at": "2026-11-26T09:00:00.000Z",
        "ended_at": "2026-11-26T09:00:06.000Z",
        "state": "closed",
        "ended_by": "",
        "ended_why": "Its pods are gone.",
        "duration_seconds": "5.0",
        "queued_seconds": "1.25",
        "phases": "demo=Failed",
        "exit_codes": "demo/app=137",
        "check": "",
        "edited": "no",
        "link": "https://lab.example.org/runs/r1",
    }


def test_what_the_lab_ended_says_why_and_a_challenge_has_a_verdict(catalog: Catalog) -> None:
    example = next(example for example in catalog.examples if example.challenge is not None)
    ended = RunAborted(run_id="r1", why="It was live for 60 minutes, the lab's limit.", by="limit")
    (row,) = table("runs", report(catalog, learner("Ada")), Kept(stories=[story(example.id, "another: 1", ended)]))
    assert (row["state"], row["ended_by"], row["check"], row["edited"]) == ("aborted", "limit", "failed", "yes")


def test_progress_has_a_row_for_every_lesson_and_challenge_of_everybody(catalog: Catalog) -> None:
    lesson = catalog.lessons[0]
    marks = [Mark(kind="finished", item=lesson.slug, at=START)]
    rows = table("progress", report(catalog, learner("Ada"), learner("Grace", 2)), Kept(marks))
    challenges = [example for example in catalog.examples if example.challenge is not None]
    assert len(rows) == 2 * (len(catalog.lessons) + len(challenges))
    first = rows[0]
    assert (first["kind"], first["id"], first["state"], first["ran"]) == ("lesson", lesson.slug, "finished", "0")
    assert first["last_at"] == "2026-11-26T09:00:00.000Z"
    assert {row["state"] for row in rows if row["kind"] == "challenge"} == {"not-started"}


def test_judged_right_counts_what_is_right_only(catalog: Catalog) -> None:
    lesson = next(lesson for lesson in catalog.lessons if len(lesson.judgements("en")) > 1)
    first, second, *_ = lesson.judgements("en")
    marks = [
        Mark(kind="judged", item=first.id, at=START, value="true" if first.is_true else "false"),
        Mark(kind="judged", item=second.id, at=START, value="false" if second.is_true else "true"),
    ]
    row = next(row for row in table("progress", report(catalog, learner("Ada")), Kept(marks)) if row["id"] == lesson.slug)
    assert (row["judged"], row["judged_right"]) == ("2", "1")


@pytest.mark.parametrize("nickname", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1"])
def test_no_nickname_is_a_formula(catalog: Catalog, nickname: str) -> None:
    rows = table("progress", report(catalog, learner(nickname)), Kept())
    assert {row["learner"] for row in rows} == {f"'{nickname}"}
    assert json.loads(text("progress", "json", report(catalog, learner(nickname)), Kept()))["rows"][0]["learner"] == nickname


def test_chinese_and_commas_come_through(catalog: Catalog) -> None:
    rows = table("progress", report(catalog, learner('小明, "A"')), Kept())
    assert rows[0]["learner"] == '小明, "A"'


def test_json_says_what_it_is_and_has_the_columns_of_the_csv(catalog: Catalog) -> None:
    example = catalog.examples[0]
    source = Kept(stories=[story(example.id, example.manifest, RunClosed(run_id="r1", why="Its pods are gone."))])
    made = json.loads(text("runs", "json", report(catalog, learner("Ada")), source))
    assert (made["format"], made["version"]) == ("pod-hook-lab/class-runs", 1)
    assert made["class"] == {"id": "k", "name": "Hooks", "opened_at": "2026-11-26T09:00:00.000Z", "closed_at": None}
    (row,) = made["rows"]
    assert list(row) == list(table("runs", report(catalog, learner("Ada")), source)[0])
    assert row["exit_codes"] == {"demo/app": 137}
    assert row["edited"] is False


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_class_without_anybody_makes_a_whole_file(catalog: Catalog, form: Form) -> None:
    made = text("runs", form, report(catalog), Kept())
    assert json.loads(made)["rows"] == [] if form == "json" else made.count("\r\n") == 1


def test_a_large_class_is_read_as_its_file_is_written(catalog: Catalog) -> None:
    source = Kept()
    pieces = written("progress", "csv", report(catalog, *(learner("A", n) for n in range(300))), source, START)
    next(pieces)
    assert source.asked == 1
