"""A learner's progress: its page, its file, and what marks it: a lesson finished, a statement judged, a challenge skipped."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, jsonify, redirect, url_for
from htmx_flask import request
from werkzeug.wrappers import Response as BaseResponse

from lab.errors import ProgressError
from lab.lessons import Example, Lesson
from lab.lessons.progress_file import progress_json, read_progress
from lab.web.presenters import card_key
from lab.web.progress_views import ProgressView
from lab.web.services import ProgressMarks
from lab.web.visit import Site, chosen_language, learner


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressPage:
    """The progress page. ``problem`` is why a file could not be taken, ``unsure`` that a reset was not confirmed."""

    progress: ProgressView | None
    problem: str
    unsure: bool
    engine_problem: str | None


def add_progress(blueprint: Blueprint, site: Site) -> None:
    """Add page, file and actions to the blueprint."""

    @blueprint.get("/progress")
    def progress() -> Response:
        return _page(site)

    @blueprint.get("/progress.json")
    def progress_file() -> Response:
        found = site.progress.of(learner()) or abort(503)
        response = jsonify(progress_json(found.marks, site.services.clock.now()))
        response.headers["Content-Disposition"] = 'attachment; filename="progress.json"'
        return response

    @blueprint.post("/progress/import")
    def import_progress() -> BaseResponse:
        sent = request.files.get("progress")
        try:
            marks = read_progress(sent.read() if sent else b"")
        except ProgressError as error:
            return _page(site, problem=str(error), status=422)
        _marks(site).add(learner(), marks)
        return redirect(url_for("lab.progress"), code=303)

    @blueprint.post("/progress/reset")
    def reset_progress() -> BaseResponse:
        if "sure" not in request.form:
            return _page(site, unsure=True, status=422)
        _marks(site).forget(learner())
        return redirect(url_for("lab.progress"), code=303)

    @blueprint.post("/progress/judged")
    def judged() -> Response:
        item, answer = request.form.get("id", ""), request.form.get("answer")
        if answer not in ("true", "false") or item not in _statements(site):
            abort(404)
        site.progress.note(learner(), "judged", item, answer)
        return Response(status=204)

    @blueprint.get("/lessons/<slug>/progress")
    def lesson_progress(slug: str) -> Response:
        return _lesson_progress(site, site.find_lesson(slug) or abort(404))

    @blueprint.post("/lessons/<slug>/finished")
    def finished(slug: str) -> BaseResponse:
        lesson = site.find_lesson(slug) or abort(404)
        if request.form.get("finished") == "no":
            _marks(site).withdraw(learner(), "finished", slug)
        else:
            _marks(site).note(learner(), "finished", slug)
        if request.htmx:
            return _lesson_progress(site, lesson)
        return redirect(url_for("lab.lesson", slug=slug), code=303)

    @blueprint.get("/challenges/<slug>/<name>/state")
    def challenge_state(slug: str, name: str) -> Response:
        return _challenge_state(site, _challenge(site, slug, name))

    @blueprint.post("/challenges/<slug>/<name>/skip")
    def skip(slug: str, name: str) -> BaseResponse:
        example = _challenge(site, slug, name)
        _marks(site).note(learner(), "skipped", example.id)
        if request.htmx:
            return _challenge_state(site, example)
        return redirect(url_for("lab.challenge", slug=slug, name=name, _anchor=card_key(example.id)), code=303)


def _lesson_progress(site: Site, lesson: Lesson) -> Response:
    view = site.progress.view(learner(), chosen_language(), lesson)
    return site.fragment("parts/_lesson_progress.html", progress=view, csrf_token=site.guard.token())


def _challenge(site: Site, slug: str, name: str) -> Example:
    example = site.find_example(f"{slug}/{name}")
    return example if example is not None and example.challenge is not None else abort(404)


def _challenge_state(site: Site, example: Example) -> Response:
    progress = site.progress.of(learner())
    return site.fragment("parts/_challenge_state.html", state=progress.challenge(example) if progress else "")


def _marks(site: Site) -> ProgressMarks:
    return site.services.progress or abort(503)


def _statements(site: Site) -> frozenset[str]:
    return frozenset(item.id for lesson in site.services.catalog.lessons for item in lesson.judgements("en"))


def _page(site: Site, *, problem: str = "", unsure: bool = False, status: int = 200) -> Response:
    page = ProgressPage(
        progress=site.progress.view(learner(), chosen_language()),
        problem=problem,
        unsure=unsure,
        engine_problem=site.services.engine_problem(),
    )
    return site.page("progress.html", page, status=status)
