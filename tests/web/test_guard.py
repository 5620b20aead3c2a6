"""Requests that do not come from the lab's own pages, and what answers forbid."""

from __future__ import annotations

from typing import Any

import pytest

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


@pytest.mark.parametrize("path", ["/", "/examples.json", "/lessons/what-hooks-are/stream", "/static/app.js"])
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_another_host_or_origin_is_refused_on_every_route(pages: Pages, path: str, headers: dict[str, str]) -> None:
    assert pages.client.get(path, headers=headers).status_code == 421


def test_our_own_host_and_origin_pass_with_any_port(pages: Pages) -> None:
    headers = {"Host": "localhost:8080", "Origin": "http://localhost:8080"}
    assert pages.client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("token", [None, "", "guess", "ключ"])
def test_a_post_without_the_learners_token_is_refused(pages: Pages, token: str | None) -> None:
    pages.run()
    form = {"mode": "force"} | ({} if token is None else {"csrf_token": token})
    assert pages.client.post(f"/examples/{pages.example}/delete", data=form).status_code == 403
    assert pages.runs.deletions == []


def test_the_token_of_one_learner_is_of_no_use_to_another(pages: Pages) -> None:
    stolen = pages.token()
    stranger = pages.app.test_client()
    stranger.get("/")
    response = stranger.post("/review", data={"csrf_token": stolen, "manifest": ""})
    assert response.status_code == 403


def test_the_token_may_come_in_a_header(pages: Pages) -> None:
    response = pages.client.post("/review", data={"manifest": "a: 1"}, headers={"X-CSRF-Token": pages.token()})
    assert response.status_code == 200


def test_an_endless_form_is_refused(pages: Pages) -> None:
    response = pages.post("/review", manifest="x" * (600 * 1024))
    assert response.status_code == 413
    assert "64 KiB" in response.text


def test_answers_forbid_foreign_scripts_styles_and_frames(pages: Pages) -> None:
    response = pages.client.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    nonce = response.text.split('name="style-nonce" content="')[1].split('"')[0]
    assert f"'nonce-{nonce}'" in policy
    assert nonce not in pages.client.get("/").headers["Content-Security-Policy"]


def test_no_page_has_an_inline_script_style_or_handler(pages: Pages) -> None:
    run, script = pages.run()
    script.start()
    script.stop()
    for path in ("/", "/lessons/what-hooks-are", f"/runs/{run.id}", "/nothing"):
        html = pages.client.get(path).text
        assert "<style" not in html
        assert " style=" not in html
        assert "onclick" not in html
        assert "<script>" not in html


def test_the_learners_cookie_is_closed_to_scripts_and_other_sites(pages: Pages) -> None:
    cookie = pages.app.test_client().get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_forged_cookie_is_a_new_learner(pages: Pages) -> None:
    mine = pages.cluster()
    pages.client.set_cookie("lab", "eyJjbHVzdGVyIjoiYzEyMyJ9.aaaaaa.bbbbbbbb")
    assert pages.cluster() != mine
