"""The doors of a classroom: who gets in, where they get to, and what stays shut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from lab.classroom.passwords import hash_password
from lab.classroom.register import GUESSES, SIGN_INS
from lab.cluster.repeats import RepeatOrder
from lab.timeline.facts import RunAborted
from lab.timeline.repeat import Repeat
from lab.timeline.run import Run
from tests.store.conftest import FullDisk, full_disk
from tests.web.conftest import Pages
from tests.web.room import INSTRUCTOR, PASSWORD, Browser, Room

__all__ = ["full_disk"]  # a fixture


@pytest.fixture
def room(pages: Pages) -> Room:
    return Room(pages)


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("lab")
    return found.value if found else ""


def test_a_stranger_sees_the_door_and_nothing_else(room: Room) -> None:
    for path in ("/", "/lessons/pre-stop", "/runs/run1", "/class", "/progress", "/challenges", "/node", "/examples.json"):
        answer = Browser(room.app).get(path)
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/join?next={quote(path)}"), path


def test_scripts_and_streams_of_a_stranger_are_told_so_and_led_nowhere(room: Room) -> None:
    for headers in ({"HX-Request": "true"}, {"Accept": "text/event-stream"}, {"Accept": "application/json"}):
        assert Browser(room.app).get("/", **headers).status_code == 401, headers


def test_an_action_of_a_stranger_is_refused(room: Room) -> None:
    browser = Browser(room.app)
    assert browser.post(f"/examples/{room.pages.example}/run", manifest="").status_code == 401
    assert browser.post("/class", name="Mine").status_code == 401
    assert [kept.name for kept in room.register.classes()] == ["Hooks, Monday"]


def test_a_learner_comes_in_where_they_wanted_to_go_and_comes_back_there(room: Room) -> None:
    browser = Browser(room.app)
    door = browser.get("/lessons/pre-stop?lang=en")
    page = browser.get(f"{door.headers['Location']}&code={room.classroom.code}").text
    assert f'value="{room.classroom.code}"' in page
    answer = browser.post("/join", code=room.classroom.code, nickname="Mei", next="/lessons/pre-stop?lang=en")
    assert answer.headers["Location"] == "/lessons/pre-stop?lang=en"
    assert "Mei" in browser.get("/lessons/pre-stop").text
    assert browser.get("/join?next=/progress").headers["Location"] == "/progress"


def test_the_door_leads_nowhere_else(room: Room) -> None:
    elsewhere = ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/join", "/a\r\nb")
    for number, wanted in enumerate(elsewhere):
        answer = Browser(room.app).post("/join", code=room.classroom.code, nickname=f"Mei {number}", next=wanted)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/"), wanted


def test_a_wrong_code_keeps_what_was_typed_and_says_why(room: Room) -> None:
    answer = Browser(room.app).post("/join", code="wrong1", nickname="Mei <b>", next="/")
    assert answer.status_code == 403
    assert "No open class has that code" in answer.text
    assert 'value="Mei &lt;b&gt;"' in answer.text


def test_guessing_codes_is_slowed_down_with_a_time(room: Room) -> None:
    browser = Browser(room.app)
    for _ in range(GUESSES):
        assert browser.post("/join", code="WRNGCD", nickname="Eve").status_code == 403
    answer = browser.post("/join", code=room.classroom.code, nickname="Eve")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_guessing_a_password_is_slowed_down_too(room: Room) -> None:
    browser = Browser(room.app)
    for _ in range(SIGN_INS):
        assert browser.post("/sign-in", name=INSTRUCTOR, password="not the password").status_code == 403
    assert browser.post("/sign-in", name=INSTRUCTOR, password=PASSWORD).status_code == 429


def test_a_forwarded_address_is_believed_of_trusted_proxies_alone(room: Room) -> None:
    browser = Browser(room.app)
    for number in range(GUESSES):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        browser.client.post("/join", data={"csrf_token": token(browser), "code": "WRNGCD"}, headers=headers)
    answer = browser.post("/join", code=room.classroom.code, nickname="Eve")
    assert answer.status_code == 429, "no proxy is trusted here, so all of them came from one address"


def token(browser: Browser) -> str:
    html: str = browser.get("/join").text
    return html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]


def test_the_token_of_the_door_is_of_no_use_to_another_browser(room: Room) -> None:
    one, two = Browser(room.app), Browser(room.app)
    stolen = token(one)
    token(two)
    form = {"csrf_token": stolen, "code": room.classroom.code, "nickname": "Eve"}
    assert two.client.post("/join", data=form).status_code == 403
    assert room.register.roster(room.classroom.id) == ()


def test_a_session_that_somebody_else_planted_is_not_the_one_that_signs_in(room: Room) -> None:
    victim = Browser(room.app)
    victim.get("/join")
    planted = cookie(victim)
    victim.post("/sign-in", name=INSTRUCTOR, password=PASSWORD)
    assert cookie(victim) != planted
    thief = Browser(room.app)
    thief.client.set_cookie("lab", planted)
    assert thief.get("/class").status_code == 303
    assert victim.get("/class").status_code == 200


def test_a_learner_has_no_business_where_the_instructors_are(room: Room) -> None:
    browser, _ = room.join("Mei")
    for path in ("/class", room.path, f"{room.path}/stream", f"{room.path}/records", f"{room.path}/projector"):
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert room.classroom.code not in answer.text, path


def test_a_learner_steers_nothing(room: Room) -> None:
    browser, _ = room.join("Mei")
    _, other = room.join("Noa")
    theirs = (f"learners/{other.id}/{action}" for action in ("remove", "rename", "end-runs", "link"))
    for action in ("pause", "code", "end", "reopen", "end-runs", "warm-up", "start-all", *theirs):
        assert browser.post(f"{room.path}/{action}", example=room.pages.example).status_code == 403, action
    kept = room.register.find_class(room.classroom.id)
    assert kept == room.classroom
    assert len(room.register.roster(room.classroom.id)) == 2


def test_an_instructor_takes_a_new_code_and_the_old_one_opens_nothing(room: Room) -> None:
    mei, _ = room.join("Mei")
    answer = room.instructor.post(f"{room.path}/code")
    changed = room.register.find_class(room.classroom.id)
    assert changed is not None
    assert changed.code != room.classroom.code
    assert changed.code[:3] in room.instructor.get(answer.headers["Location"]).text
    refused = Browser(room.app).post("/join", code=room.classroom.code, nickname="Eve")
    assert "No open class has that code" in refused.text
    assert mei.get("/progress").status_code == 200
    assert Browser(room.app).post("/join", code=changed.code, nickname="Noa").status_code == 303


def test_who_has_a_seat_takes_no_second_one_in_the_same_class(room: Room) -> None:
    browser, learner = room.join("Mei")
    for name in ("Mei", "Mei 2"):
        answer = browser.post("/join", code=room.classroom.code.lower(), nickname=name, next="/progress")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/progress")
    assert room.register.roster(room.classroom.id) == (learner,)


@pytest.mark.parametrize(("language", "words"), [("en", "so nothing was changed. Try again"), ("zh", "因此没有做任何改动")])
def test_a_store_that_takes_nothing_says_so_to_who_joins_and_to_who_teaches(
    room: Room, full_disk: FullDisk, language: str, words: str
) -> None:
    browser = Browser(room.app)
    for one in (browser, room.instructor):
        one.get(f"/join?lang={language}")
    with full_disk():
        joined = browser.post("/join", code=room.classroom.code, nickname="Mei")
        paused = room.instructor.post(f"{room.path}/pause")
    for answer in (joined, paused):
        assert (answer.status_code, words in answer.text, "sqlite" in answer.text) == (503, True, False)
    assert room.register.roster(room.classroom.id) == ()
    assert browser.post("/join", code=room.classroom.code, nickname="Mei").status_code == 303


def test_the_next_class_on_the_same_laptop_gets_a_door(room: Room) -> None:
    browser, _ = room.join("Mei <i>")
    code = room.register.open_class("Tuesday").code
    page = browser.get(f"/join?code={code}&lang=en").text
    assert f'value="{code}"' in page
    assert "you are Mei &lt;i&gt; in Hooks, Monday" in page
    assert browser.get("/join").status_code == 303, "without a code there is nothing to join"
    room.register.close_class(room.classroom.id)
    assert browser.get("/join").status_code == 200
    assert browser.post("/join", code=code, nickname="Noa").status_code == 303
    assert "Noa" in browser.get("/").text


def test_whoever_was_removed_is_shown_the_door_with_the_reason_and_may_join_again(room: Room) -> None:
    browser, learner = room.join("Mei")
    room.register.remove(learner.id)
    assert browser.get("/").status_code == 303
    assert "removed you" in browser.get("/join").text
    assert browser.post("/join", code=room.classroom.code, nickname="Mei").status_code == 303
    assert browser.get("/").status_code == 200


def test_a_run_that_is_on_its_way_when_its_learner_is_removed_is_ended(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, mei = room.join("Mei")
    open_run = room.pages.runs.open

    def open_late(*args: Any, **options: Any) -> Run:
        room.register.remove(mei.id)
        return open_run(*args, **options)

    monkeypatch.setattr(room.pages.runs, "open", open_late)
    answer = browser.post(f"/examples/{room.pages.example}/run", manifest="kind: Pod")
    assert answer.status_code == 409
    assert "You are not in the class any more" in answer.text
    (run,) = room.pages.runs.runs.values()
    assert run.cluster == mei.cluster
    assert isinstance(run.ended, RunAborted)


def test_a_repeat_that_is_on_its_way_when_its_learner_is_removed_is_cancelled(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, mei = room.join("Mei")
    start = room.pages.repeats.start

    def start_late(order: RepeatOrder) -> Repeat:
        room.register.remove(mei.id)
        return start(order)

    monkeypatch.setattr(room.pages.repeats, "start", start_late)
    answer = browser.post(f"/examples/{room.pages.example}/repeat", manifest="kind: Pod", count="5")
    assert answer.status_code == 409
    assert "You are not in the class any more" in answer.text
    (repeat,) = room.pages.repeats.repeats.values()
    assert (repeat.cluster, repeat.ended) == (mei.cluster, "cancelled")


def test_a_learner_sees_no_run_but_their_own_and_an_instructor_sees_all(room: Room) -> None:
    mei, learner = room.join("Mei")
    noa, _ = room.join("Noa")
    example = room.pages.catalog.examples[0]
    run = room.run(mei, learner, example.id, example.manifest)
    for path in (f"/runs/{run.id}", f"/runs/{run.id}/stream", f"/runs/{run.id}/bundle.json"):
        assert noa.get(path).status_code == 404, path
    assert mei.get(f"/runs/{run.id}").status_code == 200
    assert room.instructor.get(f"/runs/{run.id}").status_code == 200


def test_a_new_password_signs_everybody_out_who_had_the_old_one(room: Room) -> None:
    known = room.register.instructor(INSTRUCTOR)
    assert known is not None
    room.register._store.keep_instructor(replace(known, password_hash=hash_password("another password")))
    assert room.instructor.get("/class").status_code == 303


def test_leaving_makes_a_stranger(room: Room) -> None:
    assert room.instructor.post("/leave").status_code == 303
    assert room.instructor.get("/class").status_code == 303
