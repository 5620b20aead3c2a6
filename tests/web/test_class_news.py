"""What the pages of a class are told: at once, by the stream that they have anyway, and only of what is theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.classroom.announcements import NEWS_SECONDS, Announcement
from lab.clock import SystemClock, VirtualClock
from lab.insight.phrase import phrase
from lab.web.identity import Visitor
from lab.web.news import ClassNews, Happenings
from tests.web.conftest import Pages
from tests.web.room import Browser, Room

Message = dict[str, Any]


@pytest.fixture
def room(pages: Pages) -> Room:
    return Room(pages)


def events(browser: Browser, path: str, **headers: str) -> Iterator[tuple[str, Message]]:
    """Yield the events of a stream: the name, and the data of those that have some."""
    response = browser.client.get(path, headers=headers, buffered=False)
    assert response.mimetype == "text/event-stream", response.status
    buffer = ""
    for chunk in response.response:
        buffer += chunk.decode() if isinstance(chunk, bytes) else chunk
        while "\n\n" in buffer:
            block, buffer = buffer.split("\n\n", 1)
            given = dict(line.partition(": ")[::2] for line in block.split("\n"))
            if "event" in given:
                yield given["event"], json.loads(given["data"]) if given.get("data") else {}


def told(stream: Iterator[tuple[str, Message]]) -> Message:
    """Return the next thing that a page is told of its class."""
    return next(data for name, data in stream if name == "class")


def show(room: Room, run_id: str, **fields: str) -> None:
    assert room.instructor.post(f"{room.path}/spotlight", run=run_id, **fields).status_code == 303


def a_run(room: Room, nickname: str = "Mei") -> tuple[Browser, str]:
    browser, learner = room.join(nickname)
    example = room.pages.catalog.examples[0]
    return browser, room.run(browser, learner, example.id, example.manifest).id


def test_a_page_without_a_card_is_told_that_the_class_is_paused_ended_and_open_again(room: Room) -> None:
    browser, _ = room.join("Mei")
    stream = events(browser, "/stream?lang=en")
    first = told(stream)
    assert (first["standstill"], first["shown"], first["banner"].strip()) == ("", [], "")
    assert next(stream)[0] == "ready"
    room.register.pause_class(room.classroom.id, paused=True)
    paused = told(stream)
    assert "paused the class" in paused["standstill"]
    assert "paused the class" in paused["banner"]
    room.register.close_class(room.classroom.id)
    assert "has ended" in told(stream)["standstill"]
    room.register.reopen_class(room.classroom.id)
    assert told(stream)["standstill"] == ""


def test_what_happened_while_the_connection_was_away_is_told_on_the_next(room: Room) -> None:
    browser, _ = room.join("Mei")
    lesson = f"/lessons/{room.pages.example.partition('/')[0]}/stream"
    stream = events(browser, lesson)
    assert told(stream)["standstill"] == ""
    stream.close()  # type: ignore[attr-defined]  # a generator
    room.register.pause_class(room.classroom.id, paused=True)
    again = events(browser, f"{lesson}?after=0&lang=en")
    assert "paused" in told(again)["standstill"]


def test_what_a_class_does_costs_no_fact_and_no_event_id(room: Room) -> None:
    browser, learner = room.join("Mei")
    timeline = room.pages.runs.timeline(learner.cluster)
    response = browser.client.get("/stream", buffered=False)
    chunks: Iterator[Any] = iter(response.response)
    room.register.pause_class(room.classroom.id, paused=True)
    text = b"".join(next(chunks) for _ in range(3)).decode()
    assert "event: class" in text
    assert "id:" not in text
    assert timeline.appended == 0


def test_a_stream_that_waits_is_woken_at_once(room: Room) -> None:
    browser, _ = room.join("Mei")
    clock, came = SystemClock(), []
    stream = events(browser, "/stream?lang=en")
    told(stream)
    assert next(stream)[0] == "ready"
    began = clock.monotonic()
    waiting = clock.spawn("stream", lambda: came.append((told(stream), clock.monotonic() - began)))
    room.register.pause_class(room.classroom.id, paused=True)
    waiting.join(5)
    ((_, seconds),) = came
    assert seconds < 5  # the next heartbeat is ten seconds away


def test_other_classes_hear_nothing_of_it(room: Room) -> None:
    browser, _ = room.join("Mei")
    other = room.register.open_class("Another")
    news = events(browser, "/stream")
    told(news)
    room.register.pause_class(other.id, paused=True)
    room.register.pause_class(room.classroom.id, paused=True)
    assert [name for name, _ in (next(news), next(news))] == ["ready", "class"]


def test_a_learner_is_told_of_a_new_name_and_that_their_seat_is_gone_and_then_nothing_more(room: Room) -> None:
    browser, learner = room.join("Mei")
    stream = events(browser, "/stream")
    assert told(stream)["name"] == "Mei"
    room.register.rename(learner.id, "Mei <Wang>")
    assert told(stream)["name"] == "Mei <Wang>"
    room.register.remove(learner.id)
    assert [message for name, message in stream if name == "class"] == [{"gone": True}]
    assert browser.get("/stream").status_code in (303, 401)


def test_a_browser_whose_seat_another_has_is_told_so_and_then_nothing_more(room: Room) -> None:
    browser, learner = room.join("Mei")
    stream = events(browser, "/stream")
    told(stream)
    room.register.move_seat(learner.id, learner.seat)
    assert [message for name, message in stream if name == "class"] == [{"gone": True}]


def test_a_step_of_what_is_shown_is_a_few_numbers(room: Room) -> None:
    browser, run_id = a_run(room)
    stream = events(browser, "/stream?lang=en")
    told(stream)
    show(room, run_id, seq="5", view="cluster", panel="events")
    shown = told(stream)
    assert shown["shown"] == [
        {"class": room.classroom.id, "run": run_id, "brought": "", "seq": 5, "view": "cluster", "panel": "events"}
    ]
    assert "Your instructor shows" in shown["banner"]
    assert "Mei" not in shown["banner"]
    assert room.instructor.post(f"{room.path}/spotlight/place", run=run_id, seq="6", view="truth").status_code == 204
    moved = told(stream)
    assert list(moved) == ["shown"]
    assert (moved["shown"][0]["seq"], moved["shown"][0]["view"]) == (6, "truth")
    room.instructor.post(f"{room.path}/spotlight/steer", do="bring")
    assert told(stream)["shown"][0]["brought"]
    room.instructor.post(f"{room.path}/spotlight/steer", do="end")
    assert told(stream)["shown"] == []


def test_a_slow_page_is_told_the_last_place_and_not_every_one(room: Room) -> None:
    browser, run_id = a_run(room)
    show(room, run_id)
    stream = events(browser, "/stream")
    told(stream)
    for seq in range(1, 10):
        room.instructor.post(f"{room.path}/spotlight/place", run=run_id, seq=str(seq))
    assert told(stream)["shown"][0]["seq"] == 9


def test_exactly_the_shown_run_can_be_read_while_it_is_shown(room: Room) -> None:
    _, run_id = a_run(room, "Mei")
    _, another = a_run(room, "Li")
    ada, _ = room.join("Ada")
    paths = (f"/runs/{run_id}", f"/runs/{run_id}/stream", f"/runs/{run_id}/bundle.json")
    assert ada.get(paths[0]).status_code == 404
    show(room, run_id)
    assert ada.get(paths[0]).status_code == 200
    assert "data-run" in ada.get("/shown").text
    assert ada.get(f"/runs/{another}").status_code == 404
    assert ada.post(f"/runs/{run_id}/delete", mode="force").status_code == 403
    room.instructor.post(f"{room.path}/spotlight/steer", do="end")
    assert [ada.get(path).status_code for path in paths] == [404, 404, 404]
    assert "Nothing is shown" in ada.get("/shown?lang=en").text


def test_a_stream_of_the_shown_run_sends_nothing_of_it_any_more_once_it_is_not_shown(room: Room) -> None:
    mei, _ = room.join("Mei")
    answer = mei.post(f"/examples/{room.pages.example}/run", manifest="x")
    run = room.pages.runs.runs[answer.headers["Location"].rpartition("/")[2]]
    show(room, run.id)
    ada, _ = room.join("Ada")
    stream = events(ada, f"/runs/{run.id}/stream")
    assert [next(stream)[0] for _ in range(2)] == ["class", "frames"]
    room.instructor.post(f"{room.path}/spotlight/steer", do="end")
    room.pages.script(run).start()
    assert told(stream)["shown"] == []
    room.register.pause_class(room.classroom.id, paused=True)
    assert [name for name, _ in (next(stream), next(stream))] == ["class", "ready"]


def test_a_closed_class_is_shown_nothing(room: Room) -> None:
    browser, run_id = a_run(room)
    show(room, run_id)
    room.register.close_class(room.classroom.id)
    assert told(events(browser, "/stream"))["shown"] == []
    assert room.instructor.post(f"{room.path}/spotlight", run=run_id).status_code == 409


def test_nobody_but_an_instructor_shows_anything(room: Room) -> None:
    browser, run_id = a_run(room)
    for path in ("spotlight", "spotlight/place", "spotlight/steer"):
        assert browser.post(f"{room.path}/{path}", run=run_id, do="end").status_code == 403
    assert browser.get(f"{room.path}/projector").status_code == 403
    assert room.instructor.post(f"{room.path}/spotlight/place", run=run_id).status_code == 409
    assert room.instructor.post(f"{room.path}/spotlight", run="nothing").status_code == 404
    assert room.instructor.post("/class/nowhere/spotlight", run=run_id).status_code == 404


def test_a_name_is_said_only_when_it_was_asked_for(room: Room) -> None:
    browser, run_id = a_run(room, "Mei <b>")
    show(room, run_id)
    assert "Mei" not in room.instructor.get(f"{room.path}/projector").text
    show(room, run_id, named="1")
    assert "Mei &lt;b&gt;" in told(events(browser, "/stream"))["banner"]
    assert "Mei &lt;b&gt;" in room.instructor.get(f"{room.path}/projector").text


def test_the_projector_shows_how_to_join_and_then_the_run(room: Room) -> None:
    lobby = room.instructor.get(f"{room.path}/projector?lang=en").text
    assert room.classroom.code in lobby
    assert "<svg" in lobby
    stream = events(room.instructor, f"{room.path}/projector/stream")
    assert told(stream)["joined"] == 0
    _, run_id = a_run(room, "Mei")
    assert told(stream)["joined"] == 1
    room.instructor.post(f"{room.path}/code")
    classroom = room.register.find_class(room.classroom.id)
    assert classroom is not None
    assert told(stream)["code"] == classroom.code != room.classroom.code
    show(room, run_id)
    assert f'data-run="{run_id}"' in room.instructor.get(f"{room.path}/projector").text
    names = [name for name, _ in (next(events(room.instructor, f"{room.path}/projector/stream?run={run_id}")),)]
    assert names == ["class"]


def test_a_script_gets_the_place_of_the_shown_run_and_its_steps_by_the_stream_alone(room: Room) -> None:
    browser, run_id = a_run(room)
    show(room, run_id)
    assert '<li id="step-' in browser.get("/shown").text
    place = browser.client.get("/shown", headers={"Accept": "*/*"}).text
    assert f'data-run="{run_id}"' in place
    assert '<li id="step-' not in place


def test_what_chromium_says_that_it_takes_is_a_page(room: Room) -> None:
    takes = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
    browser, run_id = a_run(room)
    show(room, run_id)
    assert '<li id="step-' in browser.get("/shown", Accept=takes).text
    stranger = Browser(room.app).get("/", Accept=takes)
    assert (stranger.status_code, stranger.headers["Location"].partition("?")[0]) == (303, "/join")


def test_a_page_says_it_all_without_a_script_and_run_waits(room: Room) -> None:
    browser, run_id = a_run(room)
    show(room, run_id)
    room.register.pause_class(room.classroom.id, paused=True)
    html = browser.get(f"/lessons/{room.pages.example.partition('/')[0]}?lang=zh").text
    assert "讲师已暂停课堂" in html
    assert 'href="/shown"' in html
    assert 'data-starts disabled title="讲师已暂停课堂' in html
    refused = browser.post(f"/examples/{room.pages.example}/run", manifest="x")
    assert refused.status_code == 409


def test_an_announcement_leaves_open_pages_when_it_is_no_news_any_more(room: Room) -> None:
    with VirtualClock() as clock:
        happenings = Happenings(room.register, clock)
        happenings.announcements.make(room.classroom.id, Announcement(words=phrase("A walrus.", "海象。")))
        visitor = Visitor(role="learner", key="k", classroom=room.classroom, learner=room.join("Mei")[1])
        news = ClassNews(happenings, visitor, "en", lambda example, language: example)
        news = news.with_banner(room.app.jinja_env, "token")
        assert "walrus" in json.loads(news.tell() or "{}")["banner"]
        clock.sleep(NEWS_SECONDS - 1)
        assert news.tell() is None
        clock.sleep(1)
        assert "walrus" not in json.loads(news.tell() or "{}")["banner"]
        assert news.tell() is None


def test_an_announcement_is_said_to_its_class_as_text(room: Room) -> None:
    _, learner = room.join("Mei")
    happenings = Happenings(room.register, room.pages.runs.clock)
    visitor = Visitor(role="learner", key="", cluster=learner.cluster, learner=learner, classroom=room.classroom)
    news = ClassNews(happenings, visitor, "en", lambda example, language: example).with_banner(room.app.jinja_env, "token")
    assert json.loads(news.tell() or "")["banner"].strip() == ""
    assert news.tell() is None
    words = phrase("Your instructor started {name} for everybody.", "讲师为所有人启动了{name}。", name="<b>")
    happenings.announcements.make(room.classroom.id, Announcement(words=words, url="/lessons/post-start"))
    banner = json.loads(news.tell() or "")["banner"]
    assert "started &lt;b&gt; for everybody" in banner
    assert 'href="/lessons/post-start"' in banner


def test_an_instructor_is_told_of_what_every_open_class_is_shown(room: Room) -> None:
    _, run_id = a_run(room)
    other = room.register.open_class("Another")
    show(room, run_id)
    assert room.instructor.post(f"/class/{other.id}/spotlight", run=run_id).status_code == 303
    stream = events(room.instructor, "/stream?lang=en")
    assert {shown["class"] for shown in told(stream)["shown"]} == {room.classroom.id, other.id}


def test_a_run_in_a_repeat_of_ones_own_may_be_read(room: Room) -> None:
    browser, learner = room.join("Mei")
    run = room.pages.runs.open(f"{learner.cluster}-abc", room.pages.example, "x")
    foreign = room.pages.runs.open(f"{learner.cluster}x", room.pages.example, "x")
    assert browser.get(f"/runs/{run.id}").status_code == 200
    assert browser.get(f"/runs/{foreign.id}").status_code == 404
