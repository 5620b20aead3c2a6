"""Bring your own hook: paste, read what was changed, run it like any example."""

from __future__ import annotations

from html import unescape
from itertools import islice
from typing import Any

import pytest

Pages = Any  # the fixture's type lives in conftest, which tests cannot import

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway}
spec:
  template:
    spec:
      containers:
      - name: proxy
        image: kong:3.9
        lifecycle: {preStop: {exec: {command: [kong, quit, --wait=15]}}}
"""


def editor(html: str) -> str:
    """Return the text in the card's editor."""
    return unescape(html).partition('data-editor data-draft="')[2].partition(">\n")[2].partition("</textarea>")[0]


@pytest.mark.parametrize(("language", "words"), [("en", "kong:3.9 is not here"), ("zh", "这里没有 kong:3.9")])
def test_a_pasted_workload_comes_back_as_a_pod_with_all_changes(pages: Pages, language: str, words: str) -> None:
    assert 'class="example"' not in pages.client.get(f"/own?lang={language}").text
    response = pages.post(f"/own?lang={language}", source=DEPLOYMENT.replace("\n", "\r\n"))
    assert response.status_code == 200
    html = unescape(response.text)
    assert words in html
    assert "spec.template.spec.containers[0].lifecycle.preStop.exec.command" in html
    assert "kind: Pod" in editor(response.text)
    assert DEPLOYMENT in html  # what was pasted stays


@pytest.mark.parametrize(
    ("source", "words"),
    [("kind: Deployment\nmetadata: {name: {{ .Release.Name }}}", "helm template"), ("kind: Service", "There is no pod")],
)
def test_what_cannot_be_run_is_refused_with_the_remedy(pages: Pages, source: str, words: str) -> None:
    response = pages.post("/own", source=source)
    assert response.status_code == 422
    assert words in response.text
    assert 'class="example"' not in response.text


def test_a_pasted_text_is_never_markup(pages: Pages) -> None:
    text = DEPLOYMENT.replace("kong:3.9", '"<script>alert(1)</script>"')
    assert "<script>alert" not in pages.post("/own", source=text).text


def test_the_pod_is_run_and_found_again(pages: Pages) -> None:
    manifest = editor(pages.post("/own", source=DEPLOYMENT).text)
    assert pages.post("/examples/own/pod/run", manifest=manifest).status_code == 303
    run = pages.runs.latest(pages.cluster(), "own/pod")
    assert run.manifest == manifest
    html = pages.client.get("/own").text
    assert editor(html) == manifest
    assert 'data-stream="/own/stream' in html
    assert pages.client.get(f"/runs/{run.id}").status_code == 200


def test_a_run_of_ones_own_pod_is_streamed(pages: Pages) -> None:
    run, script = pages.run(example="own/pod")
    script.start()
    stream = pages.client.get("/own/stream")
    chunks = "".join(text if isinstance(text, str) else text.decode() for text in islice(stream.response, 3))
    stream.close()
    assert f'"run":"{run.id}"' in chunks.replace(" ", "")
