"""The instructor's board: where everybody is, who needs help, and what an instructor does about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lab.classroom.model import Learner
from lab.classroom.presence import LINGER_SECONDS
from lab.clock import VirtualClock
from lab.cluster.demand import Demand
from lab.lessons import Example
from lab.limits import GIBIBYTE
from lab.timeline.facts import RunAborted
from lab.timeline.run import Run
from lab.web.classroom import board_page
from lab.web.classroom.board import STUCK_SECONDS
from lab.web.presenters import card_key
from tests.web.conftest import Pages
from tests.web.room import Browser, Room


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def room(pages: Pages, clock: VirtualClock) -> Room:
    return Room(pages, clock=clock)


@pytest.fixture
def example(room: Room) -> Example:
    return room.pages.catalog.examples[0]


def text(html: str) -> str:
    """What is read of HTML."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def cells(room: Room, learner: Learner, path: str = "") -> dict[str, str]:
    """What the board says of a learner, by column."""
    html = room.instructor.get(f"{room.path}{path}", **{"Accept-Language": "en"}).text
    row = html.split(f'id="learner-{learner.id}"', 1)[1].split("</tr>", 1)[0]
    return {name: text(cell) for name, cell in re.findall(r'data-cell="(\w+)"[^>]*>(.*?)(?=<t[hd] |$)', row, re.DOTALL)}


def order(room: Room, path: str = "") -> list[str]:
    """The nicknames on the board, from the top."""
    html = room.instructor.get(f"{room.path}{path}").text
    return re.findall(r'data-cell="name">([^<]*)<', html)


def open_stream(browser: Browser, path: str) -> Any:
    """Have a page in sight; close the answer to hide it."""
    response = browser.client.get(path, buffered=False)
    next(iter(response.response))
    return response


def board_events(room: Room, path: str = "") -> Iterator[dict[str, Any]]:
    """Yield what the board's stream tells of the board."""
    response = room.instructor.client.get(f"{room.path}/stream{path}", buffered=False)
    for chunk in response.response:
        for event in chunk.decode().split("\n\n"):
            if event.startswith("event: board"):
                yield json.loads(event.partition("data: ")[2])


def test_a_class_is_opened_with_a_name_and_shows_how_to_join(room: Room) -> None:
    answer = room.instructor.post("/class", name="Signals, Friday")
    page = room.instructor.get(answer.headers["Location"]).text
    opened = room.register.classes()[0]
    assert f"{opened.code[:3]} {opened.code[3:]}" in page
    assert '<svg aria-hidden="true"' in page
    assert "style=" not in page
    assert room.instructor.post("/class", name="  ").status_code == 409


def test_the_address_to_join_is_the_public_one_where_there_is_one(pages: Pages) -> None:
    local = Room(pages)
    assert "leads nowhere on other machines" in local.instructor.get(local.path).text
    settings = replace(pages.services.settings, public_url="https://lab.school.example")
    public = Room(pages, settings=settings)
    page = public.instructor.get(public.path).text
    assert "lab.school.example/join" in page
    assert "leads nowhere" not in page


def test_a_learner_without_a_page_in_sight_is_away_and_one_who_never_came_is_not_seen(room: Room, clock: VirtualClock) -> None:
    browser, mei = room.join("Mei")
    absent = room.register.join(room.classroom.code, "Noa", "192.0.2.1")
    stream = open_stream(browser, "/lessons/pre-stop/stream")
    clock.sleep(LINGER_SECONDS + 1)
    assert cells(room, mei)["now"] == "here"
    stream.close()
    clock.sleep(120)
    assert cells(room, mei)["now"] == "away for 2 min"
    assert cells(room, absent)["now"] == "not seen"


def test_a_page_says_where_its_learner_is(room: Room, example: Example) -> None:
    browser, mei = room.join("Mei")
    run = room.run(browser, mei, example.id, example.manifest)
    steps = re.findall(r'id="step-(\d+)', browser.get(f"/runs/{run.id}").text)
    seq = steps[2]
    answer = browser.post("/here", lesson=example.lesson, part="x", card=card_key(example.id), run=run.id, seq=seq)
    assert answer.status_code == 204
    said = cells(room, mei)
    assert example.labels["en"] in said["where"]
    assert said["step"].startswith("3 ")
    browser.post("/here", lesson=example.lesson, card=card_key(example.id), run=run.id, seq="")
    assert cells(room, mei)["step"].startswith(f"{len(steps)} ")


