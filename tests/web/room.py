"""A classroom over the pages of `tests.web.conftest`: a register in a real store, browsers of an instructor and of learners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from lab.classroom.model import Class, Instructor, Learner
from lab.classroom.passwords import hash_password
from lab.classroom.register import Register
from lab.store.classes import Classes
from lab.timeline.run import Run
from lab.web import create_blueprint
from tests.web.conftest import Pages, PodScript

INSTRUCTOR, PASSWORD = "ada", "a password for tests"
PASSWORD_HASH = hash_password(PASSWORD)


class Browser:
    """One browser: a client that remembers cookies, and sends forms as the pages do."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **headers: str) -> Any:
        """Open a page."""
        return self.client.get(path, headers={"Accept": "text/html", **headers})

    def post(self, path: str, **form: Any) -> Any:
        """Submit a form with the token of the page that this browser may open."""
        html = self.get("/", **{"Accept-Language": "en"}).text
        if 'name="csrf-token"' not in html:  # a stranger is led to the door
            html = self.get("/join").text
        token = html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
        return self.client.post(path, data={"csrf_token": token, **form}, headers={"Accept": "text/html"})


class Room:
    """A classroom with one open class and its instructor, who has signed in."""

    def __init__(self, pages: Pages, **services: Any) -> None:
        self.pages = pages
        store = Classes(pages.database)
        store.keep_instructor(Instructor(name=INSTRUCTOR, password_hash=PASSWORD_HASH, cluster="c-instructor"))
        self.register = Register(store, pages.runs.clock)
        self.app = Flask("lab", static_folder=None)
        self.app.register_blueprint(create_blueprint(replace(pages.services, register=self.register, **services)))
        self.classroom: Class = self.register.open_class("Hooks, Monday")
        self.instructor = Browser(self.app)
        assert self.instructor.post("/sign-in", name=INSTRUCTOR, password=PASSWORD).status_code == 303

    @property
    def path(self) -> str:
        """The path of the class."""
        return f"/class/{self.classroom.id}"

    def join(self, nickname: str) -> tuple[Browser, Learner]:
        """Let somebody join."""
        browser = Browser(self.app)
        assert browser.post("/join", code=self.classroom.code, nickname=nickname).status_code == 303
        return browser, next(x for x in self.register.roster(self.classroom.id) if x.nickname == nickname)

    def run(self, browser: Browser, learner: Learner, example: str, manifest: str) -> Run:
        """Press Run, and let the lab do what `PodScript` does."""
        answer = browser.post(f"/examples/{example}/run", manifest=manifest)
        run_id = answer.headers["Location"].rpartition("/")[2]
        script = PodScript(self.pages.runs.timeline(learner.cluster), run_id)
        script.start()
        script.stop()
        script.end()
        self.pages.runs.close(run_id)
        return self.pages.runs.runs[run_id]
