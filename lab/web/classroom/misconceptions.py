"""The misconception board: how a class ordered the cards of an example, and what it holds to be true, beside what happened.

Nobody is named unless the address asks for it. A learner counts with the first order whose run the cards are about and that came
to its end: later ones know what happened. The board looks for news while it is open; without scripts one loads it again.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, Response, abort, request
from markupsafe import Markup

from lab.classroom.model import Class
from lab.classroom.register import Register
from lab.clock import Clock
from lab.insight.misconceptions import Answer, CardCounts, Misconceptions, misconceptions
from lab.insight.moments import moments
from lab.insight.predictions import KeptPrediction, Placed, compare
from lab.lessons import Example, Language, Lesson
from lab.timeline.facts import RunClosed
from lab.web.prediction_views import fits
from lab.web.visit import Site, chosen_language

SHARES = 4  # shades of a cell
KEPT_COMPARISONS = 20_000  # of ended runs, which never change: forty examples of five hundred learners


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something that the board can show: an example's cards, or a lesson's statements. ``answers`` is how many gave some."""

    key: str
    words: str
    answers: int
    is_statements: bool
    is_shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How many put a card at a place. ``share`` is how much of the class that is, from 0 for nobody to 4; ``is_actual``: there it
    belongs."""

    count: int
    share: int
    is_actual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRow:
    """A card with a cell for each place and, last, for below the line."""

    counts: CardCounts
    cells: tuple[Cell, ...]
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCounts:
    """How a class judged a statement, which is HTML. ``wrong`` are those who had it wrong."""

    statement: Markup
    is_true: bool
    said_true: int
    said_false: int
    wrong: tuple[str, ...]

    @property
    def of(self) -> int:
        """How many judged it."""
        return self.said_true + self.said_false


@dataclass(frozen=True, slots=True, kw_only=True)
class MisconceptionsPage:
    """The board. ``cards`` or ``statements`` is what it shows now; ``uncounted`` have predicted, but their run goes on, was cut
    off or was of another manifest. ``version`` tells whether there is news."""

    classroom: Class
    learners: int
    names: bool
    choices: tuple[Choice, ...]
    shown: Choice | None
    cards: Misconceptions | None = None
    rows: tuple[CardRow, ...] = ()
    uncounted: int = 0
    statements: tuple[StatementCounts, ...] = ()
    version: str = ""
    engine_problem: str | None = None


def add_misconceptions(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add the board to the blueprint."""
    comparisons = _Comparisons(site.services.clock)

    @blueprint.get("/class/<class_id>/misconceptions")
    def misconception_board(class_id: str) -> Response:
        classroom = register.find_class(class_id) or abort(404)
        people = {learner.cluster: learner.nickname for learner in register.roster(class_id)}
        page = _page(site, comparisons, classroom, people)
        if "seen" not in request.args:
            return site.page("classroom/misconceptions.html", page)
        if request.args["seen"] == page.version:
            return Response(status=204)
        return site.fragment("classroom/_misconceptions.html", page=page)


