"""Running, deleting and reviewing, as forms and under htmx."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

Pages = Any  # the fixture's type lives in conftest, which tests cannot import
HTMX = {"HX-Request": "true"}


def post(pages: Pages, path: str, *, htmx: bool = False, **form: str) -> Any:
    data = {"csrf_token": pages.token(), **form}
    return pages.client.post(path, data=data, headers=HTMX if htmx else {})


def manifest(pages: Pages) -> str:
    return str(pages.catalog.example(pages.example).manifest)


def test_run_without_a_script_leads_to_the_page_of_the_run(pages: Pages) -> None:
    response = post(pages, f"/examples/{pages.example}/run", manifest=manifest(pages).replace("\n", "\r\n"))
    assert response.status_code == 303
    assert response.location == "/runs/run1"
    assert pages.runs.runs["run1"].manifest == manifest(pages)


def test_run_under_htmx_answers_with_a_fragment(pages: Pages) -> None:
    response = post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=manifest(pages))
    assert response.status_code == 200
    assert "<html" not in response.text


def test_run_on_the_page_of_a_run_leads_to_the_new_one(pages: Pages) -> None:
    response = post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=manifest(pages), run_page="1")
    assert response.headers["HX-Redirect"] == "/runs/run1"


def test_run_on_a_live_run_offers_to_delete_it_and_run_again(pages: Pages) -> None:
    post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=manifest(pages))
    again = post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=manifest(pages))
    assert "Delete and run again" in again.text
    assert list(pages.runs.runs) == ["run1"]
    post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=manifest(pages), fresh="1")
    assert list(pages.runs.runs) == ["run1", "run2"]


def test_what_is_wrong_with_a_text_is_listed_with_its_lines(pages: Pages) -> None:
    text = manifest(pages).replace("  containers:", "  containerz: []\n  containers:", 1)
    response = post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=text)
    line = text.split("\n").index("  containerz: []") + 1
    assert f'data-line="{line}"' in response.text


def test_a_refusal_of_the_lab_is_an_answer(pages: Pages) -> None:
    pages.runs.refuse = "cannot open another run: 8 are live; delete one <first>"
    response = post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=manifest(pages))
    assert response.status_code == 200
    assert "8 are live; delete one &lt;first&gt;" in response.text


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"mode": "graceful"}, (None, False)),
        ({"mode": "grace-period", "seconds": "7"}, (7, False)),
        ({"mode": "grace-period", "seconds": "0"}, (0, False)),
        ({"mode": "force", "seconds": "7"}, (0, True)),
    ],
)
def test_each_item_of_the_menu_deletes_in_its_own_way(
    pages: Pages, form: dict[str, str], expected: tuple[int | None, bool]
) -> None:
    run, _ = pages.run()
    response = post(pages, f"/examples/{pages.example}/delete", htmx=True, **form)
    assert response.status_code == 200
    assert pages.runs.deletions == [(run.id, *expected)]


@pytest.mark.parametrize("seconds", ["", "-1", "3.5", "many", "99999", "٣", pytest.param("9" * 5000, id="thousands of digits")])
def test_a_grace_period_that_is_none_is_refused_with_the_remedy(pages: Pages, seconds: str) -> None:
    pages.run()
    response = post(pages, f"/examples/{pages.example}/delete", htmx=True, mode="grace-period", seconds=seconds)
    assert "whole seconds from 0 to 3600" in response.text
    assert pages.runs.deletions == []


def test_nobody_deletes_another_learners_pods(pages: Pages) -> None:
    run, _ = pages.run()
    stranger = pages.app.test_client()
    html = stranger.get("/").text
    token = html.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]
    response = stranger.post(f"/runs/{run.id}/delete", data={"csrf_token": token, "mode": "force"})
    assert response.status_code == 403
    assert pages.runs.deletions == []


def test_a_review_gives_every_remark_its_line(pages: Pages) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: UPPER\nspec:\n  containers:\n  - name: a\n    image: nginx\n"
    found = post(pages, "/review", manifest=text).json
    assert found["accepted"] == 0
    assert "metadata.name" in found["answer"]
    assert [(r["kind"], r["line"]) for r in found["remarks"]] == [("refusal", 4)]


@pytest.mark.parametrize("text", ["", "a: [", "\x00", "- 1\n- 2", "kind: Pod\n" * 3, "😀: *x"])
def test_no_text_makes_the_review_or_a_run_fail(pages: Pages, text: str) -> None:
    assert post(pages, "/review", manifest=text).status_code == 200
    assert post(pages, f"/examples/{pages.example}/run", htmx=True, manifest=text).status_code == 200
    html = unescape(pages.client.get("/runs/run1").text)
    assert "There is no such run" not in html
