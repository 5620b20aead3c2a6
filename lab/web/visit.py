"""One visit of a page: the learner, their language, and how to render for them.

The language is ``?lang=`` (kept in a cookie), else the cookie, else the browser's. `Site` holds what all visits share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from flask import Response, current_app, g, make_response, render_template, request

from lab.lessons import LANGUAGES, Catalog, Example, Language, Lesson
from lab.lessons.check import Check
from lab.timeline.bundle import Bundle
from lab.timeline.facts import Entry
from lab.timeline.run import Run
from lab.web import recorded
from lab.web.feed import Feeds
from lab.web.frames import Renderer
from lab.web.guard import Guard, style_nonce
from lab.web.identity import Identities, cluster_id, may_see
from lab.web.news import ClassNews, Happenings, standstill
from lab.web.opened import PREFIX, OpenedRuns
from lab.web.own_example import OWN_POD
from lab.web.prediction_views import PredictionViews
from lab.web.presenters import Presenters
from lab.web.progress_views import ProgressViews
from lab.web.recorded import RecordedRuns
from lab.web.repeat_views import RepeatViews
from lab.web.services import Services
from lab.web.stream import Streams
from lab.web.troubles import Troubles
from lab.web.wording import HTML_LANG, WORDINGS, language_of

LANGUAGE_COOKIE = "lang"
THEME_COOKIE = "theme"
REMEMBERED = timedelta(days=365)  # a preference is kept for a year


class Site:
    """The pages' shared state: services, feeds, guard."""

    def __init__(self, services: Services, guard: Guard, identities: Identities) -> None:
        self.services = services
        self.guard = guard
        self.identities = identities
        self.repeat_views = RepeatViews(services)
        self.troubles = Troubles(services, chosen_language, self._is_learner)
        self.opened = OpenedRuns(services.bundles)
        self.recorded = RecordedRuns(services.catalog)
        self.happenings = Happenings(services.register, services.clock) if services.register else None
        self._feeds: Feeds | None = None

    def _is_learner(self) -> bool:
        return self.identities.is_classroom and self.identities.visitor().role != "instructor"

    def renew(self, catalog: Catalog) -> None:
        """Go on with another state of the lessons."""
        if catalog is not self.services.catalog:
            self.services = replace(self.services, catalog=catalog)
            self.recorded = RecordedRuns(catalog)
            self.repeat_views = RepeatViews(self.services)
            self._feeds = None

    @property
    def feeds(self) -> Feeds:
        """The rendered runs; made on first use, when the app's templates are there."""
        if self._feeds is None:
            self._feeds = Feeds(self.renderers, self.entries)
        return self._feeds

    @property
    def renderers(self) -> Mapping[Language, Renderer]:
        """What renders the pieces of runs, by language."""
        environment = current_app.jinja_env
        return {language: Renderer(environment, language, self._check_of) for language in LANGUAGES}

    def _check_of(self, example_id: str) -> Check | None:
        example = self.find_example(example_id)
        return example.challenge.check if example and example.challenge else None

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return the entries of a run, of the lab's own, of one that was opened from a file, or of a recording."""
        if run_id.startswith(PREFIX):
            return self.opened.entries(run_id, after)
        if run_id.startswith(recorded.PREFIX):
            return self.recorded.entries(run_id, after)
        return self.services.runs.entries(run_id, after)

    @property
    def progress(self) -> ProgressViews:
        """How far learners are."""
        return ProgressViews(self.services, self.entries)

    @property
    def streams(self) -> Streams:
        """The streams of runs and pages, for who makes the present request."""
        return self.streams_with(self.news())

    def streams_with(self, news: ClassNews | None) -> Streams:
        """The streams of a page that is told this besides."""
        return Streams(self.services.runs, self.feeds, news)

    def news(self, wall: str = "") -> ClassNews | None:
        """Return what the page of the present request is told of its class; None in a lab for one, and for strangers. ``wall`` is
        the class on a projector."""
        visitor = self.identities.visitor()
        if self.happenings is None or visitor.role == "stranger":
            return None
        news = ClassNews(self.happenings, visitor, chosen_language(), self.title_of, wall)
        return news.with_banner(current_app.jinja_env, self.guard.token())

    def title_of(self, example_id: str, language: Language) -> str:
        """Return what an example is called; its id when there is none."""
        example = self.find_example(example_id)
        return example.labels[language] if example else example_id

    def presenters(self) -> Presenters:
        """Return what builds page values for the present request."""
        trouble = self.troubles.now()
        problem = trouble.text(chosen_language()) if trouble else None
        draft = (request.args.get("predict", ""), request.args.getlist("order"))
        return Presenters(
            self.services, self.feeds, self.recorded, self.repeat_views, PredictionViews(self.services, draft), problem
        )

    def find_lesson(self, slug: str) -> Lesson | None:
        """Return a lesson of the catalog."""
        return self.services.catalog.lesson(slug)

    def find_example(self, example_id: str) -> Example | None:
        """Return an example of the catalog, or the learner's own pod."""
        return OWN_POD if example_id == OWN_POD.id else self.services.catalog.example(example_id)

    def find_run(self, run_id: str) -> Run | None:
        """Return a run, live or ended, opened from a file, or recorded."""
        if run_id.startswith(PREFIX):
            return self.opened.run(run_id)
        if run_id.startswith(recorded.PREFIX):
            return self.recorded.run(run_id)
        run = self.services.runs.get(run_id)
        return run if run is not None and self.may_see(run) else None

    def may_see(self, run: Run) -> bool:
        """Whether the visitor may read a run of the lab's own; in a lab for one all."""
        if self.happenings is None:
            return True
        visitor = self.identities.visitor()
        spotlight = self.happenings.shown_to(visitor)
        return may_see(visitor, run, (spotlight.run_id,) if spotlight else ())

    def standstill(self) -> str:
        """Say why the visitor can start nothing now; empty when they can."""
        reason = standstill(self.identities.visitor().classroom)
        if reason:
            return WORDINGS[chosen_language()].plain(reason)
        trouble = self.troubles.now()
        return trouble.text(chosen_language()) if trouble else ""

    def has_lost_seat(self) -> bool:
        """Whether the visitor's seat was taken away since their request came. Whoever takes it away ends what runs then; what
        was begun meanwhile is for the one who began it to end."""
        learner, register = self.identities.visitor().learner, self.services.register
        return learner is not None and register is not None and not register.has_seat(learner.id)

    def find_bundle(self, run_id: str) -> Bundle | None:
        """Return the file that a run comes from; None for the lab's own runs."""
        return self.opened.bundle(run_id) or self.recorded.bundle(run_id)

    def page(self, template: str, page: object, *, status: int = 200) -> Response:
        """Render a whole page in the learner's language."""
        language = chosen_language()
        theme = request.cookies.get(THEME_COOKIE, "")
        visitor = self.identities.visitor() if self.identities.is_classroom else None
        html = render_template(
            template,
            page=page,
            say=WORDINGS[language],
            html_lang=HTML_LANG[language],
            theme=theme if theme in ("light", "dark") else "",
            csrf_token=self.guard.token(),
            style_nonce=style_nonce(),
            now=self.services.clock.now(),
            visitor=visitor,
            news=self.news() if visitor else None,
            standstill=standstill(visitor.classroom) if visitor else None,
            trouble=self.troubles.now(),
            content_stamp=g.get("content_stamp"),
            languages=[(other, _with_language(other)) for other in LANGUAGES],
        )
        response = make_response(html, status)
        response.vary.update(("Cookie", "Accept-Language"))
        response.headers["Content-Language"] = HTML_LANG[language]
        return response

    def fragment(self, template: str, **context: object) -> Response:
        """Render a fragment for htmx in the learner's language."""
        return make_response(render_template(template, say=WORDINGS[chosen_language()], **context))


def chosen_language() -> Language:
    """Return the language of this visit."""
    if "language" not in g:
        wanted = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        g.language = language_of(wanted, request.headers.get("Accept-Language"))
    language: Language = g.language
    return language


def keep_language(response: Response) -> Response:
    """Remember a language that was asked for by ``?lang=``."""
    wanted = request.args.get("lang")
    if wanted in LANGUAGES and wanted != request.cookies.get(LANGUAGE_COOKIE):
        response.set_cookie(LANGUAGE_COOKIE, wanted, max_age=REMEMBERED, samesite="Lax", httponly=True)
    return response


def learner() -> str:
    """Return the learner's cluster id."""
    return cluster_id()


def _with_language(language: Language) -> str:
    return f"{request.path}?{urlencode({**request.args.to_dict(flat=False), 'lang': language}, doseq=True)}"