def test_what_a_page_says_of_itself_is_never_more_than_a_place_of_the_course(room: Room, example: Example) -> None:
    browser, mei = room.join("Mei")
    other, noa = room.join("Noa")
    foreign = room.run(other, noa, example.id, example.manifest)
    browser.post("/here", lesson="<script>", part="y" * 5000, card="no--such", run=foreign.id, seq="9" * 400)
    said = cells(room, mei)
    assert (said["where"], said["step"]) == ("–", "–")
    assert browser.client.post("/here", data={"lesson": "x"}).status_code == 403, "without the token of the page"


def test_whoever_does_not_move_on_is_stuck_and_stands_first(room: Room, clock: VirtualClock) -> None:
    mei, stuck = room.join("Mei")
    ada, _ = room.join("Ada")
    streams = [open_stream(browser, "/lessons/pre-stop/stream") for browser in (mei, ada)]
    assert order(room) == ["Ada", "Mei"]
    clock.sleep(STUCK_SECONDS - 1)
    ada.post("/here", lesson="pre-stop", part="next")
    clock.sleep(61)
    assert cells(room, stuck)["now"] == "stuck for 4 min"
    assert order(room) == ["Mei", "Ada"]
    assert order(room, "?show=stuck") == ["Mei"]
    assert "Stuck: 1 – Mei (4 min)." in text(room.instructor.get(room.path).text)
    mei.post("/here", lesson="pre-stop", part="read on")
    assert cells(room, stuck)["now"] == "here"
    for stream in streams:
        stream.close()


def test_nobody_is_stuck_who_waits_or_may_do_nothing(room: Room, clock: VirtualClock, example: Example) -> None:
    browser, mei = room.join("Mei")
    run_id = browser.post(f"/examples/{example.id}/run", manifest=example.manifest).headers["Location"].rpartition("/")[2]
    stream = open_stream(browser, "/lessons/pre-stop/stream")
    clock.sleep(STUCK_SECONDS + 1)
    assert "stuck" in cells(room, mei)["now"]
    room.pages.runs.ahead = {run_id: 2}
    assert (cells(room, mei)["now"], cells(room, mei)["pods"]) == ("here", "waits, 2 before it 1")
    room.pages.runs.ahead = {}
    room.instructor.post(f"{room.path}/pause")
    assert cells(room, mei)["now"] == "here"
    room.instructor.post(f"{room.path}/pause", resume="1")
    assert "stuck" in cells(room, mei)["now"]
    stream.close()


def test_the_last_check_is_the_newest_verdict_on_a_challenge(room: Room) -> None:
    _, mei = room.join("Mei")
    one, two = [example for example in room.pages.catalog.examples if example.challenge is not None][:2]
    marks = room.pages.services.progress
    assert marks is not None
    assert cells(room, mei)["check"] == "–"
    marks.note(mei.cluster, "tried", one.id, "run1")
    assert cells(room, mei)["check"] == f"not yet {one.labels['en']}"
    marks.note(mei.cluster, "solved", one.id, "run2")
    assert cells(room, mei)["check"] == f"passed {one.labels['en']}"
    marks.note(mei.cluster, "tried", two.id, "run3")
    assert cells(room, mei)["check"] == f"not yet {two.labels['en']}"


def test_whoever_waits_stands_in_the_order_of_the_queue(room: Room, example: Example) -> None:
    for name, ahead in (("Ada", 1), ("Mei", 0), ("Zoe", 2)):
        browser, _ = room.join(name)
        answer = browser.post(f"/examples/{example.id}/run", manifest=example.manifest)
        room.pages.runs.ahead[answer.headers["Location"].rpartition("/")[2]] = ahead
    room.join("Absent")
    assert order(room) == ["Mei", "Ada", "Zoe", "Absent"]
    assert order(room, "?show=waiting") == ["Mei", "Ada", "Zoe"]


def test_the_board_stands_in_the_order_and_with_the_rows_that_were_asked_for(room: Room) -> None:
    for name in ("Zoe", "Ada", "Mei"):
        room.join(name)
    assert order(room, "?order=joined") == ["Zoe", "Ada", "Mei"]
    assert order(room, "?order=name") == ["Ada", "Mei", "Zoe"]
    assert order(room, "?show=waiting") == []
    assert order(room, "?show=nonsense&order=nonsense") == ["Ada", "Mei", "Zoe"]


