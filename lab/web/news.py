"""What a page in a classroom says beside its lessons and runs: paused, ended, what the class is being shown, a seat that is gone.

It stands in the page when that is made, so that it needs no script, and comes by the page's stream when it changes. A learner's
page is told of its class, an instructor's of every class that is open, a projector's of the one on the wall. The banner is
rendered again only when its words change; a step of what is shown is a few numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jinja2 import Environment
from markupsafe import Markup

from lab.classroom.announcements import Announcement, Announcements
from lab.classroom.bell import EVERY_CLASS, Bell
from lab.classroom.model import Class, Learner
from lab.classroom.register import Register
from lab.classroom.spotlight import Place, Spotlight, Spotlights
from lab.clock import Clock
from lab.insight.phrase import Phrase, phrase
from lab.lessons import Language
from lab.timeline.facts import JSON
from lab.timeline.run import Run
from lab.web.identity import Visitor, may_see
from lab.web.wording import WORDINGS

if TYPE_CHECKING:
    from lab.timeline.timeline import Timeline

PAUSED = phrase("Your instructor has paused the class; what runs goes on.", "讲师已暂停课堂，正在运行的会继续。")
ENDED = phrase("The class has ended; you can still read everything.", "课程已结束，你仍可以阅读全部内容。")
NOWHERE = Place()


class Happenings:
    """What classes do beside learning, and who is woken by it."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self.register = register
        self.bell = Bell(clock)
        self.spotlights = Spotlights(clock, self.bell.ring)
        self.announcements = Announcements(clock, self.bell.ring)
        register.listen(self.bell.ring)

    def shown_to(self, visitor: Visitor) -> Spotlight | None:
        """Return what a learner's class is being shown."""
        return self.shown(visitor.classroom) if visitor.classroom else None

    def shown(self, classroom: Class) -> Spotlight | None:
        """Return what a class is being shown; one that has ended is shown nothing."""
        return self.spotlights.of(classroom.id) if classroom.is_open else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassView:
    """A class as a page is told of it."""

    classroom: Class
    spotlight: Spotlight | None
    title: str
    announcement: Announcement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that a page is told. ``is_gone``: its visitor has no seat any more."""

    views: tuple[ClassView, ...] = ()
    learner: Learner | None = None
    is_gone: bool = False
    joined: int = 0

    @property
    def words(self) -> Told:
        """What the banner depends on: all but the place."""
        return replace(self, views=tuple(_without_place(view) for view in self.views), joined=0)


def standstill(classroom: Class | None) -> Phrase | None:
    """Return why nobody in a class can start anything; None when they can."""
    if classroom is None or (classroom.is_open and not classroom.paused):
        return None
    return PAUSED if classroom.is_open else ENDED


class ClassNews:
    """What one page is told. ``wall`` is the class of a projector's page; ``title(example, language)`` names an example."""

    def __init__(
        self,
        happenings: Happenings,
        visitor: Visitor,
        language: Language,
        title: Callable[[str, Language], str],
        wall: str = "",
    ) -> None:
        self.cluster = visitor.cluster
        self._happenings = happenings
        self._visitor = visitor
        self._language = language
        self._title = title
        self._wall = wall
        self._heard = wall or (visitor.classroom.id if visitor.classroom else EVERY_CLASS)
        self._rings = -1
        self._told: Told | None = None
        self._banner: Callable[[Told], str] = lambda told: ""

    def with_banner(self, environment: Environment, csrf_token: str) -> ClassNews:
        """Have the banner rendered; returns itself. Both are asked for while there is a request, and used when there is none."""
        template = environment.get_template("classroom/_banner.html")
        say, role = WORDINGS[self._language], "projector" if self._wall else self._visitor.role
        self._banner = lambda told: template.render(told=told, say=say, role=role, csrf_token=csrf_token)
        return self

    # --- for streams (`lab.web.stream.News`)

    def listening(self, timeline: Timeline) -> AbstractContextManager[None]:
        """Have the timeline nudged whenever there may be something to tell."""
        return self._happenings.bell.listening(self._heard, timeline)

    def is_due(self) -> bool:
        """Whether it rang since something was told, or what was told is no news any more."""
        return self._happenings.bell.rings(self._heard) != self._rings or self._has_faded()

    def _has_faded(self) -> bool:
        standing = self._happenings.announcements.of
        views = self._told.views if self._told else ()
        return any(view.announcement is not None and standing(view.classroom.id) is None for view in views)

    def tell(self) -> str | None:
        """Return what there is to tell, in JSON; None when it was told already."""
        if not self.is_due():
            return None
        self._rings = self._happenings.bell.rings(self._heard)  # first: what changes while it is read is told the next time
        before, told = self._told, self.now()
        self._told = told
        return None if told == before else json.dumps(self._message(told, before), ensure_ascii=False)

    def goes_on(self, run: Run | None = None) -> bool:
        """Whether the page may still be told of this run, or of anything at all."""
        told = self._told or self.now()
        if told.is_gone or run is None:
            return not told.is_gone
        shown = {view.spotlight.run_id for view in told.views if view.spotlight}
        return may_see(self._visitor, run, shown)

    # --- for pages

    def now(self) -> Told:
        """Return what is to be told now."""
        register = self._happenings.register
        if self._wall:
            classroom = register.find_class(self._wall)
            return Told(views=self._views(classroom), joined=len(register.roster(self._wall)))
        seat = self._visitor.learner
        if seat is None:
            return Told(views=tuple(view for kept in register.classes() if kept.is_open for view in self._views(kept)))
        learner = register.learner(seat.id)
        is_gone = learner is None or learner.removed_at is not None or learner.seat != seat.seat
        return Told(views=self._views(register.find_class(seat.class_id)), learner=learner, is_gone=is_gone)

    def open_classes(self) -> tuple[Class, ...]:
        """Return the classes to which the page's visitor may show something: an instructor's."""
        if self._visitor.role != "instructor":
            return ()
        return tuple(kept for kept in self._happenings.register.classes() if kept.is_open)

    def banner(self) -> Markup:
        """Return the words above the page."""
        return Markup(self._banner(self.now()))  # noqa: S704 - a template's, which escapes

    def _views(self, classroom: Class | None) -> tuple[ClassView, ...]:
        if classroom is None:
            return ()
        spotlight = self._happenings.shown(classroom)
        title = self._title(spotlight.example, self._language) if spotlight else ""
        announcement = self._happenings.announcements.of(classroom.id) if classroom.is_open else None
        return (ClassView(classroom=classroom, spotlight=spotlight, title=title, announcement=announcement),)

    def _message(self, told: Told, before: Told | None) -> JSON:
        if told.is_gone:
            return {"gone": True}
        message: JSON = {"shown": [_where(view.classroom, view.spotlight) for view in told.views if view.spotlight]}
        if before is None or told.words != before.words:
            reason = standstill(told.views[0].classroom) if told.learner and told.views else None
            message["banner"] = self._banner(told)
            message["standstill"] = WORDINGS[self._language].plain(reason) if reason else ""
            message["name"] = told.learner.nickname if told.learner else ""
        if self._wall:
            message["joined"] = told.joined
            message["code"] = "".join(view.classroom.code for view in told.views)
        return message


def _where(classroom: Class, spotlight: Spotlight) -> JSON:
    place = spotlight.place
    return {
        "class": classroom.id,
        "run": spotlight.run_id,
        "brought": spotlight.brought,
        "seq": place.seq,
        "view": place.view,
        "panel": place.panel,
    }


def _without_place(view: ClassView) -> ClassView:
    return replace(view, spotlight=replace(view.spotlight, place=NOWHERE)) if view.spotlight else view
