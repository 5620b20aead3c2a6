"""What a template is given: one frozen value per page, built from the catalog, the runs and the feeds.

A presenter chooses and arranges; it words nothing (templates do) and decides nothing about Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from flask import url_for

from lab.lessons import Catalog, Example, Language, Lesson
from lab.timeline.bundle import Versions
from lab.timeline.facts import Entry
from lab.timeline.run import Run
from lab.web.diagnosis import Diagnosis, diagnose
from lab.web.feed import Feeds
from lab.web.lesson_rows import PartView, part_view, stretches
from lab.web.picture import Picture
from lab.web.prediction_views import PredictionView, PredictionViews
from lab.web.recorded import RecordedRuns
from lab.web.repeat_views import RepeatView, RepeatViews
from lab.web.services import Services

if TYPE_CHECKING:
    from lab.web.progress_views import ProgressView  # which takes addresses from here

SUGGESTED_GRACE_SECONDS = 5  # lab: short enough to watch, long enough to see a hook and the signals after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An example with its editor and its newest run. ``key`` is the tail of every element id of the card.

    ``text`` stands in the editor, ``original`` is what Reset brings back, ``run_id`` is empty before the first run and
    ``engine_problem`` says why nothing can be run now. ``draft`` is the name under which the browser keeps unsaved changes.
    """

    key: str
    example_id: str
    name: str
    label: str
    look_for: str
    text: str
    original: str
    suggested_delete: str
    suggested_seconds: int
    run_id: str
    live: bool
    run_url: str
    delete_url: str
    draft: str
    engine_problem: str | None
    diagnosis: Diagnosis | None
    picture: Picture
    max_run_minutes: float
    repeat: RepeatView | None = None
    prediction: PredictionView | None = None
    recording: RecordingView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingView:
    """The recorded run that a card shows until its learner has run the example."""

    run_id: str
    opened_at: datetime
    frames_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stretch of a lesson: the prose before a card, the card, and the prose about it; or prose alone."""

    number: int
    before: tuple[PartView, ...]
    card: Card | None
    after: tuple[PartView, ...]
    challenge: ChallengeLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeLink:
    """A challenge in a list or in a lesson's text; it has a page of its own."""

    key: str
    title: str
    symptom: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonLink:
    """A lesson in a list."""

    number: int
    title: str
    summary: str
    minutes: int
    url: str
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """The list of lessons."""

    lessons: tuple[LessonLink, ...]
    engine_problem: str | None
    progress: ProgressView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonPage:
    """A lesson with its cards."""

    title: str
    number: int
    of: int
    minutes: int
    prerequisites: tuple[LessonLink, ...]
    rows: tuple[Row, ...]
    previous: LessonLink | None
    following: LessonLink | None
    stream_url: str
    engine_problem: str | None
    progress: ProgressView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose run it is, for an instructor: the learner's name, and the address of their class."""

    name: str
    class_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """The permalink of a run. ``versions`` is set when it was opened from a file; ``bundle_url`` downloads it as one."""

    run_id: str
    title: str
    lesson: LessonLink | None
    opened_at: datetime
    card: Card
    stream_url: str
    bundle_url: str
    own: bool
    versions: Versions | None
    engine_problem: str | None
    owner: Owner | None = None


def is_own(run: Run, cluster: str) -> bool:
    """Whether a run is the learner's: in their cluster, or in one that a repeat of theirs used."""
    return run.cluster == cluster or run.cluster.startswith(f"{cluster}-")


def card_key(example_id: str) -> str:
    """Return the element-id form of an example's id."""
    return example_id.replace("/", "--")


def example_id(key: str) -> str:
    """Return the id of the example whose card has this key."""
    return key.replace("--", "/", 1)


