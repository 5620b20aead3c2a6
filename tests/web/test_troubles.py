"""What keeps the lab from running anything is said on every page, in the page and by its stream, until it is over."""

from __future__ import annotations

import json

import pytest

from tests.web.conftest import Pages
from tests.web.room import Room

LESSON = "/lessons/pre-stop"


@pytest.mark.parametrize(("language", "words"), [("en", "The lab cannot record what happens"), ("zh", "实验室目前无法记录")])
def test_a_store_that_takes_nothing_is_said_without_its_place_and_nothing_is_started(
    pages: Pages, language: str, words: str
) -> None:
    pages.store_problem = "cannot store 3 entries (sqlite:////srv/lab.sqlite): disk is full"
    html = pages.client.get(f"{LESSON}?lang={language}").text
    assert words in html
    assert "/srv" not in html
    assert " disabled" in html
    answer = pages.post(f"/examples/{pages.example}/run", manifest="kind: Pod")
    assert answer.status_code == 409
    assert words in answer.text
    assert pages.runs.runs == {}


@pytest.mark.parametrize(("language", "words"), [("en", "Your instructor is told why"), ("zh", "讲师能看到原因")])
def test_a_learner_of_a_class_is_spared_the_engine_s_address_and_the_instructor_is_told(
    pages: Pages, language: str, words: str
) -> None:
    room = Room(pages)
    mei, _ = room.join("Mei")
    pages.engine_problem = "cannot reach a container engine at unix:///run/docker.sock; start dockerd"
    theirs = mei.get(f"{LESSON}?lang={language}").text
    assert words in theirs
    assert "docker.sock" not in theirs
    assert " disabled" in theirs
    stream = mei.client.get(f"{LESSON}/stream", buffered=False)
    told = next(text for chunk in stream.response if (text := bytes(chunk).decode()).startswith("event: trouble\n"))
    stream.close()
    assert words in json.loads(told.partition("data: ")[2])
    assert "docker.sock" not in told
    assert "start dockerd" in room.instructor.get(LESSON).text


def test_a_stream_tells_of_a_trouble_and_of_its_end(pages: Pages) -> None:
    pages.engine_problem = "cannot reach a container engine; start dockerd"
    response = pages.client.get(f"{LESSON}/stream", buffered=False)
    said = []
    for chunk in response.response:
        text = chunk.decode() if isinstance(chunk, bytes) else chunk
        if text.startswith("event: trouble\n"):
            said.append(json.loads(text.partition("data: ")[2]))
            pages.engine_problem = None
        if len(said) == 2:
            break
    response.close()
    assert "start dockerd" in said[0]
    assert said[1] == ""
