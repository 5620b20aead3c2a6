"""While an author writes, pages show what is in the files now, and open ones are told when to load again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lab.authoring.skeletons import new_lesson
from lab.lessons import Catalog
from lab.web import create_blueprint
from tests.web.conftest import Pages


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    new_lesson(tmp_path / "content", "draining")
    return tmp_path / "content/01-draining/lesson.en.md"


@pytest.fixture
def client(lesson: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    pages = Pages(Catalog.load(lesson.parents[1]), tmp_path / "nodes")
    app = Flask("lab", static_folder=None)
    app.register_blueprint(
        create_blueprint(replace(pages.services, settings=replace(pages.services.settings, live_content=True)))
    )
    yield app.test_client()
    pages.database.close()


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def stamp_of(page: str) -> str:
    found = re.search(r'data-content-stamp="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def test_an_edited_lesson_is_shown_as_it_is_now(client: FlaskClient, lesson: Path) -> None:
    assert "<h1>Draining</h1>" in client.get("/lessons/draining?lang=en").text
    edit(lesson, "title: Draining", "title: Draining a Pod")
    assert "<h1>Draining a Pod</h1>" in client.get("/lessons/draining?lang=en").text


def test_a_mistake_is_shown_with_its_file_and_line_until_it_is_mended(client: FlaskClient, lesson: Path) -> None:
    edit(lesson, "{{ example: first }}", "{{ example: frist }}")
    answer = client.get("/lessons/draining?lang=zh")
    assert answer.status_code == 500
    assert "01-draining/lesson.en.md:13: cannot find the example frist; add the folder examples/frist" in answer.text
    edit(lesson, "{{ example: frist }}", "{{ example: first }}")
    assert client.get("/lessons/draining").status_code == 200


def test_an_open_page_is_told_when_a_file_has_changed(client: FlaskClient, lesson: Path) -> None:
    events = client.get(f"/content-stream?since={stamp_of(client.get('/').text)}").response
    first = next(iter(events))
    assert first == b": \n\n"
    edit(lesson, "title: Draining", "title: Draining a Pod")
    assert b"event: changed\ndata: \n\n" in list(events)[-2:]


def test_a_page_is_told_of_what_changed_before_it_asked(client: FlaskClient, lesson: Path) -> None:
    page = client.get("/").text
    edit(lesson, "title: Draining", "title: Draining a Pod")
    assert list(client.get(f"/content-stream?since={stamp_of(page)}").response) == [b"event: changed\ndata: \n\n"]


def test_a_page_that_shows_a_mistake_is_told_when_it_is_mended(client: FlaskClient, lesson: Path) -> None:
    edit(lesson, "{{ example: first }}", "{{ example: frist }}")
    page = client.get("/lessons/draining").text
    edit(lesson, "{{ example: frist }}", "{{ example: first }}")
    assert list(client.get(f"/content-stream?since={stamp_of(page)}").response) == [b"event: changed\ndata: \n\n"]


def test_a_lab_that_does_not_reload_has_no_such_stream(pages: Pages) -> None:
    assert pages.client.get("/content-stream").status_code == 404
