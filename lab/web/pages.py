"""The pages one can link to: lessons, runs, the list of examples. They read; all that they note is that a lesson was opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flask import Blueprint, Response, abort, jsonify, request

from lab.timeline.run import Run
from lab.web.presenters import Owner, card_key, examples_json
from lab.web.visit import Site, chosen_language, learner

LONGEST_SEQ_TEXT = 15  # digits; Python refuses to read numbers of thousands of them
EVENT_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx in front must not gather events


def add_pages(blueprint: Blueprint, site: Site) -> None:
    """Add the pages and their streams to the blueprint."""

    @blueprint.get("/")
    def index() -> Response:
        page = site.presenters().index(chosen_language())
        return site.page("index.html", replace(page, progress=site.progress.view(learner(), chosen_language())))

    @blueprint.get("/lessons/<slug>")
    def lesson(slug: str) -> Response:
        found = site.find_lesson(slug) or abort(404)
        site.progress.note(learner(), "opened", slug)
        page = site.presenters().lesson(found, learner(), chosen_language())
        return site.page("lesson.html", replace(page, progress=site.progress.view(learner(), chosen_language(), found)))

    @blueprint.get("/lessons/<slug>/stream")
    def lesson_stream(slug: str) -> Response:
        found = site.find_lesson(slug) or abort(404)
        site.services.prepare(learner(), tuple(example.manifest for example in found.examples))
        keys = {example.id: card_key(example.id) for example in found.examples}
        return event_stream(site.streams.follow_examples(learner(), keys, chosen_language(), last_event_id()))

    @blueprint.get("/runs/<run_id>")
    def run(run_id: str) -> Response:
        found = site.find_run(run_id) or abort(404)
        opened = site.find_bundle(run_id)
        versions = opened.versions if opened else None
        page = site.presenters().run(found, learner(), chosen_language(), versions)
        return site.page("run.html", replace(page, owner=_owner(site, found)))

    @blueprint.get("/runs/<run_id>/stream")
    def run_stream(run_id: str) -> Response:
        found = site.find_run(run_id) or abort(404)
        return event_stream(site.streams.follow_run(found, card_key(found.example), chosen_language(), last_event_id()))

    @blueprint.get("/recordings/<slug>/<name>.json")
    def recording(slug: str, name: str) -> Response:
        example = site.find_example(f"{slug}/{name}") or abort(404)
        run = site.recorded.of(example) or abort(404)
        message = site.streams.whole(run, card_key(example.id), chosen_language())
        return Response(message, mimetype="application/json")

    @blueprint.get("/examples.json")
    def examples() -> Response:
        return jsonify(examples_json(site.services.catalog))


def _owner(site: Site, run: Run) -> Owner | None:
    """Return whose run it is, when an instructor asks."""
    register = site.services.register
    if register is None or site.identities.visitor().role != "instructor":
        return None
    found = register.learner_of(run.cluster)
    return Owner(name=found.nickname, class_url=f"/class/{found.class_id}") if found else None


def is_stream(target: str) -> bool:
    """Whether a request may be answered with a stream, by what it asked for, as it was sent: streams have threads of their own
    (`lab.connections`)."""
    return target.partition("?")[0].endswith("stream")


def event_stream(events: Iterator[str]) -> Response:
    """Return events as the answer to a request. Nothing that `is_stream` does not know is answered so."""
    if not is_stream(request.environ.get("RAW_URI", request.path)):
        abort(404)
    return Response(events, mimetype="text/event-stream", headers=EVENT_STREAM_HEADERS)


def last_event_id() -> int | None:
    """Return the seq after which the client wants to go on: the header's, or ``?after=`` of a page that opens a new source."""
    for given in (request.headers.get("Last-Event-ID"), request.args.get("after")):
        if given is not None and given.isascii() and given.isdigit() and len(given) <= LONGEST_SEQ_TEXT:
            return int(given)
    return None
