"""The board's page, and the stream that keeps it as it is: at every tick what has changed, and nothing else."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, current_app, request, url_for
from jinja2 import Environment

from lab.classroom.model import Class
from lab.classroom.presence import Presence
from lab.classroom.register import Register
from lab.cluster.admission import Usage
from lab.cluster.demand import RESOURCES
from lab.insight.phrase import Phrase
from lab.lessons import Language, Lesson
from lab.limits import GIBIBYTE
from lab.timeline.facts import JSON
from lab.timeline.timeline import Timeline
from lab.web.classroom.board import ORDERS, SHOWS, Board, BoardRow, Counts, Order, Show, arranged, counts, sentence
from lab.web.classroom.classes import Invitation, find_class, invitation
from lab.web.classroom.notices import Notice, Notices
from lab.web.news import ClassNews
from lab.web.pages import event_stream
from lab.web.stream import HEARTBEAT, HEARTBEAT_SECONDS, RETRY, STOPPING
from lab.web.visit import Site, chosen_language, learner
from lab.web.wording import WORDINGS, Wording

TICK_SECONDS = 1.0  # an instructor's glance
SHORT = 0.9  # of a limit: who comes next may have to wait
_UNITS: dict[str, Callable[[int], str]] = {
    "memory_bytes": lambda value: f"{value / GIBIBYTE:.1f}",
    "cpu_millis": lambda value: f"{value / 1000:g}",
}
PARTS = ("state", "counts", "machine", "notice", "readiness")  # of what is live; each has a template


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A way of showing the board: its address, and whether it is the present one."""

    name: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleChoice:
    """An example that can be run for everybody."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonChoice:
    """A lesson that a class can be made ready for, with its examples."""

    slug: str
    title: str
    examples: tuple[ExampleChoice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """For how many seats the network is there."""

    ready: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What learners' pods hold of one resource of the machine, of how much, as it is shown."""

    resource: str
    used: str
    limit: str
    is_short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What changes on the page beside the rows."""

    classroom: Class
    counts: Counts
    machine: tuple[Share, ...]
    sentence: Phrase
    notice: Notice | None
    readiness: Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage:
    """A class as its instructor sees it. ``most`` is the lesson in which most of its learners are."""

    classroom: Class
    invitation: Invitation
    live: Live
    rows: tuple[BoardRow, ...]
    shows: tuple[Choice, ...]
    orders: tuple[Choice, ...]
    lessons: tuple[LessonChoice, ...]
    most: str
    stream_url: str
    engine_problem: str | None


class BoardStream:
    """What one reader of the board has been sent."""

    def __init__(self, environment: Environment, say: Wording, token: str) -> None:
        self._environment = environment
        self._context: dict[str, object] = {"say": say, "csrf_token": token}
        self._say = say
        self._rows: dict[str, BoardRow] = {}
        self._live: Live | None = None
        self._sent: JSON = {}

    def event(self, live: Live | None, shown: tuple[BoardRow, ...]) -> str | None:
        """Return what has changed since the last one; None when nothing has. A row is sent whole. ``live`` is None when the class
        has been deleted."""
        if live is None:
            return self._changed({"order": [], "notice": self._render("notice", live=None)}, {})
        now: JSON = {"order": [row.id for row in shown], "sentence": self._say.plain(live.sentence)}
        now |= {part: self._render(part, live=live) for part in PARTS} if live != self._live else {}
        fresh = {row.id: self._render("board_row", row=row, class_id=live.classroom.id) for row in self._unsent(shown)}
        self._live, self._rows = live, {row.id: row for row in shown}
        return self._changed(now, fresh)

    def _changed(self, now: JSON, fresh: JSON) -> str | None:
        changed: JSON = {name: value for name, value in now.items() if self._sent.get(name) != value}
        self._sent |= now
        if fresh:
            changed["rows"] = fresh
        return f"event: board\ndata: {json.dumps(changed)}\n\n" if changed else None

    def _unsent(self, shown: tuple[BoardRow, ...]) -> tuple[BoardRow, ...]:
        return tuple(row for row in shown if self._rows.get(row.id) != row)

    def _render(self, name: str, **context: object) -> str:
        return self._environment.get_template(f"classroom/_{name}.html").render(self._context, **context).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardParts:
    """What the board is made of."""

    site: Site
    register: Register
    presence: Presence
    notices: Notices

    def board(self) -> Board:
        """Return a board in the language of the present request."""
        return Board(self.site, self.presence, chosen_language())

    def live(self, class_id: str, rows: tuple[BoardRow, ...]) -> Live | None:
        """Return what changes beside the rows; None when the class has been deleted."""
        found = self.register.find_class(class_id)
        if found is None:
            return None
        seats = [learner.cluster for learner in self.register.roster(class_id)] + list(self.register.spare_clusters(class_id))
        prepared = self.site.services.prepared()
        return Live(
            classroom=found,
            counts=counts(rows),
            machine=shares(self.site.services.runs.usage()),
            sentence=sentence(rows),
            notice=self.notices.of(class_id),
            readiness=Readiness(ready=sum(cluster in prepared for cluster in seats), of=len(seats)),
        )


def shares(usage: Usage) -> tuple[Share, ...]:
    """Return what all learners' pods hold of the machine, of every class."""
    return tuple(_share(name, getattr(usage.all, name), getattr(usage.limit_of_all, name)) for name in RESOURCES)


