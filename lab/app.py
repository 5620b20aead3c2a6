"""The lab as a Flask application: wiring only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, request

from lab import share
from lab.laboratory import Laboratory
from lab.lessons.catalog import Catalog
from lab.web import Services, WebSettings, create_blueprint
from lab.web.reading import reading_services
from lab.web.services import Operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The lessons that are served: their folder, and whether they are read again when its files change."""

    root: Path = share.CONTENT
    live: bool = False


def create_app(laboratory: Laboratory, course: Course | None = None) -> Flask:
    """Return the application that serves a laboratory's pages. Raises ContentError when the lessons cannot be read."""
    course = course or Course()
    settings = laboratory.settings
    pages = WebSettings(
        allowed_hosts=frozenset(settings.allowed_hosts),
        secret_key=settings.secret_key or settings.data_directory.secret_key,
        secure_cookies=(settings.public_url or "").startswith("https:"),
        requests_per_minute=settings.limits.requests_per_minute if settings.classroom else None,
        public_url=settings.public_url,
        trusted_proxies=settings.trusted_proxies,
        embed_ancestors=settings.embed_ancestors,
        live_content=course.live,
    )
    services = Services(
        runs=laboratory.runs,
        files=laboratory.node_side.files,
        repeats=laboratory.repeats,
        predictions=laboratory.store.predictions,
        bundles=laboratory.store.bundles,
        versions=laboratory.versions,
        catalog=Catalog.load(course.root),
        settings=pages,
        clock=laboratory.clock,
        engine_problem=laboratory.engine_problem,
        store_problem=lambda: laboratory.store.journal.problem,
        max_run_seconds=settings.limits.max_run_seconds,
        prepare=laboratory.prepare,
        prepared=laboratory.prepared,
        forget=laboratory.forget,
        discard=laboratory.discard,
        progress=laboratory.store.progress,
        register=laboratory.register,
        operations=Operations(problems=laboratory.condition.problems, metrics=laboratory.metrics, token=settings.metrics_token),
    )
    app = _app(services)
    laboratory.clock.spawn("compile templates", _compile_templates, app)
    return app


def create_reader(catalog: Catalog) -> Flask:
    """Return the application whose answers the static edition is made of: no laboratory is behind it."""
    return _app(reading_services(catalog))


class _App(Flask):
    """Flask's, with a log of failures that does not tell what was asked for: an address may hold what lets somebody in."""

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception that nobody foresaw."""
        self.logger.error("cannot answer %s %s", request.method, request.endpoint, exc_info=exc_info)


def _compile_templates(app: Flask) -> None:
    """Read every template now, in half a second that nobody waits for: else a class's first Run does, with all who follow it."""
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def _app(services: Services) -> Flask:
    app = _App("lab", static_folder=None)
    app.register_blueprint(create_blueprint(services))
    return app
