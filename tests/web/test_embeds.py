"""Pages in frames of other sites: where they may stand, and how their learner is known without a cookie."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from lab.web.guard import EMBEDDED_SECONDS

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

SITE = "https://docs.example.org"


def embedded(pages: Pages, **query: str) -> Any:
    return pages.app.test_client(use_cookies=False).get(f"/embed/{pages.example}", query_string=query)


def token_of(html: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', html)
    assert found
    return found[1]


def test_an_embedded_example_may_stand_in_frames_of_the_sites_named_and_nowhere_else(pages: Pages) -> None:
    response = embedded(pages)
    assert response.status_code == 200
    assert f"frame-ancestors {SITE}" in response.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in response.headers


@pytest.mark.parametrize("path", ["/", "/open", "/healthz", "/nothing", "/embed/nothing/nothing"])
def test_every_other_page_stands_in_no_frame(pages: Pages, path: str) -> None:
    response = pages.client.get(path)
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_embedded_example_has_its_card_and_a_way_to_the_lesson_but_no_site_around_it(pages: Pages, language: str) -> None:
    html = embedded(pages, lang=language).text
    assert "data-card" in html
    assert 'class="site"' not in html
    assert f'href="/lessons/{pages.example.partition("/")[0]}#' in html


def test_an_embedded_page_sets_no_cookie_and_knows_its_learner_by_its_token(pages: Pages) -> None:
    response = embedded(pages)
    assert "Set-Cookie" not in response.headers
    token = token_of(response.text)
    client = pages.app.test_client(use_cookies=False)
    form = {"csrf_token": token, "manifest": "kind: Pod"}
    assert client.post(f"/examples/{pages.example}/run", data=form).status_code == 303
    (run,) = pages.runs.runs.values()
    assert run.cluster == token.partition(".")[0]
    assert client.post(f"/runs/{run.id}/delete", data={"csrf_token": token, "mode": "force"}).status_code == 303


def test_the_stream_of_an_embedded_page_follows_the_learner_of_its_address(pages: Pages) -> None:
    html = embedded(pages).text
    token = token_of(html)
    stream = re.search(r'data-stream="([^"]+)"', html)
    assert stream
    run = pages.runs.open(token.partition(".")[0], pages.example, "kind: Pod")
    client = pages.app.test_client(use_cookies=False)
    response = client.get(stream[1].replace("&amp;", "&"), buffered=False)
    chunks = iter(response.response)
    text = "".join(_text(next(chunks)) for _ in range(2))
    assert run.id in text


def _text(chunk: bytes | str) -> str:
    return chunk.decode() if isinstance(chunk, bytes) else chunk


def test_two_frames_without_cookies_are_two_learners(pages: Pages) -> None:
    assert token_of(embedded(pages).text) != token_of(embedded(pages).text)


def test_a_learner_who_has_a_cookie_is_the_same_in_a_frame(pages: Pages) -> None:
    cluster = pages.cluster()
    assert token_of(pages.client.get(f"/embed/{pages.example}").text).startswith(f"{cluster}.")


@pytest.mark.parametrize("forge", ["c0123.0000", ".", "c0123.", "x"])
def test_a_token_that_the_lab_has_not_made_is_refused(pages: Pages, forge: str) -> None:
    assert pages.client.post(f"/examples/{pages.example}/run", data={"csrf_token": forge}).status_code == 403


def test_the_token_of_a_page_is_no_token_of_a_frame(pages: Pages) -> None:
    client = pages.app.test_client(use_cookies=False)
    forged = f"{pages.cluster()}.{pages.token()}"
    assert client.post(f"/examples/{pages.example}/run", data={"csrf_token": forged}).status_code == 403


def test_a_script_of_an_embedded_page_reads_as_its_learner(pages: Pages) -> None:
    token = token_of(embedded(pages).text)
    pages.files.prepare(token.partition(".")[0])
    client = pages.app.test_client(use_cookies=False)
    response = client.get("/node?path=/", headers={"X-CSRF-Token": token})
    assert "/node?path=/tmp" in response.text
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/progress/reset", "/progress/import", "/open", "/own", "/lessons/pre-stop/finished"])
def test_the_token_of_a_frame_is_of_no_use_to_what_no_frame_does(pages: Pages, path: str) -> None:
    token = token_of(embedded(pages).text)
    client = pages.app.test_client(use_cookies=False)
    assert client.post(path, data={"csrf_token": token, "sure": "yes"}).status_code == 403
    assert token_of(client.get("/progress", headers={"X-CSRF-Token": token}).text) != token


def test_the_token_of_a_frame_ends_after_half_a_day(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    html = embedded(pages).text
    stream = re.search(r'data-stream="([^"]+)"', html)
    assert stream
    later = pages.runs.clock.now() + timedelta(seconds=EMBEDDED_SECONDS + 60)
    monkeypatch.setattr(pages.runs.clock, "now", lambda: later)
    client = pages.app.test_client(use_cookies=False)
    assert client.post(f"/examples/{pages.example}/run", data={"csrf_token": token_of(html)}).status_code == 403
    assert client.get(stream[1].replace("&amp;", "&")).status_code == 403
    cluster, _, proof = token_of(html).split(".")
    for until in (str(int(later.timestamp()) + 60), "", "never", "1.0"):
        forged = {"csrf_token": f"{cluster}.{until}.{proof}"}
        assert client.post(f"/examples/{pages.example}/run", data=forged).status_code == 403


def test_an_address_names_no_learner_but_for_a_stream(pages: Pages) -> None:
    token = token_of(embedded(pages).text)
    client = pages.app.test_client(use_cookies=False)
    assert token_of(client.get(f"/?visit={token}").text) != token


def test_a_run_can_be_embedded_to_be_read(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run.id)
    response = pages.app.test_client(use_cookies=False).get(f"/embed/runs/{run.id}")
    assert f"frame-ancestors {SITE}" in response.headers["Content-Security-Policy"]
    assert "Hello from the preStop Handler" in response.text
    other = token_of(response.text)
    answer = pages.app.test_client(use_cookies=False).post(f"/runs/{run.id}/delete", data={"csrf_token": other, "mode": "force"})
    assert answer.status_code == 403
