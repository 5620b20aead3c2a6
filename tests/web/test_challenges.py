from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from lab.lessons import Example
from lab.lessons.example import Challenge

Pages = Any  # the fixture's type lives in conftest, which tests cannot import
NO_CHALLENGE = "post-start/race"


@pytest.fixture
def challenges(pages: Pages) -> list[tuple[Example, Challenge]]:
    return [(example, example.challenge) for example in pages.catalog.examples if example.challenge is not None]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_challenge_is_listed_and_has_a_page_with_its_symptom(
    pages: Pages, challenges: list[tuple[Example, Challenge]], language: str
) -> None:
    listed = unescape(pages.client.get(f"/challenges?lang={language}").text)
    assert len(challenges) >= 10
    for example, challenge in challenges:
        assert f'href="/challenges/{example.id}"' in listed
        html = unescape(pages.client.get(f"/challenges/{example.id}?lang={language}").text)
        assert challenge.symptom[language] in html
        assert challenge.solution in html
        assert example.manifest in html
        assert 'class="check' not in html  # nothing was run


def test_an_example_without_a_check_is_no_challenge(pages: Pages) -> None:
    assert pages.client.get(f"/challenges/{NO_CHALLENGE}").status_code == 404
    assert pages.client.get("/challenges/incidents/no-such").status_code == 404


def test_a_check_says_while_the_pod_runs_what_does_not_hold_yet(pages: Pages) -> None:
    run, script = pages.run(example="where-failures-show/no-shell")
    script.start()
    html = unescape(pages.client.get(f"/runs/{run.id}").text)
    assert html.count('<li class="open">') == 3
    assert "/data/shop must hold" in html
    assert "Solved." not in html


def test_a_run_that_is_over_and_did_not_show_it_has_not_solved_the_challenge(pages: Pages) -> None:
    run, script = pages.run(example="graceful-deletion/cut-short")
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run.id)
    html = unescape(pages.client.get(f"/runs/{run.id}").text)
    assert '<li class="failed">' in html
    assert "Not all five requests were finished before the end." in html
    assert "Solved." not in html


def test_a_run_of_an_example_that_is_no_challenge_has_no_check(pages: Pages) -> None:
    run, script = pages.run(example=NO_CHALLENGE)
    script.start()
    assert 'class="check' not in pages.client.get(f"/runs/{run.id}").text
