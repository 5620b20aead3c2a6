"""Every route against visitors who are not who they should be, and pages that are not the lab's own.

The routes are read from the app: a new one needs a decision here on who may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.routing import Rule

from lab.classroom.register import GUESSES
from tests.web.conftest import EXAMPLE_MANIFEST, PageRepeats, Pages, catalog, pages
from tests.web.room import Browser, Room

__all__ = ["catalog", "pages"]

_DOORS = "static join take_seat sign_in prove_password come_back move_seat leave"
_LEARNERS = """\
index lesson lesson_stream lesson_progress finished examples recording challenges challenge challenge_stream challenge_state skip
run run_stream bundle delete_run continue_run command_in_run run_example delete_example continue_example command_in_example review
field copy_out copy_out_example prediction predict repeat_example repeat cancel_repeat compare node clean_node glossary reference
search own adopt_own own_stream open_page open_bundle progress progress_file import_progress judged reset_progress embed_example
embed_stream embed_run here class_stream shown"""
DOORS, LEARNERS = frozenset(_DOORS.split()), frozenset(_LEARNERS.split())
MACHINES = frozenset({"healthz", "readyz", "metrics"})  # `tests.web.test_operations` says who gets what
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SITE = "https://evil.example"


@pytest.fixture
def room(pages: Pages) -> Room:
    return Room(pages)


def rules(app: Any, *, unsafe: bool | None = None) -> Iterator[Rule]:
    """Yield the app's routes; those that change something, or those that do not."""
    for rule in app.url_map.iter_rules():
        if unsafe is None or bool((rule.methods or set()) & UNSAFE) == unsafe:
            yield rule


def path_of(rule: Rule, example: str, class_id: str = "none") -> str:
    """Return an address that the rule answers."""
    slug, _, name = example.partition("/")
    values = {"example_id": example, "slug": slug, "name": name, "class_id": class_id, "filename": "app.js", "form": "csv"}
    path = "".join(
        values.get(part, "progress" if part == "subject" else "none") if is_dynamic else part for is_dynamic, part in rule._trace
    )
    return path.lstrip("|")


def decided(rule: Rule) -> bool:
    name = rule.endpoint.removeprefix("lab.")
    return name in DOORS | MACHINES | LEARNERS or rule.rule == "/class" or rule.rule.startswith("/class/")


def test_who_may_use_a_route_is_decided_for_each(room: Room) -> None:
    assert [rule.endpoint for rule in rules(room.app) if not decided(rule)] == []


def test_whatever_changes_something_is_a_post(room: Room) -> None:
    assert {method for rule in rules(room.app) for method in (rule.methods or ())} <= {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("classroom", [False, True])
def test_no_post_is_taken_without_the_token_of_the_visitors_own_page(classroom: bool, room: Room) -> None:
    app = room.app if classroom else room.pages.app
    victim = room.join("Mei")[0].client if classroom else room.pages.client
    victim.get("/")
    other = Browser(app)
    stolen = other.get("/join" if classroom else "/").text.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
    for rule in rules(app, unsafe=True):
        path = path_of(rule, room.pages.example, room.classroom.id)
        for form in ({}, {"csrf_token": ""}, {"csrf_token": stolen}, {"csrf_token": "x.9999999999.y"}):
            assert victim.post(path, data=form).status_code == 403, (rule.rule, form)


def test_a_stranger_to_a_classroom_gets_through_its_doors_alone(room: Room) -> None:
    for rule in rules(room.app):
        if rule.endpoint.removeprefix("lab.") in DOORS | MACHINES:
            continue
        path = path_of(rule, room.pages.example, room.classroom.id)
        stranger = Browser(room.app)
        if "POST" in (rule.methods or ()):
            assert stranger.post(path).status_code == 401, rule.rule
        else:
            answer = stranger.get(path)
            assert answer.status_code == 303, rule.rule
            assert answer.headers["Location"].startswith("/join?"), rule.rule
            assert stranger.client.get(path, headers={"Accept": "text/event-stream"}).status_code == 401, rule.rule


def test_a_learner_gets_nothing_that_is_the_instructors(room: Room) -> None:
    browser, _ = room.join("Mei")
    found = [rule for rule in rules(room.app) if rule.rule == "/class" or rule.rule.startswith("/class/")]
    assert len(found) > 10
    for rule in found:
        path = path_of(rule, room.pages.example, room.classroom.id)
        answer = browser.post(path) if "POST" in (rule.methods or ()) else browser.get(path)
        assert answer.status_code == 403, rule.rule
        assert room.classroom.code not in answer.text, rule.rule


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "evil.example:80@localhost"},
        {"Origin": SITE},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Host": "localhost", "X-Forwarded-Host": "evil.example", "Origin": SITE},
    ],
)
def test_no_route_answers_another_name_or_site(room: Room, headers: dict[str, str]) -> None:
    for rule in rules(room.app):
        if rule.endpoint.removeprefix("lab.") in MACHINES:
            continue
        path = path_of(rule, room.pages.example, room.classroom.id)
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        answer = room.instructor.client.open(path, method=method, headers=headers)
        assert answer.status_code in (400, 421), rule.rule
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_page_forbids_frames_but_the_embedded_ones(room: Room) -> None:
    for rule in rules(room.pages.app, unsafe=False):
        if rule.endpoint in ("lab.embed_example", "lab.embed_run") or rule.endpoint.removeprefix("lab.") in MACHINES:
            continue
        answer = room.pages.client.get(path_of(rule, room.pages.example), buffered=False)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], rule.rule
        assert answer.headers["X-Frame-Options"] == "DENY", rule.rule
        answer.close()


