"""Showing a class a run: the instructor's actions, the page on which learners follow, and the projector's view.

All three show the same run read-only. The instructor's own page stays as it is and says where it has gone (`move`); a learner's
page takes the shown one in beside what it held, so that coming back loses nothing (`static/follow.js`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.model import Class
from lab.classroom.spotlight import VIEWS, Place, Spotlight
from lab.timeline.run import Run
from lab.web.classroom.classes import Invitation, find_class, invitation
from lab.web.guard import wants_page
from lab.web.news import ENDED, Happenings
from lab.web.pages import event_stream, last_event_id
from lab.web.presenters import Card, card_key
from lab.web.problems import Problem
from lab.web.visit import Site, chosen_language, learner
from lab.web.wording import WORDINGS

PANELS = ("files", "hook-output", "signals", "events", "describe", "yaml", "logs")
LONGEST_SEQ_TEXT = 15  # digits
NO_CONTENT, CONFLICT = 204, 409


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPage:
    """A run that is shown, to read only. ``card`` is None while nothing is; ``name`` is its learner's, if that is to be said."""

    title: str = ""
    card: Card | None = None
    stream_url: str = ""
    name: str = ""
    engine_problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectorPage:
    """The same on the wall, and the way to join. ``joined`` is how many have."""

    classroom: Class
    shown: ShownPage
    stream_url: str
    invitation: Invitation
    joined: int
    banner: Markup
    engine_problem: str | None = None


def add_spotlight(blueprint: Blueprint, site: Site, happenings: Happenings) -> None:
    """Add these pages, streams and actions to the blueprint."""
    spotlights, register = happenings.spotlights, happenings.register

    @blueprint.get("/stream")
    def class_stream() -> Response:
        return event_stream(site.streams.follow_class())

    @blueprint.get("/shown")
    def shown() -> Response:
        spotlight = happenings.shown_to(site.identities.visitor())
        return site.page("classroom/shown.html", _shown(site, spotlight))

    @blueprint.get("/class/<class_id>/projector")
    def projector(class_id: str) -> Response:
        found = find_class(register, class_id)
        spotlight = happenings.shown(found)
        page = ProjectorPage(
            classroom=found,
            shown=_shown(site, spotlight),
            stream_url=url_for("lab.projector_stream", class_id=class_id, run=spotlight and spotlight.run_id),
            invitation=invitation(site, found),
            joined=len(register.roster(class_id)),
            banner=news.banner() if (news := site.news(wall=class_id)) else Markup(),
        )
        return site.page("classroom/projector.html", page)

    @blueprint.get("/class/<class_id>/projector/stream")
    def projector_stream(class_id: str) -> Response:
        find_class(register, class_id)
        run = site.find_run(request.args.get("run", ""))
        streams = site.streams_with(site.news(wall=class_id))
        if run is None:
            return event_stream(streams.follow_class())
        return event_stream(streams.follow_run(run, card_key(run.example), chosen_language(), last_event_id()))

    @blueprint.post("/class/<class_id>/spotlight")
    def show_run(class_id: str) -> BaseResponse:
        found = register.find_class(class_id) or abort(404)
        if not found.is_open:
            refused = Problem(code=CONFLICT, kind="refused", message=WORDINGS[chosen_language()].plain(ENDED))
            return site.page("problem.html", refused, status=CONFLICT)
        run = site.find_run(request.form.get("run", "")) or abort(404)
        name = _owner(run) if "named" in request.form else ""
        spotlights.show(class_id, Spotlight(run_id=run.id, example=run.example, place=_place(), name=name))
        return _done()

    @blueprint.post("/class/<class_id>/spotlight/place")
    def move_spotlight(class_id: str) -> BaseResponse:
        register.find_class(class_id) or abort(404)
        is_shown = spotlights.move(class_id, request.form.get("run", ""), _place())
        return Response(status=NO_CONTENT if is_shown else CONFLICT)

    @blueprint.post("/class/<class_id>/spotlight/steer")
    def steer_spotlight(class_id: str) -> BaseResponse:
        register.find_class(class_id) or abort(404)
        if request.form.get("do") == "bring":
            spotlights.bring(class_id)
        else:
            spotlights.end(class_id)
        return _done()

    def _owner(run: Run) -> str:
        owner = register.learner_of(run.cluster)
        return owner.nickname if owner else ""


def _shown(site: Site, spotlight: Spotlight | None) -> ShownPage:
    run = site.find_run(spotlight.run_id) if spotlight else None
    if spotlight is None or run is None:
        return ShownPage(engine_problem=site.services.engine_problem())
    page = site.presenters().run(run, learner(), chosen_language())
    card = replace(page.card, key=f"shown--{page.card.key}")  # what is put aside for it may have the same card
    if not wants_page():
        card = replace(
            card, picture=site.feeds.empty(chosen_language())
        )  # a whole class asks at once, and gets it by its streams
    return ShownPage(title=page.title, card=card, stream_url=page.stream_url, name=spotlight.name)


def _place() -> Place:
    """Read where the instructor is from the form; what cannot be used is left out."""
    form = request.form
    seq, view, panel = form.get("seq", ""), form.get("view", ""), form.get("panel", "")
    is_number = seq.isascii() and seq.isdigit() and len(seq) <= LONGEST_SEQ_TEXT
    return Place(
        seq=int(seq) if is_number else None,
        view=next((known for known in VIEWS if known == view), "truth"),
        panel=panel if panel in PANELS else "",
    )


def _done() -> BaseResponse:
    """Lead back to the page with the form; a script wants no page."""
    if not wants_page():
        return Response(status=NO_CONTENT)
    back = urlsplit(request.referrer or "")
    is_ours = back.netloc == request.host and back.path.startswith("/") and not back.path.startswith("//")
    return redirect(back.path if is_ours else "/class", code=303)
