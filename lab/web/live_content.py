"""Lessons read anew while an author writes them (``lab serve --dev``): each page shows what is in the files, or what is wrong in
them with file and line, and open pages load again by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, g, request

from lab.errors import ContentError
from lab.lessons import Catalog
from lab.web.pages import event_stream
from lab.web.problems import Problem
from lab.web.visit import Site, learner

LOOK_SECONDS = 0.5  # between two looks at the files
CHANGED = "event: changed\ndata: \n\n"
STILL_THERE = ": \n\n"  # a comment: so that the server notices a page that is gone
_UNTOUCHED = ("/static/", "/content-stream", "/healthz")


def add_live_content(blueprint: Blueprint, site: Site) -> None:
    """Have every request see the present files, and add the stream that pages listen to."""

    @blueprint.before_app_request
    def look() -> Response | None:
        if request.path.startswith(_UNTOUCHED):
            return None
        g.content_stamp = Catalog.stamp(site.services.catalog.root)  # before it is read: a page never says it is newer than it is
        try:
            site.renew(site.services.catalog.refreshed())
        except ContentError as error:
            return site.page("problem.html", Problem(code=500, kind="content", message=str(error)), status=500)
        return None

    @blueprint.get("/content-stream")
    def content_stream() -> Response:
        return event_stream(_changes(site, learner(), request.args.get("since", "")))


def _changes(site: Site, cluster: str, shown: str) -> Iterator[str]:
    """Yield an event when the files are no longer those ``shown``, the stamp that the page carries, until the lab stops."""
    timeline, root = site.services.runs.timeline(cluster), site.services.catalog.root
    while not timeline.dismissed and Catalog.stamp(root) == shown:
        timeline.wait(timeline.durable, timeout=LOOK_SECONDS)
        yield STILL_THERE
    if not timeline.dismissed:
        yield CHANGED
