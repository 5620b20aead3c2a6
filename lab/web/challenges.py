"""Challenges: the list of them, and a page for each, with its symptom, its card and its check."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response, abort, url_for

from lab.lessons import Example, Language, Lesson
from lab.lessons.example import Challenge
from lab.lessons.progress import ChallengeState
from lab.web.pages import event_stream, last_event_id
from lab.web.presenters import Card, ChallengeLink, LessonLink, card_key, challenge_link, lesson_link
from lab.web.progress_views import ProgressView
from lab.web.visit import Site, chosen_language, learner


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengesPage:
    """Every challenge, by lesson."""

    groups: tuple[tuple[LessonLink, tuple[ChallengeLink, ...]], ...]
    engine_problem: str | None
    progress: ProgressView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengePage:
    """One challenge. ``number`` counts from 1 over all of them; ``state`` is how it stands for the learner."""

    title: str
    symptom: str
    number: int
    of: int
    card: Card
    solution: str
    lesson: LessonLink
    previous: ChallengeLink | None
    following: ChallengeLink | None
    stream_url: str
    engine_problem: str | None
    progress: ProgressView | None
    state: ChallengeState
    state_url: str
    skip_url: str


def add_challenges(blueprint: Blueprint, site: Site) -> None:
    """Add the pages and their streams to the blueprint."""

    @blueprint.get("/challenges")
    def challenges() -> Response:
        language = chosen_language()
        groups = tuple(
            (lesson_link(lesson, language), tuple(challenge_link(example, language) for example in found))
            for lesson in site.services.catalog.lessons
            if (found := _challenges_of(lesson))
        )
        progress = site.progress.view(learner(), language)
        page = ChallengesPage(groups=groups, engine_problem=site.services.engine_problem(), progress=progress)
        return site.page("challenges.html", page)

    @blueprint.get("/challenges/<slug>/<name>")
    def challenge(slug: str, name: str) -> Response:
        example = site.find_example(f"{slug}/{name}") or abort(404)
        found = example.challenge or abort(404)
        return site.page("challenge.html", _page(site, example, found, chosen_language()))

    @blueprint.get("/challenges/<slug>/<name>/stream")
    def challenge_stream(slug: str, name: str) -> Response:
        example = site.find_example(f"{slug}/{name}") or abort(404)
        site.services.prepare(learner(), (example.manifest,))
        keys = {example.id: card_key(example.id)}
        return event_stream(site.streams.follow_examples(learner(), keys, chosen_language(), last_event_id()))


def _page(site: Site, example: Example, challenge: Challenge, language: Language) -> ChallengePage:
    catalog = site.services.catalog
    every = [other for lesson in catalog.lessons for other in _challenges_of(lesson)]
    at = every.index(example)
    lesson = catalog.lesson(example.lesson) or abort(404)
    progress = site.progress.view(learner(), language)
    state = progress.challenges[card_key(example.id)] if progress else ""
    card = site.presenters().card(example, learner(), language)
    if site.progress.shows_solution(learner(), example):
        card = replace(card, text=challenge.solution)
    return ChallengePage(
        title=example.labels[language],
        symptom=challenge.symptom[language],
        number=at + 1,
        of=len(every),
        card=card,
        solution=challenge.solution,
        lesson=lesson_link(lesson, language),
        previous=challenge_link(every[at - 1], language) if at else None,
        following=challenge_link(every[at + 1], language) if at + 1 < len(every) else None,
        stream_url=url_for("lab.challenge_stream", slug=example.lesson, name=example.name, lang=language),
        engine_problem=site.services.engine_problem(),
        progress=progress,
        state=state,
        state_url=url_for("lab.challenge_state", slug=example.lesson, name=example.name),
        skip_url=url_for("lab.skip", slug=example.lesson, name=example.name),
    )


def _challenges_of(lesson: Lesson) -> tuple[Example, ...]:
    return tuple(example for example in lesson.examples if example.challenge is not None)