def test_the_stream_sends_everything_once_and_then_what_has_changed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_page, "TICK_SECONDS", 0.01)
    browser, mei = room.join("Mei")
    _, ada = room.join("Ada")
    browser.get("/")
    events = board_events(room, "?order=name")
    first = next(events)
    assert set(first["rows"]) == {mei.id, ada.id}
    assert first["order"] == [ada.id, mei.id]
    browser.post("/here", lesson="pre-stop")
    assert next(events).keys() == {"rows"}
    room.register.rename(ada.id, "Zoe")
    changed = next(events)
    assert changed.keys() == {"rows", "order"}
    assert set(changed["rows"]) == {ada.id}
    assert changed["order"] == [mei.id, ada.id]
    room.register.remove(mei.id)
    assert next(events)["order"] == [ada.id]
    room.instructor.post(f"{room.path}/pause")
    assert "Resume" in next(events)["state"]


def test_the_stream_tells_of_the_class_too_and_ends_with_the_lab(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_page, "TICK_SECONDS", 0.01)
    response = room.instructor.client.get(f"{room.path}/stream", buffered=False)
    chunks = iter(response.response)
    assert any(b"event: class" in next(chunks) for _ in range(4))
    room.pages.runs.timeline("c-instructor").dismiss()
    assert b"stopping" in list(chunks)[-1]