class Presenters:
    """Builds the pages of one learner in one language."""

    def __init__(
        self,
        services: Services,
        feeds: Feeds,
        recorded: RecordedRuns,
        repeats: RepeatViews,
        predictions: PredictionViews,
        engine_problem: str | None,
    ) -> None:
        self._catalog = services.catalog
        self._runs = services.runs
        self._max_run_minutes = services.max_run_seconds / 60
        self._feeds = feeds
        self._recorded = recorded
        self._repeats = repeats
        self._predictions = predictions
        self._engine_problem = engine_problem

    def index(self, language: Language) -> IndexPage:
        """Return the list of lessons."""
        return IndexPage(
            lessons=tuple(lesson_link(x, language) for x in self._catalog.lessons), engine_problem=self._engine_problem
        )

    def lesson(self, lesson: Lesson, cluster: str, language: Language) -> LessonPage:
        """Return a lesson's page with the learner's newest run of each example."""
        before, after = self._catalog.neighbours(lesson.slug)
        return LessonPage(
            title=lesson.titles[language],
            number=lesson.number,
            of=len(self._catalog.lessons),
            minutes=lesson.minutes,
            prerequisites=tuple(lesson_link(x, language) for x in map(self._catalog.lesson, lesson.prerequisites) if x),
            rows=tuple(self._rows(lesson, cluster, language)),
            previous=lesson_link(before, language) if before else None,
            following=lesson_link(after, language) if after else None,
            stream_url=url_for("lab.lesson_stream", slug=lesson.slug, lang=language),
            engine_problem=self._engine_problem,
        )

    def run(self, run: Run, cluster: str, language: Language, versions: Versions | None = None) -> RunPage:
        """Return the permalink page of a run; ``versions`` are those of a file that it was opened from."""
        example = self._catalog.example(run.example)
        lesson = self._catalog.lesson(example.lesson) if example else None
        return RunPage(
            run_id=run.id,
            title=example.labels[language] if example else run.example,
            lesson=lesson_link(lesson, language) if lesson else None,
            opened_at=run.opened_at,
            card=self.run_card(run, example, language),
            stream_url=url_for("lab.run_stream", run_id=run.id, lang=language),
            bundle_url=url_for("lab.bundle", run_id=run.id),
            own=is_own(run, cluster),
            versions=versions,
            engine_problem=self._engine_problem,
        )

    def card(self, example: Example, cluster: str, language: Language) -> Card:
        """Return an example's card on its lesson's page, with the learner's newest run."""
        run = self._runs.latest(cluster, example.id)
        card = self._card(example.id, example, run, language)
        return replace(
            card,
            repeat=self._repeats.of_example(cluster, example.id),
            prediction=self._predictions.of_example(cluster, example, run),
            recording=self._recording(example, language) if run is None else None,
        )

    def _recording(self, example: Example, language: Language) -> RecordingView | None:
        """Return the recording that stands where the learner has run nothing yet. Where something is to be found out by running,
        only when nothing can be run."""
        if (example.cards.every or example.challenge) and not self._engine_problem:
            return None
        run = self._recorded.of(example)
        if run is None:
            return None
        url = url_for("lab.recording", slug=example.lesson, name=example.name, lang=language)
        return RecordingView(run_id=run.id, opened_at=run.opened_at, frames_url=url)

    def run_card(self, run: Run, example: Example | None, language: Language) -> Card:
        """Return the card on a run's own page: that run's text and that run only. The example may have left the catalog."""
        card = self._card(run.example, example, run, language)
        prediction = self._predictions.of_run(run, example)
        return replace(card, delete_url=url_for("lab.delete_run", run_id=run.id), draft="", prediction=prediction)

    def _card(self, example_id: str, example: Example | None, run: Run | None, language: Language) -> Card:
        key = card_key(example_id)
        picture = self._feeds.of(run.id, key, language).picture() if run else self._feeds.empty(language)
        original = example.manifest if example else run.manifest if run else ""
        return Card(
            key=key,
            example_id=example_id,
            name=example_id.rpartition("/")[2],
            label=example.labels[language] if example else example_id,
            look_for=example.look_for[language] if example else "",
            text=run.manifest if run else original,
            original=original,
            suggested_delete=example.delete.mode if example else "graceful",
            suggested_seconds=(example and example.delete.grace_period_seconds) or SUGGESTED_GRACE_SECONDS,
            run_id=run.id if run else "",
            live=run is not None and run.ended is None,
            run_url=url_for("lab.run_example", example_id=example_id),
            delete_url=url_for("lab.delete_example", example_id=example_id),
            draft=example_id,
            engine_problem=self._engine_problem,
            diagnosis=_diagnosis(run.manifest) if run else None,
            picture=picture,
            max_run_minutes=self._max_run_minutes,
        )

    def _rows(self, lesson: Lesson, cluster: str, language: Language) -> Iterator[Row]:
        for number, stretch in enumerate(stretches(lesson.blocks(language))):
            example = stretch.example
            is_challenge = example is not None and example.challenge is not None
            yield Row(
                number=number,
                before=tuple(part_view(block, language, self._recorded_entries, example_url) for block in stretch.before),
                card=self.card(example, cluster, language) if example and not is_challenge else None,
                after=tuple(part_view(block, language, self._recorded_entries, example_url) for block in stretch.after),
                challenge=challenge_link(example, language) if example and is_challenge else None,
            )

    def _recorded_entries(self, example: Example) -> tuple[Entry, ...] | None:
        run = self._recorded.of(example)
        return self._recorded.entries(run.id) if run else None


def examples_json(catalog: Catalog) -> list[dict[str, object]]:
    """Return lesson, example and address of every example."""
    return [
        {
            "lesson": example.lesson,
            "example": example.name,
            "id": example.id,
            "url": example_url(example),
            "labels": dict(example.labels),
        }
        for example in catalog.examples
    ]


def _diagnosis(manifest: str) -> Diagnosis | None:
    """Return what is worth listing below the editor: nothing when the text is accepted without a word."""
    found = diagnose(manifest)
    return found if found.remarks else None


def challenge_link(example: Example, language: Language) -> ChallengeLink:
    """Return a challenge as a link to its page."""
    return ChallengeLink(
        key=card_key(example.id),
        title=example.labels[language],
        symptom=example.challenge.symptom[language] if example.challenge else "",
        url=url_for("lab.challenge", slug=example.lesson, name=example.name),
    )


def example_url(example: Example) -> str:
    """Return the address of the place where an example stands: on its lesson's page, or on its own if it is a challenge."""
    if example.challenge is not None:
        page = url_for("lab.challenge", slug=example.lesson, name=example.name)
    else:
        page = url_for("lab.lesson", slug=example.lesson)
    return f"{page}#{card_key(example.id)}"


def lesson_link(lesson: Lesson, language: Language) -> LessonLink:
    """Return a lesson as a link to its page."""
    url = url_for("lab.lesson", slug=lesson.slug)
    return LessonLink(
        number=lesson.number,
        title=lesson.titles[language],
        summary=lesson.summaries[language],
        minutes=lesson.minutes,
        url=url,
        examples=tuple((x.labels[language], example_url(x)) for x in lesson.examples),
    )