class _Comparisons:
    """Orders beside what happened, by run, for as many as are kept. Usable from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._lock = clock.condition()
        self._known: OrderedDict[str, tuple[Placed, ...]] = OrderedDict()

    def of(self, site: Site, example: Example, kept: KeptPrediction) -> tuple[Placed, ...] | None:
        """Return the comparison of an order; None when its run went on, was cut off, or was of another manifest."""
        run_id = kept.run_id or ""
        with self._lock:
            known = self._known.get(run_id)
        if known is not None:
            return known
        run = site.services.runs.get(run_id)
        is_about_it = run is not None and run.manifest.rstrip() == example.manifest.rstrip() and fits(example, kept.prediction)
        if run is None or not is_about_it or not isinstance(run.ended, RunClosed):
            return None
        placed = compare(example.cards.every, kept.prediction, moments(site.services.runs.entries(run_id)))
        with self._lock:
            self._known[run_id] = placed
            while len(self._known) > KEPT_COMPARISONS:
                self._known.popitem(last=False)
        return placed


def _page(site: Site, comparisons: _Comparisons, classroom: Class, people: Mapping[str, str]) -> MisconceptionsPage:
    language = chosen_language()
    answers = _judged(site, people)
    choices = (*_examples(site, people, language), *_lessons(site, answers, language))
    wanted = request.args.get("show")
    shown = next((choice for choice in choices if choice.key == wanted), choices[0] if wanted is None and choices else None)
    page = MisconceptionsPage(
        classroom=classroom,
        learners=len(people),
        names="names" in request.args,
        choices=tuple(replace(choice, is_shown=choice == shown) for choice in choices),
        shown=shown,
    )
    if shown is not None and shown.is_statements:
        lesson = site.find_lesson(shown.key) or abort(404)
        page = replace(page, statements=_statements(lesson, language, answers, people))
    elif shown is not None:
        example = site.find_example(shown.key) or abort(404)
        counted = _answers(site, comparisons, example, people)
        cards = misconceptions(counted)
        rows = tuple(_row(counts, cards.of) for counts in cards.cards)
        page = replace(page, cards=cards, rows=rows, uncounted=shown.answers - len(counted))
    return replace(page, version=hashlib.sha256(repr(page).encode()).hexdigest()[:16])


def _examples(site: Site, people: Mapping[str, str], language: Language) -> list[Choice]:
    found = site.services.predictions.examples(people)
    return [
        Choice(key=example.id, words=example.labels[language], answers=count, is_statements=False)
        for example_id, count in found.items()
        if (example := site.find_example(example_id)) is not None and example.cards.every
    ]


def _lessons(site: Site, answers: Mapping[str, Mapping[str, bool]], language: Language) -> list[Choice]:
    found = []
    for lesson in site.services.catalog.lessons:
        ids = {item.id for item in lesson.judgements(language)}
        count = sum(not ids.isdisjoint(given) for given in answers.values())
        if count:
            found.append(Choice(key=lesson.slug, words=lesson.titles[language], answers=count, is_statements=True))
    return found


def _answers(site: Site, comparisons: _Comparisons, example: Example, people: Mapping[str, str]) -> list[Answer]:
    found: dict[str, Answer] = {}
    for kept in site.services.predictions.of_example(example.id, people):
        placed = None if kept.cluster in found else comparisons.of(site, example, kept)
        if placed is not None:
            found[kept.cluster] = Answer(who=people[kept.cluster], placed=placed)
    return list(found.values())


def _row(counts: CardCounts, of: int) -> CardRow:
    cells = [
        Cell(count=count, share=math.ceil(SHARES * count / of), is_actual=counts.actual == place)
        for place, count in enumerate(counts.places, start=1)
    ]
    cells.append(Cell(count=counts.never, share=math.ceil(SHARES * counts.never / of), is_actual=counts.actual is None))
    return CardRow(counts=counts, cells=tuple(cells), right=of - len(counts.wrong))


def _judged(site: Site, people: Mapping[str, str]) -> dict[str, dict[str, bool]]:
    """Return what each learner said of each statement that they have judged."""
    marks = site.services.progress.of_all(people) if site.services.progress else {}
    return {
        cluster: {mark.item: mark.value == "true" for mark in made if mark.kind == "judged"} for cluster, made in marks.items()
    }


def _statements(
    lesson: Lesson, language: Language, answers: Mapping[str, Mapping[str, bool]], people: Mapping[str, str]
) -> tuple[StatementCounts, ...]:
    found = []
    for item in lesson.judgements(language):
        said = {cluster: given[item.id] for cluster, given in answers.items() if item.id in given}
        if said:
            counts = StatementCounts(
                statement=Markup(item.statement),  # noqa: S704 - of the lesson
                is_true=item.is_true,
                said_true=sum(said.values()),
                said_false=len(said) - sum(said.values()),
                wrong=tuple(people[cluster] for cluster, answer in said.items() if answer != item.is_true),
            )
            found.append(counts)
    return tuple(found)