@pytest.mark.parametrize(("language", "words"), [("en", "This class was deleted"), ("zh", "该班级已被删除")])
def test_an_open_board_is_told_once_that_its_class_was_deleted(
    room: Room, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(board_page, "TICK_SECONDS", 0.01)
    room.join("Mei")
    events = board_events(room, f"?lang={language}")
    next(events)
    room.register.delete_class(room.classroom.id)
    last = next(events)
    assert last.keys() == {"order", "notice"}
    assert last["order"] == []
    assert words in last["notice"]
    room.pages.runs.timeline("c-instructor").dismiss()
    assert list(events) == []


def test_a_learner_gets_another_name_unless_it_is_taken(room: Room) -> None:
    _, mei = room.join("Mei")
    room.join("Ada")
    room.instructor.post(f"{room.path}/learners/{mei.id}/rename", nickname="ada")
    assert "called ada already" in text(room.instructor.get(room.path).text)
    assert room.instructor.post(f"{room.path}/learners/{mei.id}/rename", nickname="Mei Lin").status_code == 303
    page = room.instructor.get(room.path).text
    assert "Mei is now called Mei Lin." in text(page)


def test_a_script_in_a_name_stays_a_name(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_page, "TICK_SECONDS", 0.01)
    name = "<img src=x onerror=alert(1)>{{7*7}}"
    room.join(name)
    page = room.instructor.get(room.path).text
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "49" not in cells(room, room.register.roster(room.classroom.id)[0])["name"]
    event = next(board_events(room))
    assert all("<img" not in html for html in event["rows"].values())


def test_ending_runs_ends_theirs_or_everybodys_and_nobody_elses(room: Room, example: Example) -> None:
    started = {}
    for name in ("Mei", "Ada", "Zoe"):
        browser, learner = room.join(name)
        browser.post(f"/examples/{example.id}/run", manifest=example.manifest)
        started[name] = learner
    runs = room.pages.runs
    assert "3 pods" in text(room.instructor.get(room.path).text)
    room.instructor.post(f"{room.path}/learners/{started['Mei'].id}/end-runs")
    assert [len(runs.live(learner.cluster)) for learner in started.values()] == [0, 1, 1]
    ended = runs.latest(started["Mei"].cluster, example.id)
    assert ended is not None
    assert ended.ended is not None
    assert getattr(ended.ended, "by", "") == "instructor"
    room.instructor.post(f"{room.path}/end-runs")
    assert [len(runs.live(learner.cluster)) for learner in started.values()] == [0, 0, 0]


@pytest.mark.parametrize("action", ["learners/{id}/end-runs", "end-runs"])
def test_ending_runs_ends_repeats_too(room: Room, example: Example, action: str) -> None:
    browser, mei = room.join("Mei")
    browser.post(f"/examples/{example.id}/repeat", manifest=example.manifest, count="5")
    (repeat,) = room.pages.repeats.repeats.values()
    assert (repeat.cluster, repeat.ended) == (mei.cluster, None)
    room.instructor.post(f"{room.path}/{action.format(id=mei.id)}")
    assert room.pages.repeats.repeats[repeat.id].ended == "cancelled"


def test_a_learners_run_has_its_name_and_the_instructors_controls_alone(room: Room, example: Example) -> None:
    browser, mei = room.join("Mei")
    browser.post(f"/examples/{example.id}/run", manifest=example.manifest)
    run = room.pages.runs.live(mei.cluster)[0]
    page = room.instructor.get(f"/runs/{run.id}").text
    assert f'<a href="{room.path}">Mei</a>' in page
    assert "Run a copy" in page
    for control in ("data-delete", 'name="command"', f"/runs/{run.id}/continue", f"/runs/{run.id}/delete"):
        assert control not in page, control
    assert room.instructor.post(f"/runs/{run.id}/delete", mode="force").status_code == 403
    other = room.register.open_class("Other")
    assert room.instructor.post(f"/class/{other.id}/runs/{run.id}/end").status_code == 404
    assert room.pages.runs.live(mei.cluster) == (run,)
    assert room.instructor.post(f"{room.path}/runs/{run.id}/end").headers["Location"] == f"/runs/{run.id}"
    assert room.pages.runs.live(mei.cluster) == ()
    own = browser.get(f"/runs/{run.id}").text
    assert "Run a copy" not in own
    assert "/end" not in own


def test_a_removed_learner_loses_runs_cluster_and_seat(room: Room, clock: VirtualClock, example: Example) -> None:
    browser, mei = room.join("Mei")
    browser.post(f"/examples/{example.id}/run", manifest=example.manifest)
    room.instructor.post(f"{room.path}/learners/{mei.id}/remove")
    clock.settle()
    assert room.pages.runs.discarded == [mei.cluster]
    run = room.pages.runs.latest(mei.cluster, example.id)
    assert run is not None
    assert "The instructor ended this run." in room.instructor.get(f"/runs/{run.id}").text
    assert order(room) == []
    assert browser.get("/").status_code == 303
    assert room.instructor.post(f"{room.path}/learners/{mei.id}/rename", nickname="Mei").status_code == 404


def test_another_classes_learner_is_not_steered_from_here(room: Room) -> None:
    _, mei = room.join("Mei")
    other = room.register.open_class("Other")
    assert room.instructor.post(f"/class/{other.id}/learners/{mei.id}/remove").status_code == 404
    assert room.register.roster(room.classroom.id) == (mei,)


def test_an_example_is_run_for_everybody_who_is_here_and_does_not_run_it(
    room: Room, clock: VirtualClock, example: Example
) -> None:
    learners = {}
    streams = []
    for name in ("Here", "Runs", "Away"):
        browser, learners[name] = room.join(name)
        if name != "Away":
            streams.append(open_stream(browser, f"/lessons/{example.lesson}/stream"))
        if name == "Runs":
            browser.post(f"/examples/{example.id}/run", manifest="changed: by hand")
    clock.sleep(LINGER_SECONDS + 1)
    room.instructor.post(f"{room.path}/start-all", example=example.id)
    clock.settle()
    runs = room.pages.runs
    assert [len(runs.live(learner.cluster)) for learner in learners.values()] == [1, 1, 0]
    kept = runs.latest(learners["Runs"].cluster, example.id)
    assert kept is not None
    assert kept.manifest == "changed: by hand"
    assert "started for 1; it already ran for 1." in text(room.instructor.get(room.path).text)
    for stream in streams:
        stream.close()


def test_nothing_runs_for_a_learner_who_is_removed_while_it_is_started_for_everybody(
    room: Room, clock: VirtualClock, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, mei = room.join("Mei")
    stream = open_stream(browser, f"/lessons/{example.lesson}/stream")
    open_run = room.pages.runs.open

    def open_late(*args: Any, **options: Any) -> Run:
        room.register.remove(mei.id)
        return open_run(*args, **options)

    monkeypatch.setattr(room.pages.runs, "open", open_late)
    room.instructor.post(f"{room.path}/start-all", example=example.id)
    clock.settle()
    (run,) = room.pages.runs.runs.values()
    assert (run.cluster, isinstance(run.ended, RunAborted)) == (mei.cluster, True)
    stream.close()


def test_who_could_not_be_started_is_named_with_the_reason(room: Room, clock: VirtualClock, example: Example) -> None:
    browser, _ = room.join("Mei")
    browser.get("/")
    room.pages.runs.refuse = "cannot open a run: the disk is full"
    room.instructor.post(f"{room.path}/start-all", example=example.id)
    clock.settle()
    page = room.instructor.get(room.path).text
    assert "started for 0; refused for 1 (Mei): cannot open a run: the disk is full" in text(page)
    assert 'class="notice failed"' in page


def test_nothing_is_started_in_a_class_that_has_ended(pages: Pages, clock: VirtualClock, example: Example) -> None:
    prepared: dict[str, tuple[str, ...]] = {}
    room = Room(pages, clock=clock, prepare=prepared.__setitem__)
    browser, mei = room.join("Mei")
    browser.get("/")
    room.register.close_class(room.classroom.id)
    for action in ("start-all", "warm-up"):
        assert (
            room.instructor.post(f"{room.path}/{action}", example=example.id, lesson=example.lesson, seats="2").status_code == 303
        )
        clock.settle()
        page = room.instructor.get(room.path).text
        assert "The class has ended; reopen it first." in text(page), action
        assert 'class="notice failed"' in page
    assert room.pages.runs.live(mei.cluster) == ()
    assert not prepared


def test_everybodys_seat_and_those_to_come_are_made_ready(pages: Pages, clock: VirtualClock, example: Example) -> None:
    prepared: dict[str, tuple[str, ...]] = {}
    room = Room(pages, clock=clock, prepare=prepared.__setitem__, prepared=lambda: prepared)
    _, mei = room.join("Mei")
    assert "Ready: 0 of 1 seats." in text(room.instructor.get(room.path).text)
    room.instructor.post(f"{room.path}/warm-up", lesson=example.lesson, seats="3")
    assert mei.cluster in prepared
    assert len(prepared) == 3
    assert example.manifest in prepared[mei.cluster]
    assert "Ready: 3 of 3 seats." in text(room.instructor.get(room.path).text)
    _, noa = room.join("Noa")
    assert noa.cluster in prepared, "who joins later gets a seat that is ready"
    for seats in ("", "-1", "1e9", "99999999999"):
        assert room.instructor.post(f"{room.path}/warm-up", seats=seats).status_code == 303
    assert len(prepared) == 3


def test_an_ended_class_is_listed_apart_and_is_reopened(room: Room) -> None:
    room.instructor.post(f"{room.path}/end")
    page = room.instructor.get("/class").text
    assert page.index("Ended") < page.index("Hooks, Monday")
    assert "join-code" not in room.instructor.get(room.path).text
    room.instructor.post(f"{room.path}/reopen")
    assert "join-code" in room.instructor.get(room.path).text


def test_an_action_of_a_script_is_answered_with_nothing_to_show(room: Room) -> None:
    html = room.instructor.get("/class").text
    token = html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
    answer = room.instructor.client.post(f"{room.path}/pause", headers={"X-CSRF-Token": token, "HX-Request": "true"})
    assert (answer.status_code, answer.text) == (204, "")


@pytest.mark.parametrize("path", ["", "/stream"])
def test_a_class_that_is_not_there_is_not_found(room: Room, path: str) -> None:
    assert room.instructor.get(f"/class/nowhere{path}").status_code == 404


def test_the_board_says_of_what_the_machine_is_full(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Demand(pods=200, containers=400, memory_bytes=12 * GIBIBYTE, cpu_millis=64_000, pids=4096)
    held = Demand(pods=30, containers=30, memory_bytes=int(11.5 * GIBIBYTE), cpu_millis=30_500, pids=1200)
    usage = replace(room.pages.runs.usage(), all=held, limit_of_all=limit)
    monkeypatch.setattr(room.pages.runs, "usage", lambda: usage)
    english = text(room.instructor.get(f"{room.path}?lang=en").text)
    assert "30 of 200 pods · 30 of 400 containers · 11.5 of 12.0 GiB of memory (nearly all) · 30.5 of 64 CPUs" in english
    assert "GiB 内存 11.5 / 12.0 （将满）" in text(room.instructor.get(f"{room.path}?lang=zh").text)


def test_an_instructor_who_comes_too_late_is_told_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(class_id: str, *, paused: bool) -> None:
        room.register.delete_class(class_id)  # another instructor was faster, after this one's page was found
        type(room.register).pause_class(room.register, class_id, paused=paused)

    monkeypatch.setattr(room.register, "pause_class", too_late)
    answer = room.instructor.post(f"{room.path}/pause")
    assert answer.status_code == 409
    assert "There is no such class." in answer.text
