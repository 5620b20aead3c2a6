"""Recordings on the pages: shown until the learner has run something, and never where they would give the answer away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.lessons import Example
from lab.lessons.recordings import read_recording

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


@pytest.fixture
def example(pages: Pages) -> Example:
    found: Example = pages.catalog.example("pre-stop/failing-pre-stop")
    assert read_recording(pages.catalog.root, found) is not None
    return found


def test_a_card_that_was_never_run_offers_its_recording_clearly_labelled(pages: Pages, example: Example) -> None:
    html = pages.client.get(f"/lessons/{example.lesson}").text
    assert f'data-recording="/recordings/{example.id}.json?lang=en"' in html
    assert "<strong>A recording.</strong>" in html


def test_a_run_of_the_learners_own_takes_its_place(pages: Pages, example: Example) -> None:
    run, _ = pages.run(example=example.id)
    html = pages.client.get(f"/lessons/{example.lesson}").text
    assert f"/recordings/{example.id}.json" not in html
    assert f"/runs/{run.id}" in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_recording_comes_as_one_message_of_frames(pages: Pages, example: Example, language: str) -> None:
    message = json.loads(pages.client.get(f"/recordings/{example.id}.json?lang={language}").text)
    assert (message["card"], message["reset"], message["live"]) == (example.id.replace("/", "--"), True, False)
    assert any("FailedPreStopHook" in json.dumps(frame) for frame in message["frames"])


def test_a_recording_has_a_page_and_can_be_downloaded(pages: Pages, example: Example) -> None:
    page = f"/runs/recorded-{example.id.replace('/', '--')}"
    assert "FailedPreStopHook" in pages.client.get(page).text
    assert json.loads(pages.client.get(f"{page}/bundle.json").text)["run"]["example"] == example.id


def test_nothing_is_given_away_where_something_is_to_be_found_out_by_running(pages: Pages) -> None:
    puzzles = [example for example in pages.catalog.examples if example.cards.every or example.challenge]
    assert puzzles
    for slug in {example.lesson for example in puzzles}:
        html = pages.client.get(f"/lessons/{slug}").text
        assert not any(f"/recordings/{example.id}.json" in html for example in puzzles)


def test_an_example_without_a_recording_has_none(pages: Pages) -> None:
    assert pages.client.get("/recordings/pre-stop/no-such.json").status_code == 404
    assert pages.client.get("/runs/recorded-pre-stop--no-such").status_code == 404