def test_an_embed_of_a_classroom_shows_nothing_without_a_seat_and_acts_for_nobody(room: Room) -> None:
    path = f"/embed/{room.pages.example}"
    assert Browser(room.app).get(path).status_code == 303
    browser, learner = room.join("Mei")
    html = browser.get(path).text
    token = html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
    assert learner.cluster not in token
    run = f"/examples/{room.pages.example}/run"
    assert browser.client.post(run, data={"csrf_token": token, "manifest": EXAMPLE_MANIFEST}).status_code == 303
    elsewhere = room.app.test_client(use_cookies=False)
    assert elsewhere.post(run, data={"csrf_token": token, "manifest": EXAMPLE_MANIFEST}).status_code == 403


class TestOtherLearners:
    """What is Mei's, asked for by Noa."""

    def test_a_run_is_not_there(self, room: Room) -> None:
        mei, learner = room.join("Mei")
        noa, _ = room.join("Noa")
        run = room.run(mei, learner, room.pages.example, EXAMPLE_MANIFEST)
        for path in (f"/runs/{run.id}", f"/runs/{run.id}/stream", f"/runs/{run.id}/bundle.json", f"/embed/runs/{run.id}"):
            assert mei.get(path).status_code == 200, path
            assert noa.get(path).status_code == 404, path
        for action in ("delete", "continue", "command"):
            assert noa.post(f"/runs/{run.id}/{action}", mode="force", command="id").status_code == 404, action
        assert (room.pages.runs.deletions, room.pages.runs.proceeded, room.pages.runs.commands) == ([], [], [])
        compared = noa.get(f"/compare?a={run.id}&b={run.id}").text
        assert "Hello from the preStop Handler" not in compared
        assert learner.cluster not in compared

    def test_an_example_is_ones_own(self, room: Room) -> None:
        mei, learner = room.join("Mei")
        noa, _ = room.join("Noa")
        room.run(mei, learner, room.pages.example, EXAMPLE_MANIFEST)
        for action in ("delete", "continue", "command"):
            assert noa.post(f"/examples/{room.pages.example}/{action}", mode="force", command="id").status_code == 404
        assert room.pages.runs.deletions == []

    def test_a_repeat_is_not_there(self, room: Room) -> None:
        repeats = room.pages.repeats
        assert isinstance(repeats, PageRepeats)
        mei, _ = room.join("Mei")
        noa, _ = room.join("Noa")
        started = mei.post(f"/examples/{room.pages.example}/repeat", count="3", manifest=EXAMPLE_MANIFEST, mode="graceful")
        path = started.headers["Location"]
        assert mei.get(path).status_code == 200
        assert room.instructor.get(path).status_code == 200
        assert noa.get(path).status_code == 404
        assert noa.post(f"{path}/cancel").status_code in (403, 404)

    def test_files_are_ones_own(self, room: Room) -> None:
        mei, learner = room.join("Mei")
        noa, _ = room.join("Noa")
        room.pages.files.prepare(learner.cluster)
        room.pages.files.make_directory(learner.cluster, "/tmp/of-mei")
        assert "of-mei" in mei.get("/node?path=/tmp").text
        for path in ("/tmp", "/", f"/../../{learner.cluster}/node/tmp"):
            assert "of-mei" not in noa.get(f"/node?path={path}").text

    def test_progress_is_ones_own(self, room: Room) -> None:
        mei, _ = room.join("Mei")
        noa, _ = room.join("Noa")
        slug = room.pages.example.partition("/")[0]
        assert mei.post(f"/lessons/{slug}/finished").status_code == 303
        assert slug in str(mei.get("/progress.json").json["marks"])
        assert slug not in str(noa.get("/progress.json").json["marks"])

    def test_a_cookie_that_was_written_by_hand_is_nobodys(self, room: Room) -> None:
        _, learner = room.join("Mei")
        forger = Browser(room.app)
        other = Flask("lab")
        other.secret_key = "a key that is not the lab's"
        serializer = SecureCookieSessionInterface().get_signing_serializer(other)
        assert serializer is not None
        forger.client.set_cookie("lab", str(serializer.dumps({"learner": learner.id, "seat": learner.seat})))
        assert forger.get("/").status_code == 303


