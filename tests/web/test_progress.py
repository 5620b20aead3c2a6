"""Progress: what is marked as it happens, who sees it, and that a challenge is solved only by the facts of a run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lab.errors import ProgressError
from lab.insight.predictions import Prediction
from lab.lessons import Catalog, Example
from lab.lessons.progress_file import read_progress
from lab.web import create_blueprint

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


SMALL = {
    "lesson.en.md": "---\ntitle: Small\nsummary: One challenge.\nminutes: 1\n---\nSolve it.\n\n{{ example: puzzle }}\n",
    "lesson.zh.md": "---\ntitle: 小课\nsummary: 一个挑战。\nminutes: 1\n---\n解决它。\n\n{{ example: puzzle }}\n",
    "examples/puzzle/pod.yaml": "broken: 1\n",
    "examples/puzzle/solution.yaml": "mended: 1\n",
    "examples/puzzle/example.yaml": "label: {en: P, zh: 题}\nlook_for: {en: L, zh: 看}\nsymptom: {en: S, zh: 症状}\n",
    "examples/puzzle/check.yaml": "require:\n- name: hook\n  that: {order: [app preStop finished 0, app SIGTERM sent]}\n"
    "  pass: {en: Good., zh: 好。}\n  fail: {en: Bad., zh: 不好。}\n",
}


@pytest.fixture
def small(pages: Pages, tmp_path: Path) -> Iterator[Pages]:
    """Pages of a course with one challenge, which wants the hook before the signal."""
    for name, text in SMALL.items():
        file = tmp_path / "content" / "01-small" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    found = type(pages)(Catalog.load(tmp_path / "content"), tmp_path / "small" / "nodes")
    yield found
    found.database.close()


@pytest.fixture
def app_without_progress(pages: Pages) -> FlaskClient:
    app = Flask("lab", static_folder=None)
    app.register_blueprint(create_blueprint(replace(pages.services, progress=None)))
    return app.test_client()


def solve(small: Pages) -> str:
    """Let happen in the challenge's newest run what its check wants, and return the run's id."""
    run = small.runs.latest(small.cluster(), "small/puzzle")
    script = small.script(run)
    script.start()
    script.stop()
    script.end()
    small.runs.close(run.id)
    return str(run.id)


def plain(pages: Pages) -> Example:
    """Return an example that is no challenge."""
    found: Example = next(example for example in pages.catalog.examples if example.challenge is None)
    return found


def challenge(pages: Pages) -> Example:
    """Return a challenge."""
    found: Example = next(example for example in pages.catalog.examples if example.challenge is not None)
    return found


def marks(pages: Pages) -> dict[tuple[str, str], str]:
    """Return the marks in the learner's file."""
    value = pages.client.get("/progress.json").get_json()
    return {(mark["kind"], mark["item"]): mark["value"] for mark in value["marks"]}


def press_run(pages: Pages, example: Example, manifest: str | None = None) -> None:
    assert pages.post(f"/examples/{example.id}/run", manifest=manifest or example.manifest).status_code == 303


def close(pages: Pages, example: Example) -> None:
    """Close the newest run of an example; nothing happened in it."""
    pages.runs.close(pages.runs.latest(pages.cluster(), example.id).id)


def test_opening_a_lesson_and_running_an_example_leave_marks(pages: Pages) -> None:
    example = plain(pages)
    assert marks(pages) == {}
    pages.client.get(f"/lessons/{example.lesson}")
    press_run(pages, example)
    assert set(marks(pages)) == {("opened", example.lesson), ("ran", example.id)}


def test_a_run_that_was_refused_leaves_no_mark(pages: Pages) -> None:
    pages.runs.refuse = "cannot run now"
    pages.post(f"/examples/{plain(pages).id}/run", manifest="x")
    assert marks(pages) == {}


def test_the_index_leads_back_to_the_newest_example(pages: Pages) -> None:
    example = plain(pages)
    assert "Go on where you were" not in pages.client.get("/").text
    press_run(pages, example)
    html = unescape(pages.client.get("/").text)
    assert "Go on where you were" in html
    assert f'<a href="/lessons/{example.lesson}#{example.id.replace("/", "--")}">' in html


