"""What pages know of a learner's progress: marks made as things happen, and challenges judged by the facts of their runs.

A challenge's run is judged when somebody asks how far its learner is, and at the latest when the next run takes its place, so
that no page need be open when it ends. A store that cannot be used costs a mark, never a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import url_for

from lab.errors import LabError
from lab.lessons import Example, Language, Lesson
from lab.lessons.progress import ChallengeState, LessonProgress, MarkKind, Progress
from lab.timeline.facts import Entry
from lab.web.presenters import card_key, example_url
from lab.web.services import Services

Entries = Callable[[str], tuple[Entry, ...]]  # of a run


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Where a learner was at last; ``label`` is the example's, empty when it was no example."""

    title: str
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonRow:
    """How far a lesson is, with its name and address."""

    title: str
    url: str
    far: LessonProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """A learner's progress as pages show it: lessons by address, challenges by card key, answers by the statement's id; ``here``
    is the lesson of the page."""

    rows: tuple[LessonRow, ...]
    lessons: Mapping[str, LessonProgress]
    challenges: Mapping[str, ChallengeState]
    answers: Mapping[str, bool]
    resume: Resume | None
    here: LessonProgress | None

    @property
    def finished(self) -> int:
        """How many lessons are finished."""
        return sum(row.far.state == "finished" for row in self.rows)

    @property
    def solved(self) -> int:
        """How many challenges are solved."""
        return sum(state == "solved" for state in self.challenges.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done yet."""
        return self.resume is None and not self.answers and not self.finished and not self.solved


class ProgressViews:
    """The progress of all learners."""

    def __init__(self, services: Services, entries: Entries) -> None:
        self._catalog = services.catalog
        self._runs = services.runs
        self._marks = services.progress
        self._entries = entries

    def note(self, cluster: str, kind: MarkKind, item: str, value: str = "") -> None:
        """Mark what a learner has done, without waiting until that is written."""
        if self._marks is not None:
            self._marks.note_soon(cluster, kind, item, value)

    def of(self, cluster: str) -> Progress | None:
        """Return how far a learner is, after judging what has ended; None where that cannot be known."""
        if self._marks is None:
            return None
        try:
            progress = Progress(self._catalog, self._marks.of(cluster))
            judged = [self._judge(progress, cluster, example) for example in self._catalog.examples]
            return Progress(self._catalog, self._marks.of(cluster)) if any(judged) else progress
        except LabError:
            return None

    def settle(self, cluster: str, example: Example) -> None:
        """Judge the newest run of a challenge before another takes its place."""
        if self._marks is not None and example.challenge is not None:
            try:
                self._judge(Progress(self._catalog, self._marks.of(cluster)), cluster, example)
            except LabError:
                return

    def shows_solution(self, cluster: str, example: Example) -> bool:
        """Whether a challenge was skipped and not run since."""
        progress = self.of(cluster)
        skipped = progress.mark("skipped", example.id) if progress else None
        run = self._runs.latest(cluster, example.id) if skipped else None
        return skipped is not None and (run is None or run.opened_at <= skipped.at)

    def view(self, cluster: str, language: Language, here: Lesson | None = None) -> ProgressView | None:
        """Return what pages show of it."""
        progress = self.of(cluster)
        if progress is None:
            return None
        rows = tuple(
            LessonRow(title=lesson.titles[language], url=url_for("lab.lesson", slug=lesson.slug), far=progress.lesson(lesson))
            for lesson in self._catalog.lessons
        )
        return ProgressView(
            rows=rows,
            lessons={row.url: row.far for row in rows},
            challenges={card_key(x.id): progress.challenge(x) for x in self._catalog.examples if x.challenge is not None},
            answers=progress.answers,
            resume=_resume(progress, language),
            here=progress.lesson(here) if here else None,
        )

    def _judge(self, progress: Progress, cluster: str, example: Example) -> bool:
        """Judge the newest run of a challenge if that is to be done; say whether it was."""
        if example.challenge is None or not progress.has("ran", example.id) or progress.has("solved", example.id):
            return False
        run = self._runs.latest(cluster, example.id)
        tried = progress.mark("tried", example.id)
        if self._marks is None or run is None or run.ended is None or (tried is not None and tried.value == run.id):
            return False
        passed = example.challenge.check.judge(self._entries(run.id)).passed
        self._marks.note(cluster, "tried", example.id, run.id)
        if passed:
            self._marks.note(cluster, "solved", example.id, run.id)
        return True


def _resume(progress: Progress, language: Language) -> Resume | None:
    newest = progress.newest()
    if newest is None:
        return None
    lesson, example = newest
    return Resume(
        title=lesson.titles[language],
        label=example.labels[language] if example else "",
        url=example_url(example) if example else url_for("lab.lesson", slug=lesson.slug),
    )
