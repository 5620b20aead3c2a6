"""Repeat: asked for, followed, cancelled, and its distribution in numbers and words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.timeline.repeat import Repeat
from lab.web.repeat_views import RepeatViews
from tests.web.conftest import EXAMPLE_MANIFEST, Pages, PodScript

HTMX = {"HX-Request": "true"}


def started(pages: Pages, **form: str) -> Repeat:
    given = {"count": "3", "mode": "graceful", "manifest": EXAMPLE_MANIFEST, **form}
    answer = pages.post(f"/examples/{pages.example}/repeat", **given)
    assert answer.status_code == 303, answer.text
    return list(pages.repeats.repeats.values())[-1]


def run_once(pages: Pages, repeat: Repeat, *, end: bool = True) -> Repeat:
    """Let another run of the repeat live to its end."""
    run = pages.runs.open(f"{repeat.cluster}-{len(repeat.runs)}", repeat.example, repeat.manifest)
    if end:
        script = PodScript(pages.runs.timeline(run.cluster), run.id)
        script.start()
        script.stop()
        script.end()
        pages.runs.close(run.id)
    pages.repeats.repeats[repeat.id] = repeat = replace(repeat, runs=(*repeat.runs, run.id))
    return repeat


def shown(pages: Pages, repeat: Repeat, **query: str) -> str:
    return str(pages.client.get(f"/repeats/{repeat.id}", query_string=query, headers=HTMX).text)


def test_a_repeat_is_begun_with_the_editor_s_text_and_the_chosen_delete(pages: Pages) -> None:
    started(pages, mode="grace-period", seconds="4")
    (order,) = pages.repeats.orders
    assert (order.cluster, order.example, order.manifest) == (pages.cluster(), pages.example, EXAMPLE_MANIFEST)
    assert (order.count, order.grace_period_seconds, order.force) == (3, 4, False)
    started(pages, mode="force")
    assert (pages.repeats.orders[-1].grace_period_seconds, pages.repeats.orders[-1].force) == (0, True)


@pytest.mark.parametrize("count", ["", "-1", "1e3", "999999"])
def test_a_count_that_is_none_is_left_to_be_refused(pages: Pages, count: str) -> None:
    pages.repeats.refuse = "cannot repeat 0 times: choose 1 to 30"
    answer = pages.post(f"/examples/{pages.example}/repeat", count=count, mode="graceful")
    assert answer.status_code == 409
    assert "choose 1 to 30" in answer.text


def test_nothing_is_repeated_without_an_engine(pages: Pages) -> None:
    pages.engine_problem = "cannot reach the engine"
    assert "cannot reach the engine" in pages.post(f"/examples/{pages.example}/repeat", count="3", mode="graceful").text
    assert pages.repeats.orders == []


def test_while_it_goes_on_the_page_asks_again_and_afterwards_no_more(pages: Pages) -> None:
    repeat = run_once(pages, started(pages))
    html = shown(pages, repeat)
    assert '<progress max="3" value="1"' in html
    assert f'hx-get="/repeats/{repeat.id}" hx-trigger="load delay:1s"' in html
    pages.repeats.repeats[repeat.id] = replace(repeat, ended="done")
    assert "load delay" not in shown(pages, repeat)


def test_a_run_that_is_still_live_is_not_measured(pages: Pages) -> None:
    repeat = run_once(pages, run_once(pages, started(pages)), end=False)
    html = shown(pages, repeat)
    assert "1 of 3 runs" in html
    assert html.count("<circle") == 1


def test_the_distribution_is_drawn_and_told_in_numbers(pages: Pages) -> None:
    repeat = started(pages)
    for _ in range(3):
        repeat = run_once(pages, repeat)
    html = shown(pages, repeat, interval="delete-gone")
    assert html.count("<circle") == 3
    assert 'role="img"' in html
    assert "3 runs; least " in html
    assert "It measures this engine on this host" in html
    assert '<option value="delete-gone" selected>' in html
    assert all(f'href="/runs/{run_id}"' in html for run_id in repeat.runs)


def test_an_interval_that_no_run_has_is_not_offered(pages: Pages) -> None:
    html = shown(pages, run_once(pages, started(pages)), interval="log-post-start")
    assert 'value="log-post-start"' not in html
    assert 'value="signal-exit" selected' in html


def test_a_reload_of_the_lesson_shows_the_last_repeat(pages: Pages) -> None:
    repeat = run_once(pages, started(pages))
    html = pages.client.get(f"/lessons/{pages.catalog.examples[0].lesson}").text
    assert f"/repeats/{repeat.id}" in html
    assert html.count('class="dot-plot"') == 1


def test_it_is_cancelled_by_its_learner_alone(pages: Pages) -> None:
    repeat = started(pages)
    other = replace(repeat, id="other", cluster="another")
    pages.repeats.repeats["other"] = other
    assert pages.post("/repeats/other/cancel").status_code == 403
    assert 'hx-post="/repeats/other/cancel"' not in shown(pages, other)
    assert pages.post(f"/repeats/{repeat.id}/cancel").status_code == 303
    assert "cancelled" in shown(pages, repeat)
    assert pages.post("/repeats/nothing/cancel").status_code == 404


@pytest.mark.parametrize(
    ("ended", "why", "said"),
    [("refused", "x", "accepted no Pod"), ("stopped", "The lab was <stopped>.", "The lab was &lt;stopped&gt;.")],
)
def test_why_it_ended_early_is_said(pages: Pages, ended: str, why: str, said: str) -> None:
    repeat = started(pages)
    pages.repeats.repeats[repeat.id] = replace(repeat, ended=ended, why=why)  # type: ignore[arg-type]
    assert said in shown(pages, repeat)


def test_it_has_a_page_of_its_own_in_both_languages(pages: Pages) -> None:
    repeat = run_once(pages, started(pages))
    assert "测量的是这台主机上的容器引擎" in pages.client.get(f"/repeats/{repeat.id}?lang=zh").text
    assert pages.client.get("/repeats/nothing").status_code == 404


def test_a_run_that_has_ended_is_measured_once(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    repeat = run_once(pages, started(pages))
    views = RepeatViews(pages.services)
    first = views.of(repeat)
    monkeypatch.setattr(pages.runs, "entries", None)
    assert views.of(repeat) == first


def test_a_run_of_a_repeat_is_the_learner_s_own(pages: Pages) -> None:
    repeat = run_once(pages, started(pages))
    assert "somebody else’s run" not in pages.client.get(f"/runs/{repeat.runs[0]}").text
