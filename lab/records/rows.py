"""The rows: one for each learner and lesson or challenge, and one for each run.

Also those who were removed from the class are in them. Runs of a repeat are not: they are measurements of one learner's example.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lab.classroom.model import Class, Learner
from lab.lessons import Catalog, Example, Language, Lesson
from lab.lessons.progress import Mark, Progress
from lab.timeline.facts import ContainerExited, Entry, ObjectWritten, RunAborted, RunAdmitted
from lab.timeline.run import Run

Verdict = Literal["", "passed", "failed"]


class Source(Protocol):
    """Where the rows come from. Raises StoreError when it cannot be read."""

    def marks(self, cluster: str) -> Sequence[Mark]:
        """Return a learner's marks of progress."""
        ...

    def runs(self, cluster: str) -> Sequence[Run]:
        """Return a learner's runs, oldest first."""
        ...

    def entries(self, run: Run) -> Sequence[Entry]:
        """Return the entries that concern a run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is reported: a class, who is in it, the course, and the address of the lab in links."""

    classroom: Class
    learners: tuple[Learner, ...]
    catalog: Catalog
    language: Language
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRow:
    """How far a learner is with a lesson or a challenge. ``state`` is of a lesson not-started, opened or finished, of a challenge
    not-started, tried, skipped or solved; the counts are a lesson's. ``last_at`` is when they did something about it last."""

    class_name: str
    learner_id: str
    learner: str
    joined_at: datetime
    removed_at: datetime | None
    kind: Literal["lesson", "challenge"]
    id: str
    title: str
    state: str
    last_at: datetime | None
    examples: int | None = None
    ran: int | None = None
    predictions: int | None = None
    predicted: int | None = None
    statements: int | None = None
    judged: int | None = None
    judged_right: int | None = None
    challenges: int | None = None
    solved: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run. ``state`` is live, closed (its pods were gone) or aborted (the lab ended it, ``ended_by`` says for what reason);
    ``phases`` are the pods' last, ``exit_codes`` the containers' last, by name; ``check`` is a challenge's verdict; ``edited``:
    the manifest was not the example's. Durations are seconds; ``queued_seconds`` is 0 for who did not wait."""

    class_name: str
    learner_id: str
    learner: str
    run_id: str
    lesson: str
    example: str
    opened_at: datetime
    ended_at: datetime | None
    state: Literal["live", "closed", "aborted"]
    ended_by: str
    ended_why: str
    duration_seconds: float | None
    queued_seconds: float
    phases: dict[str, str]
    exit_codes: dict[str, int]
    check: Verdict
    edited: bool
    link: str


def progress_rows(report: Report, source: Source) -> Iterator[ProgressRow]:
    """Yield each learner's lessons in the course's order, each lesson's challenges after it. Raises StoreError."""
    for learner in report.learners:
        progress = Progress(report.catalog, source.marks(learner.cluster))
        solved = _solved(report.catalog, source, learner, progress)
        for lesson in report.catalog.lessons:
            yield _lesson_row(report, learner, lesson, progress)
            for example in lesson.examples:
                if example.challenge is not None:
                    yield _challenge_row(report, learner, example, progress, is_solved=example.id in solved)


def run_rows(report: Report, source: Source) -> Iterator[RunRow]:
    """Yield each learner's runs, oldest first. Raises StoreError."""
    for learner in report.learners:
        for run in source.runs(learner.cluster):
            yield _run_row(report, learner, run, source.entries(run))


def _solved(catalog: Catalog, source: Source, learner: Learner, progress: Progress) -> frozenset[str]:
    """Return the challenges that are solved, also by a run that nobody has looked at since it ended."""
    solved = {example.id for example in catalog.examples if progress.has("solved", example.id)}
    newest = {run.example: run for run in source.runs(learner.cluster)}
    for run in newest.values():
        example = catalog.example(run.example)
        if example is not None and example.challenge is not None and run.example not in solved:
            solved |= {example.id} if _verdict(example, run, source.entries(run)) == "passed" else set()
    return frozenset(solved)


def _verdict(example: Example | None, run: Run, entries: Sequence[Entry]) -> Verdict:
    if example is None or example.challenge is None or run.ended is None:
        return ""
    return "passed" if example.challenge.check.judge(entries).passed else "failed"


def _lesson_row(report: Report, learner: Learner, lesson: Lesson, progress: Progress) -> ProgressRow:
    far = progress.lesson(lesson)
    statements = {item.id: item.is_true for item in lesson.judgements(report.language)}
    items = {lesson.slug, *statements, *(example.id for example in lesson.examples)}
    return ProgressRow(
        class_name=report.classroom.name,
        learner_id=learner.id,
        learner=learner.nickname,
        joined_at=learner.joined_at,
        removed_at=learner.removed_at,
        kind="lesson",
        id=lesson.slug,
        title=lesson.titles[report.language],
        state=far.state or "not-started",
        last_at=max((mark.at for mark in progress.marks if mark.item in items), default=None),
        examples=far.examples,
        ran=far.ran,
        predictions=far.predictions,
        predicted=far.predicted,
        statements=far.statements,
        judged=far.judged,
        judged_right=sum(progress.answers.get(item) == is_true for item, is_true in statements.items()),
        challenges=far.challenges,
        solved=far.solved,
    )


def _challenge_row(report: Report, learner: Learner, example: Example, progress: Progress, *, is_solved: bool) -> ProgressRow:
    return ProgressRow(
        class_name=report.classroom.name,
        learner_id=learner.id,
        learner=learner.nickname,
        joined_at=learner.joined_at,
        removed_at=learner.removed_at,
        kind="challenge",
        id=example.id,
        title=example.labels[report.language],
        state="solved" if is_solved else progress.challenge(example) or "not-started",
        last_at=max((mark.at for mark in progress.marks if mark.item == example.id), default=None),
    )


def _run_row(report: Report, learner: Learner, run: Run, entries: Sequence[Entry]) -> RunRow:
    example = report.catalog.example(run.example)
    has_ended = run.ended is not None and bool(entries)
    admitted = [entry.fact.waited_seconds for entry in entries if isinstance(entry.fact, RunAdmitted)]
    pods = {fact.uid: fact.object for entry in entries if isinstance(fact := entry.fact, ObjectWritten) and fact.kind == "Pod"}
    names = {uid: str(pod["metadata"]["name"]) for uid, pod in pods.items()}
    exits = {
        f"{names.get(entry.pod_uid or '', entry.pod_uid)}/{entry.container}": entry.fact.exit_code
        for entry in entries
        if isinstance(entry.fact, ContainerExited)
    }
    return RunRow(
        class_name=report.classroom.name,
        learner_id=learner.id,
        learner=learner.nickname,
        run_id=run.id,
        lesson=example.lesson if example else "",
        example=run.example,
        opened_at=run.opened_at,
        ended_at=entries[-1].at if has_ended else None,
        state="live" if run.ended is None else "aborted" if isinstance(run.ended, RunAborted) else "closed",
        ended_by=run.ended.by if isinstance(run.ended, RunAborted) else "",
        ended_why=run.ended.why if run.ended else "",
        duration_seconds=round(entries[-1].elapsed_seconds - entries[0].elapsed_seconds, 3) if has_ended else None,
        queued_seconds=round(sum(admitted), 3),
        phases={names[uid]: str(pod.get("status", {}).get("phase", "")) for uid, pod in pods.items()},
        exit_codes=exits,
        check=_verdict(example, run, entries),
        edited=example is not None and run.manifest.rstrip() != example.manifest.rstrip(),
        link=f"{report.address.rstrip('/')}/runs/{run.id}",
    )
