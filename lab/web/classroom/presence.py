"""How the lab knows where learners are: from their requests and open streams, and from what their pages say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Response, g, request

from lab.classroom.presence import Place, Presence
from lab.web.identity import Visitor
from lab.web.presenters import example_id
from lab.web.visit import Site

LONGEST_TEXT = 120  # characters, of a slug, a heading's id, a run's
LONGEST_SEQ = 12  # digits
OF_ITSELF = frozenset({"lab.here", "lab.static"})  # requests that a page makes by itself


class Watched:
    """A stream's events; whoever gets them is in sight until it is closed, also when not one was taken."""

    def __init__(self, events: Iterable[str] | Iterable[bytes], presence: Presence, learner_id: str) -> None:
        self._events = events
        self._watching = ExitStack()
        self._watching.enter_context(presence.watching(learner_id))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._events)

    def close(self) -> None:
        """End the stream. Idempotent."""
        self._watching.close()
        close = getattr(self._events, "close", None)
        if close is not None:
            close()


def add_presence(blueprint: Blueprint, site: Site, presence: Presence) -> None:
    """Notice every request of a learner, and take what their pages say."""

    @blueprint.post("/here")
    def here() -> tuple[str, int]:
        visitor = site.identities.visitor()
        if visitor.learner is not None:
            presence.at(visitor.learner.id, _place(site))
        return "", 204

    @blueprint.after_app_request
    def notice(response: Response) -> Response:
        visitor: Visitor | None = g.get("visitor")  # nobody asked who it was: a file of the front end, a machine
        if visitor is None or visitor.learner is None or request.endpoint in OF_ITSELF:
            return response
        if response.mimetype == "text/event-stream":
            response.response = Watched(response.response, presence, visitor.learner.id)
        elif response.status_code < 400:
            presence.moved(visitor.learner.id, acted=request.method == "POST")
        return response


def _place(site: Site) -> Place:
    """Read where a page says that it is. What it says is shown to instructors, so only what the course knows is taken."""
    lesson, example, seq = _text("lesson"), example_id(_text("card")), _text("seq")
    return Place(
        lesson=lesson if site.find_lesson(lesson) else "",
        part=_text("part"),
        example=example if site.find_example(example) else "",
        run=_text("run"),
        seq=int(seq) if seq.isascii() and seq.isdigit() and len(seq) <= LONGEST_SEQ else None,
    )


def _text(name: str) -> str:
    return request.form.get(name, "")[:LONGEST_TEXT]
