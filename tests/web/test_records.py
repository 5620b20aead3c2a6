"""A class's records: its files and its deletion, through the pages."""

from __future__ import annotations

import csv
import io

import pytest

from tests.web.conftest import Pages
from tests.web.room import Room

EXAMPLE = "pre-stop/pre-stop-blocks"


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
def room(pages: Pages, forgotten: list[str]) -> Room:
    return Room(pages, forget=forgotten.append)


def test_files_of_a_class_have_what_its_learners_did_and_are_named_after_it(room: Room) -> None:
    browser, learner = room.join("Ada")
    example = room.pages.catalog.example(EXAMPLE)
    assert example is not None
    run = room.run(browser, learner, EXAMPLE, example.manifest)
    answer = room.instructor.get(f"{room.path}/export/runs.csv")
    assert answer.content_type.startswith("text/csv")
    assert f"Hooks,-Monday-{room.classroom.opened_at:%Y-%m-%d}-runs.csv" in answer.headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline=""))
    assert (row["learner"], row["run_id"], row["exit_codes"]) == ("Ada", run.id, "demo/app=137")
    assert row["link"] == f"http://localhost/runs/{run.id}"
    assert room.instructor.get(row["link"].removeprefix("http://localhost")).status_code == 200
    progress = room.instructor.get(f"{room.path}/export/progress.json").json
    assert next(row for row in progress["rows"] if row["id"] == "pre-stop")["ran"] == 1


@pytest.mark.parametrize("path", ["records", "export/runs.csv", "export/progress.json", "misconceptions"])
def test_records_are_the_instructors(room: Room, path: str) -> None:
    browser, _ = room.join("Ada")
    assert browser.get(f"{room.path}/{path}").status_code == 403


def test_there_is_no_other_file(room: Room) -> None:
    assert room.instructor.get(f"{room.path}/export/learners.csv").status_code == 404
    assert room.instructor.get("/class/nothing/export/runs.csv").status_code == 404


def test_a_class_is_deleted_when_it_has_ended_and_somebody_is_sure(room: Room, forgotten: list[str]) -> None:
    browser, learner = room.join("Ada")
    assert "End the class first" in room.instructor.post(f"{room.path}/delete", sure="yes").text
    room.register.close_class(room.classroom.id)
    assert room.instructor.post(f"{room.path}/delete").status_code == 422
    assert room.register.everybody(room.classroom.id)
    gone = room.pages.runs.clock.condition()
    room.register.listen(lambda class_id: notify(gone))
    assert room.instructor.post(f"{room.path}/delete", sure="yes").status_code == 303
    with gone:
        assert gone.wait_for(lambda: room.register.find_class(room.classroom.id) is None, timeout=10)
    assert forgotten == [learner.cluster]
    assert room.instructor.get(f"{room.path}/records").headers["Location"] == "/class"
    assert browser.get("/").status_code == 303


def notify(condition: object) -> None:
    with condition:  # type: ignore[attr-defined]
        condition.notify_all()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("language", "words"), [("en", "What this class leaves"), ("zh", "这个班级留下的内容")])
def test_the_page_is_in_both_languages_and_names_the_commands(room: Room, language: str, words: str) -> None:
    html = room.instructor.get(f"{room.path}/records?lang={language}").text
    assert words in html
    assert f"lab classroom export {room.classroom.id} DIR" in html