def test_a_lesson_is_finished_when_each_of_its_examples_was_run(pages: Pages) -> None:
    lesson = next(x for x in pages.catalog.lessons if any(e.challenge is None for e in x.examples))
    examples = [example for example in lesson.examples if example.challenge is None]
    for example in examples:
        assert "Finished" not in pages.client.get(f"/lessons/{lesson.slug}").text.replace("Mark as finished", "")
        press_run(pages, example)
    html = pages.client.get(f"/lessons/{lesson.slug}").text
    assert '<span class="chip live">Finished</span>' in html
    assert f"{len(examples)} of {len(examples)} examples run" in html


def test_a_learner_may_say_that_a_lesson_is_finished_and_take_it_back(pages: Pages) -> None:
    slug = plain(pages).lesson
    assert pages.post(f"/lessons/{slug}/finished", finished="yes").status_code == 303
    assert "Not finished after all" in pages.client.get(f"/lessons/{slug}").text
    pages.post(f"/lessons/{slug}/finished", finished="no")
    assert "Mark as finished" in pages.client.get(f"/lessons/{slug}").text


def test_a_run_that_does_not_pass_its_check_solves_nothing(pages: Pages) -> None:
    example = challenge(pages)
    press_run(pages, example)
    close(pages, example)
    found = marks(pages)
    assert ("ran", example.id) in found
    assert ("solved", example.id) not in found
    assert "Not solved yet" in pages.client.get(f"/challenges/{example.id}").text


def test_a_challenge_is_solved_by_the_facts_of_its_run_though_no_page_is_open(small: Pages) -> None:
    press_run(small, small.catalog.examples[0])
    run_id = solve(small)
    assert marks(small)["solved", "small/puzzle"] == run_id
    assert '<span class="chip live">Solved</span>' in small.client.get("/challenges/small/puzzle").text
    assert '<span class="chip live">Finished</span>' in small.client.get("/lessons/small").text


def test_while_the_run_goes_on_nothing_is_solved(small: Pages) -> None:
    press_run(small, small.catalog.examples[0])
    run = small.runs.latest(small.cluster(), "small/puzzle")
    small.script(run).start()
    small.script(run).stop()
    assert ("solved", "small/puzzle") not in marks(small)


def test_a_solving_run_counts_though_another_took_its_place_before_anybody_looked(small: Pages) -> None:
    press_run(small, small.catalog.examples[0])
    run_id = solve(small)
    press_run(small, small.catalog.examples[0])
    close(small, small.catalog.examples[0])
    assert marks(small)["solved", "small/puzzle"] == run_id


def test_a_solved_challenge_stays_solved_when_it_is_skipped_later(small: Pages) -> None:
    press_run(small, small.catalog.examples[0])
    solve(small)
    small.post("/challenges/small/puzzle/skip")
    assert '<span class="chip live">Solved</span>' in small.client.get("/challenges/small/puzzle").text


def test_skipping_shows_the_solution_in_the_editor_and_is_not_solving(pages: Pages) -> None:
    example = challenge(pages)
    assert example.challenge is not None
    page = f"/challenges/{example.id}"
    editor = unescape(pages.client.get(page).text).partition("<textarea")[2].partition("</textarea>")[0]
    assert example.manifest in editor
    response = pages.post(f"{page}/skip")
    assert (response.status_code, response.headers["Location"].partition("#")[0]) == (303, page)
    html = unescape(pages.client.get(page).text)
    assert example.challenge.solution in html.partition("<textarea")[2].partition("</textarea>")[0]
    assert '<span class="chip wait">Skipped</span>' in html
    assert ("solved", example.id) not in marks(pages)


def test_after_a_run_of_a_skipped_challenge_the_editor_has_what_was_run(pages: Pages) -> None:
    example = challenge(pages)
    pages.post(f"/challenges/{example.id}/skip")
    press_run(pages, example, "mine: 1\n")
    html = unescape(pages.client.get(f"/challenges/{example.id}").text)
    assert "mine: 1\n" in html.partition("<textarea")[2].partition("</textarea>")[0]


def test_an_answer_to_a_statement_is_remembered_and_shown(pages: Pages) -> None:
    lesson = next((x for x in pages.catalog.lessons if x.judgements("en")), None)
    assert lesson is not None
    item = lesson.judgements("en")[0]
    assert pages.post("/progress/judged", id=item.id, answer="false").status_code == 204
    assert marks(pages) == {("judged", item.id): "false"}
    section = pages.client.get(f"/lessons/{lesson.slug}").text.partition(f'data-judgement="{item.id}"')[2]
    assert 'data-judge="false" aria-pressed="true"' in section.partition("</section>")[0]
    assert pages.post("/progress/judged", id="no/such", answer="true").status_code == 404
    assert pages.post("/progress/judged", id=item.id, answer="perhaps").status_code == 404


