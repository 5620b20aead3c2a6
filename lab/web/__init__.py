"""The lab's pages: lessons with their cards, runs, streams.

`create_blueprint(services)` makes the one Flask blueprint; `lab.app` registers it and hands in what `Services` names. Views
parse, call one function and render; what a template gets is a presenter's value. Flask is known only here and in `lab.app`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache, partial

from flask import Blueprint, url_for
from flask.blueprints import BlueprintSetupState
from htmx_flask import Htmx

from lab.share import FRONT_END, TEMPLATES
from lab.web.actions import add_actions
from lab.web.bundles import add_bundles
from lab.web.challenges import add_challenges
from lab.web.classroom import add_classroom
from lab.web.comparisons import add_comparisons
from lab.web.copy_out import add_copy_out
from lab.web.embeds import add_embeds
from lab.web.followers import Followers
from lab.web.formats import FILTERS
from lab.web.guard import Guard
from lab.web.hands import add_hands
from lab.web.identity import Identities
from lab.web.live_content import add_live_content
from lab.web.lookups import add_lookups, used_terms
from lab.web.once import Once
from lab.web.operations import add_operations
from lab.web.own_hook import add_own_hook
from lab.web.pace import Pace, add_pace
from lab.web.pages import add_pages
from lab.web.predictions import add_predictions
from lab.web.problems import add_problems
from lab.web.progress import add_progress
from lab.web.repeats import add_repeats
from lab.web.request_log import RequestLog
from lab.web.search import add_search
from lab.web.services import Runs, Services, WebSettings
from lab.web.sessions import Sessions
from lab.web.visit import Site, keep_language

__all__ = ["Runs", "Services", "WebSettings", "create_blueprint"]

REMEMBERED = timedelta(days=365)  # a learner's cluster is theirs for a year after the last visit
ASSET_AGE = timedelta(days=365)  # assets carry their hash in the address


def create_blueprint(services: Services) -> Blueprint:
    """Return the blueprint with every page, stream and action, and with the guard in front of the whole app."""
    blueprint = Blueprint(
        "lab", __name__, template_folder=str(TEMPLATES), static_folder=str(FRONT_END), static_url_path="/static"
    )
    identities = Identities(services.register, services.settings.trusted_proxies)
    guard = Guard(services.settings, identities, services.clock)
    site = Site(services, guard, identities)
    if services.operations is not None:
        RequestLog(services.clock, services.operations.metrics).install(blueprint)
    guard.install(blueprint)
    if services.settings.requests_per_minute is not None:
        add_pace(blueprint, identities, Pace(services.clock, services.settings.requests_per_minute))
    blueprint.after_app_request(keep_language)
    blueprint.record_once(lambda state: _configure(state, site))
    if services.settings.live_content:
        add_live_content(blueprint, site)
    add_pages(blueprint, site)
    add_lookups(blueprint, site)
    add_search(blueprint, site)
    add_challenges(blueprint, site)
    add_actions(blueprint, site)
    add_hands(blueprint, site)
    add_repeats(blueprint, site)
    add_predictions(blueprint, site)
    add_progress(blueprint, site)
    add_own_hook(blueprint, site)
    add_copy_out(blueprint, site)
    add_comparisons(blueprint, site)
    add_bundles(blueprint, site)
    add_embeds(blueprint, site)
    if services.register is not None:
        add_classroom(blueprint, site, services.register)
    add_operations(blueprint, services.operations)
    add_problems(blueprint, site)
    site.troubles.install(blueprint)
    Followers(identities).install(blueprint)
    Once(services.clock, identities).install(blueprint)
    return blueprint


def _configure(state: BlueprintSetupState, site: Site) -> None:
    """Set what the pages rely on in the app: signed cookies, asset ages, the template environment."""
    app, settings = state.app, site.services.settings
    app.secret_key = settings.secret_key
    app.session_interface = Sessions(site.services.clock)  # type: ignore[attr-defined]  # typed as what Flask shares with Quart
    app.config.update(
        SESSION_COOKIE_NAME="lab",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=REMEMBERED,
        SEND_FILE_MAX_AGE_DEFAULT=ASSET_AGE,
    )
    Htmx(app)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.cache = {}  # all templates, not the last 400 behind a lock for which every page and stream would wait
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.filters["terms"] = partial(used_terms, site)

    app.jinja_env.globals["asset"] = _asset
    app.jinja_env.globals["static_edition"] = settings.static_edition


def _asset(name: str) -> str:
    """Return the address of a built file, with its content's hash."""
    return url_for("lab.static", filename=name, v=_versions().get(name, "unbuilt"))


@cache
def _versions() -> dict[str, str]:
    manifest = FRONT_END / "manifest.json"
    versions: dict[str, str] = json.loads(manifest.read_text()) if manifest.is_file() else {}
    return versions
