"""A browser's cookie is believed for its time, whatever this machine's clock was set to when it was made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask, session

from lab.clock import SystemClock, VirtualClock
from lab.web.sessions import Sessions

LIFETIME = timedelta(days=365)


def app_at(days_from_now: float) -> Flask:
    """Return an app that keeps one word for a browser, on a machine whose clock is set so."""
    app = Flask("sessions", static_folder=None)
    app.secret_key = "for tests only"
    app.permanent_session_lifetime = LIFETIME
    app.session_interface = Sessions(VirtualClock(SystemClock().now() + timedelta(days=days_from_now)))

    @app.get("/")
    def word() -> str:
        known: str = session.setdefault("word", "new")
        session.permanent = True
        return known

    @app.get("/keep")
    def keep() -> str:
        session["word"] = "kept"
        return ""

    return app


@pytest.mark.parametrize(("days_later", "word"), [(0, "kept"), (-30, "kept"), (364, "kept"), (366, "new")])
def test_a_cookie_is_believed_until_its_time_has_passed(days_later: float, word: str) -> None:
    browser = app_at(0).test_client()
    browser.get("/keep")
    later = app_at(days_later).test_client()
    later.set_cookie("session", browser.get_cookie("session").value)  # type: ignore[union-attr]  # it was just set
    assert later.get("/").text == word


def test_a_cookie_that_was_changed_is_not_believed() -> None:
    app = app_at(0)
    browser = app.test_client()
    browser.get("/keep")
    value = browser.get_cookie("session").value  # type: ignore[union-attr]  # as above
    browser.set_cookie("session", value[:-2] + ("AA" if value[-2:] != "AA" else "BB"))
    assert browser.get("/").text == "new"