def test_a_code_is_not_found_by_trying(room: Room) -> None:
    guesser = Browser(room.app)
    tries = [
        guesser.post("/join", code=f"AAAA{n:02d}".replace("0", "X").replace("1", "Y"), nickname="Eve") for n in range(GUESSES + 5)
    ]
    assert [answer.status_code for answer in tries][-5:] == [429] * 5
    assert "Retry-After" in tries[-1].headers


HOSTILE_NAMES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "'; DROP TABLE learners;--"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_nickname_is_text_wherever_it_is_read(room: Room, name: str) -> None:
    browser, learner = room.join(name[:40])
    room.run(browser, learner, room.pages.example, EXAMPLE_MANIFEST)
    pages = [browser.get("/").text, browser.get("/progress").text]
    pages += [room.instructor.get(f"{room.path}{more}").text for more in ("", "/records", "/projector", "/misconceptions")]
    for html in pages:
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    assert len(room.register.roster(room.classroom.id)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/static/../lab/config.py",
        "/static/..%2f..%2fREADME.md",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..%5c..%5cREADME.md",
        "/static/app.js%00.html",
        "/recordings/../../pyproject.json",
        "/recordings/..%2f..%2f/pyproject.json",
        "/recordings/%2e%2e/%2e%2e.json",
        "/lessons/..%2f..%2fREADME",
        "/lessons/%2e%2e",
        "/embed/%2e%2e/%2e%2e",
        "/copy-out/%2e%2e/pyproject",
        "/challenges/%2e%2e/%2e%2e",
        "/runs/..%2f..%2fsecret-key",
        "/runs/file-..%2f..%2fsecret-key",
        "/runs/recorded-..%2f..%2fsecret-key",
    ],
)
def test_no_path_leads_out_of_what_is_served(pages: Pages, path: str) -> None:
    answer = pages.client.get(path)
    assert answer.status_code in (308, 400, 404)
    assert "[project]" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/../../../../etc/passwd", "/tmp/../../../etc/passwd", "//etc/passwd", "/proc/self/environ", "/tmp/\x00/etc", "~root"],
)
def test_the_panel_of_files_shows_the_nodes_alone(pages: Pages, path: str) -> None:
    pages.files.prepare(pages.cluster())
    answer = pages.client.get("/node", query_string={"path": path})
    assert answer.status_code == 200
    assert "root:x:0:0" not in answer.text
    assert "PATH=" not in answer.text


def test_a_downloads_name_is_a_name_whatever_the_example_is_called(pages: Pages) -> None:
    run, script = pages.run(example=pages.example)
    script.start()
    script.end()
    pages.runs.close(run.id)
    disposition = pages.client.get(f"/runs/{run.id}/bundle.json").headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.json"', disposition)
