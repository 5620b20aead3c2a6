from __future__ import annotations

import re
from typing import Any

import pytest

from lab.insight.predictions import Prediction, shuffled
from lab.lessons import Example
from tests.web.conftest import Pages, PodScript

EXAMPLE = "pre-stop/pre-stop-blocks"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def example(pages: Pages) -> Example:
    found = pages.catalog.example(EXAMPLE)
    assert found is not None
    return found


def keys(example: Example) -> list[str]:
    """Return the form's keys of an order that a run may prove right."""
    return [*(c.key for c in example.cards.happening), "line", *(c.key for c in example.cards.never)]


def submit(pages: Pages, cards: list[str], *, htmx: bool = True, **form: str) -> Any:
    data = {"csrf_token": pages.token(), "card": cards, **form}
    return pages.client.post(f"/examples/{EXAMPLE}/prediction", data=data, headers=HTMX if htmx else {})


def lesson(pages: Pages, language: str = "en") -> str:
    html: str = pages.client.get(f"/lessons/pre-stop?lang={language}").text
    return html.split(f'id="predict-{EXAMPLE.replace("/", "--")}"', 1)[1].split('<section class="card lifelines', 1)[0]


def order_in(html: str) -> list[str]:
    return re.findall(r'name="card" value="(\w+)"', html)


def run_it(pages: Pages, example: Example) -> str:
    """Press Run, and let the lab do what `PodScript` does."""
    run_id = pages.post(f"/examples/{EXAMPLE}/run", manifest=example.manifest).headers["Location"].rpartition("/")[2]
    script = PodScript(pages.runs.timeline(pages.cluster()), run_id)
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run_id)
    return str(run_id)


@pytest.mark.parametrize(("language", "words"), [("en", "The preStop hook begins"), ("zh", "preStop 钩子开始")])
def test_the_cards_are_offered_in_both_languages_and_not_in_order(
    pages: Pages, example: Example, language: str, words: str
) -> None:
    html = lesson(pages, language)
    assert words in html
    assert order_in(html) == [*(card.key for card in shuffled(example.cards.every)), "line"]


def test_a_card_without_cards_has_no_place_for_a_prediction(pages: Pages) -> None:
    assert "predict-place" not in pages.client.get("/lessons/handlers").text
    assert pages.client.get("/examples/handlers/sleep-handler/prediction").status_code == 404


def test_a_prediction_is_kept_over_a_visit_until_the_run(pages: Pages, example: Example) -> None:
    answer = submit(pages, keys(example), keep="1")
    assert "Now press Run" in answer.text
    html = lesson(pages)
    assert "Now press Run" in html
    assert html.index("kubectl shows Terminating") < html.index("The preStop hook begins") < html.index("SIGKILL is sent")


def test_the_order_stands_beside_what_happened_with_the_reasons(pages: Pages, example: Example) -> None:
    wrong = keys(example)
    wrong.remove(wrong[3])
    wrong.insert(0, keys(example)[3])  # SIGTERM first
    submit(pages, wrong, keep="1")
    run_id = run_it(pages, example)
    html = lesson(pages)
    rows = html.split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    assert 'class="misplaced"' in rows
    assert "The stop signal waits for preStop: SIGTERM was sent" in rows
    assert 'class="happened"' in rows, "SIGKILL was said not to come, and came"
    assert "You said" in html
    step = rows.split('data-go-seq="', 1)[1].split('"', 1)[0]
    assert f'id="step-{step}"' in pages.client.get(f"/runs/{run_id}").text


def test_a_runs_own_page_shows_its_prediction_and_a_later_run_has_none(pages: Pages, example: Example) -> None:
    submit(pages, keys(example), keep="1")
    first, second = run_it(pages, example), run_it(pages, example)
    assert 'class="outcomes"' in pages.client.get(f"/runs/{first}").text
    assert 'class="outcomes"' not in pages.client.get(f"/runs/{second}").text


def test_a_prediction_made_while_a_run_lives_waits_for_the_next(pages: Pages, example: Example) -> None:
    pages.post(f"/examples/{EXAMPLE}/run", manifest=example.manifest)
    submit(pages, keys(example), keep="1")
    pages.post(f"/examples/{EXAMPLE}/run", manifest=example.manifest)  # applied to the live run
    assert pages.predictions.waiting(pages.cluster(), EXAMPLE) is not None


def test_a_kept_prediction_can_be_changed(pages: Pages, example: Example) -> None:
    submit(pages, keys(example), keep="1")
    answer = pages.client.post(
        f"/examples/{EXAMPLE}/prediction", data={"csrf_token": pages.token(), "withdraw": "1"}, headers=HTMX
    )
    assert order_in(answer.text) == keys(example)
    assert pages.predictions.waiting(pages.cluster(), EXAMPLE) is None


def test_without_scripts_a_move_leads_back_to_the_lesson_with_the_new_order(pages: Pages, example: Example) -> None:
    order = keys(example)
    response = submit(pages, order, htmx=False, move=f"{order[1]}:up")
    assert response.status_code == 303
    html = pages.client.get(response.headers["Location"]).text
    assert order_in(html)[:3] == [order[1], order[0], order[2]]
    assert '<details class="predict" open>' in html


def test_a_comparison_can_be_put_away_for_another_prediction(pages: Pages, example: Example) -> None:
    submit(pages, keys(example), keep="1")
    run_it(pages, example)
    response = pages.client.get(f"/examples/{EXAMPLE}/prediction?again=1", headers=HTMX)
    assert '<details class="predict" open>' in response.text
    unscripted = pages.client.get(f"/examples/{EXAMPLE}/prediction?again=1")
    assert '<details class="predict" open>' in pages.client.get(unscripted.headers["Location"]).text


@pytest.mark.parametrize("cards", [[], ["line"], ["x", "line"]])
def test_an_order_of_other_cards_is_refused(pages: Pages, cards: list[str]) -> None:
    assert submit(pages, cards, keep="1").status_code == 400


def test_cards_that_have_changed_since_do_not_break_the_page(pages: Pages) -> None:
    pages.predictions.keep(pages.cluster(), EXAMPLE, Prediction(order=("gone",), never=()))
    assert "This is my prediction" in lesson(pages)