def test_progress_goes_to_another_browser_as_a_file(pages: Pages) -> None:
    example = plain(pages)
    press_run(pages, example)
    file = pages.client.get("/progress.json")
    assert "progress.json" in file.headers["Content-Disposition"]
    other = pages.app.test_client()
    token = other.get("/").text.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
    data = {"csrf_token": token, "progress": (io.BytesIO(file.data), "progress.json")}
    assert other.post("/progress/import", data=data).status_code == 303
    assert [mark["item"] for mark in other.get("/progress.json").get_json()["marks"]] == [example.id]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("not json", "not JSON"),
        ("[]", "format"),
        ('{"format": "pod-hook-lab/progress", "version": 2, "marks": []}', "version"),
        ('{"format": "pod-hook-lab/progress", "version": 1, "marks": {}}', "marks is not a list"),
        ('{"format": "pod-hook-lab/progress", "version": 1, "marks": [3]}', "marks[0] is not a mapping"),
        (json.dumps({"kind": "rich", "item": "a"}), "kind"),
        (json.dumps({"kind": "tried", "item": "a"}), "kind"),
        (json.dumps({"kind": "ran", "item": "a" * 201}), "item"),
        (json.dumps({"kind": "ran", "item": "a", "at": "0001-01-01T00:00:00+23:00"}), "at is not a time"),
        (json.dumps({"kind": "ran", "item": "a", "at": "9999-12-31T23:59:59-23:00"}), "at is not a time"),
        (json.dumps({"kind": "ran", "item": "a", "value": 3}), "value"),
        (json.dumps({"kind": "ran", "item": "a", "at": "yesterday"}), "at is not a time"),
        (json.dumps({"kind": "ran", "item": "a", "at": "2026-01-01T00:00:00"}), "no time zone"),
    ],
)
def test_a_file_that_is_no_progress_is_refused_with_the_place(text: str, wrong: str) -> None:
    if text.startswith('{"kind"'):
        text = f'{{"format": "pod-hook-lab/progress", "version": 1, "marks": [{text}]}}'
    with pytest.raises(ProgressError) as refused:
        read_progress(text.encode())
    assert wrong in str(refused.value)


def test_a_refused_file_is_said_on_the_page_and_changes_nothing(pages: Pages) -> None:
    response = pages.client.post(
        "/progress/import", data={"csrf_token": pages.token(), "progress": (io.BytesIO(b"nonsense"), "progress.json")}
    )
    assert response.status_code == 422
    assert "not JSON" in response.text
    assert marks(pages) == {}


def test_a_reset_wants_to_be_confirmed(pages: Pages) -> None:
    press_run(pages, plain(pages))
    response = pages.post("/progress/reset")
    assert response.status_code == 422
    assert "tick the box first" in response.text
    assert marks(pages) != {}
    assert pages.post("/progress/reset", sure="yes").status_code == 303
    assert marks(pages) == {}


def test_a_prediction_counts_once_its_run_has_begun(pages: Pages) -> None:
    example = next(example for example in pages.catalog.examples if example.cards.every)
    prediction = Prediction(order=tuple(card.key for card in example.cards.happening), never=())
    pages.predictions.keep(pages.cluster(), example.id, prediction)
    assert ("predicted", example.id) not in marks(pages)
    press_run(pages, example)
    assert ("predicted", example.id) in marks(pages)
    row = pages.client.get("/progress").text.partition(f'href="/lessons/{example.lesson}"')[2].partition("</tr>")[0]
    assert "<td>1 / " in row.rpartition("<td>")[1] + row.rpartition("<td>")[2]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_progress_page_lists_every_lesson(pages: Pages, language: str) -> None:
    html = unescape(pages.client.get(f"/progress?lang={language}").text)
    for lesson in pages.catalog.lessons:
        assert f'<a href="/lessons/{lesson.slug}">{lesson.titles[language]}</a>' in html


def test_pages_of_a_lab_that_keeps_no_progress_show_none(pages: Pages, app_without_progress: Any) -> None:
    client = app_without_progress
    for path in ("/", f"/lessons/{plain(pages).lesson}", "/challenges", f"/challenges/{challenge(pages).id}"):
        response = client.get(path)
        assert response.status_code == 200
        assert "examples run" not in response.text
    assert client.get("/progress.json").status_code == 503