def _share(resource: str, used: int, limit: int) -> Share:
    words = _UNITS.get(resource, str)
    return Share(resource=resource, used=words(used), limit=words(limit), is_short=used > SHORT * limit)


def add_board(blueprint: Blueprint, parts: BoardParts) -> None:
    """Add the page and its stream to the blueprint."""
    site, register = parts.site, parts.register

    @blueprint.get("/class/<class_id>")
    def class_board(class_id: str) -> Response:
        rows = parts.board().rows(register, class_id)
        live = parts.live(class_id, rows) or abort(404)
        return site.page("classroom/board.html", _page(site, live, rows))

    @blueprint.get("/class/<class_id>/stream")
    def board_stream(class_id: str) -> Response:
        find_class(register, class_id)
        board, (show, order) = parts.board(), _chosen()
        stream = BoardStream(current_app.jinja_env, WORDINGS[chosen_language()], site.guard.token())

        def event() -> str | None:
            rows = board.rows(register, class_id)
            live = parts.live(class_id, rows)
            return stream.event(live, arranged(rows, show, order))

        news = site.news()
        assert news is not None  # noqa: S101 - this is a classroom
        return event_stream(_events((event, lambda: _told(news)), site.services.runs.timeline(learner())))


def _told(news: ClassNews) -> str | None:
    told = news.tell()
    return None if told is None else f"event: class\ndata: {told}\n\n"


def _events(sources: Sequence[Callable[[], str | None]], timeline: Timeline) -> Iterator[str]:
    """Yield what has changed, at every tick, until the lab stops: that is when it dismisses the instructor's own timeline."""
    yield RETRY
    quiet = 0.0
    while not timeline.dismissed:
        events = [event for source in sources if (event := source())]
        quiet = 0.0 if events else quiet + TICK_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            quiet, events = 0.0, [HEARTBEAT]
        yield from events
        timeline.wait(sys.maxsize, timeout=TICK_SECONDS)
    yield STOPPING


def _page(site: Site, live: Live, rows: tuple[BoardRow, ...]) -> BoardPage:
    show, order = _chosen()
    language, class_id = chosen_language(), live.classroom.id

    def url(endpoint: str, show: Show = show, order: Order = order) -> str:
        return url_for(endpoint, class_id=class_id, show=show, order=order, lang=language)

    where = Counter(row.lesson for row in rows if row.state == "here" and row.lesson)
    return BoardPage(
        classroom=live.classroom,
        invitation=invitation(site, live.classroom),
        live=live,
        rows=arranged(rows, show, order),
        shows=tuple(Choice(name=name, url=url("lab.class_board", show=name), chosen=name == show) for name in SHOWS),
        orders=tuple(Choice(name=name, url=url("lab.class_board", order=name), chosen=name == order) for name in ORDERS),
        lessons=tuple(_lesson_choice(lesson, language) for lesson in site.services.catalog.lessons),
        most=max(where, key=lambda lesson: where[lesson], default=""),
        stream_url=url("lab.board_stream"),
        engine_problem=site.services.engine_problem(),
    )


def _lesson_choice(lesson: Lesson, language: Language) -> LessonChoice:
    return LessonChoice(
        slug=lesson.slug,
        title=f"{lesson.number} · {lesson.titles[language]}",
        examples=tuple(ExampleChoice(id=example.id, label=example.labels[language]) for example in lesson.examples),
    )


def _chosen() -> tuple[Show, Order]:
    """Return how the board is to be shown."""
    show, order = request.args.get("show"), request.args.get("order")
    return (
        next((name for name in SHOWS if name == show), SHOWS[0]),
        next((name for name in ORDERS if name == order), ORDERS[0]),
    )
