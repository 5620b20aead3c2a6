"""Repeat: run a manifest several times, see how an interval varies, cancel. The page asks for news while a repeat goes on."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, redirect, url_for
from htmx_flask import request
from werkzeug.wrappers import Response as BaseResponse

from lab.cluster.repeats import RepeatOrder
from lab.errors import LabError
from lab.timeline.repeat import Repeat
from lab.web.actions import NO_SEAT, read_deletion
from lab.web.problems import words_of
from lab.web.repeat_views import RepeatView
from lab.web.visit import Site, chosen_language, learner
from lab.web.wording import WORDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatPage:
    """A repeat's own page."""

    view: RepeatView
    engine_problem: str | None


def add_repeats(blueprint: Blueprint, site: Site) -> None:
    """Add these pages and actions to the blueprint."""

    @blueprint.post("/examples/<path:example_id>/repeat")
    def repeat_example(example_id: str) -> BaseResponse:
        example = site.find_example(example_id) or abort(404)
        manifest = request.form.get("manifest", example.manifest).replace("\r\n", "\n")
        deletion, count = read_deletion(), request.form.get("count", "")
        problem = site.standstill()
        if not problem and deletion is not None:
            order = RepeatOrder(
                cluster=learner(),
                example=example.id,
                manifest=manifest,
                verb=example.submit,
                count=int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0,
                grace_period_seconds=deletion.grace_period_seconds,
                force=deletion.force,
            )
            try:
                site.services.repeats.start(order)
                if site.has_lost_seat():
                    site.services.repeats.cancel_all(learner())
                    problem = WORDINGS[chosen_language()].plain(NO_SEAT)
            except LabError as error:
                problem = words_of(error)
        view = site.repeat_views.of_example(learner(), example.id, _wanted(), problem=problem)
        return _answer(site, view)

    @blueprint.post("/repeats/<repeat_id>/cancel")
    def cancel_repeat(repeat_id: str) -> BaseResponse:
        repeat = _visible(site, repeat_id)
        if repeat.cluster != learner():
            abort(403, "owner")
        site.services.repeats.cancel(repeat_id)
        return _answer(site, site.repeat_views.of(site.services.repeats.get(repeat_id) or repeat, _wanted()))

    @blueprint.get("/repeats/<repeat_id>")
    def repeat(repeat_id: str) -> BaseResponse:
        found = _visible(site, repeat_id)
        view = site.repeat_views.of(found, _wanted(), own=found.cluster == learner())
        if request.htmx:
            return site.fragment("parts/_repeat.html", view=view)
        return site.page("repeat.html", RepeatPage(view=view, engine_problem=site.services.engine_problem()))


def _visible(site: Site, repeat_id: str) -> Repeat:
    """Return a repeat that the visitor may read: in a classroom their own, and an instructor everybody's."""
    found = site.services.repeats.get(repeat_id) or abort(404)
    if site.identities.is_classroom and site.identities.visitor().role != "instructor" and found.cluster != learner():
        abort(404)
    return found


def _answer(site: Site, view: RepeatView) -> BaseResponse:
    if request.htmx:
        return site.fragment("parts/_repeat.html", view=view)
    if view.problem or view.repeat is None:
        return site.page("repeat.html", RepeatPage(view=view, engine_problem=None), status=409)
    return redirect(url_for("lab.repeat", repeat_id=view.repeat.id), code=303)


def _wanted() -> str:
    return str(request.values.get("interval", ""))
