"""Lint and hints are advice: a rule at fault is logged, and the page is there all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.insight.hints import Hints
from lab.web import diagnosis

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


def broken(*_: object) -> Iterator[Any]:
    raise ZeroDivisionError("a rule at fault")
    yield


def test_a_lint_rule_at_fault_costs_its_notes_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(diagnosis, "lint_review", lambda *_: next(broken()))
    found = diagnosis.diagnose("kind: Pod")
    assert found.answer
    assert found.lint == ()
    assert "a rule at fault" in caplog.text


def test_a_hint_at_fault_keeps_nobody_from_the_run(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lab.web.story.new_hints", lambda: Hints((broken,)))
    run, script = pages.run()
    script.start()
    answer = pages.client.get(f"/runs/{run.id}")
    assert answer.status_code == 200
    assert "Container started" in answer.text
    assert "a rule at fault" in caplog.text


def test_what_has_no_effect_is_said_in_the_learners_language_beside_the_text_and_below_it(pages: Pages) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
    manifest = f"{pod}  hostNetwork: true\n  containers: [{{name: a, image: busybox}}]\n"
    said = {"en": "pods of the lab never share the host", "zh": "实验室的 Pod 从不共享主机的网络"}
    token = pages.token()
    for language, words in said.items():
        form = {"csrf_token": token, "manifest": manifest}
        (remark,) = pages.client.post(f"/review?lang={language}", data=form).json["remarks"]
        assert (remark["line"], words in remark["message"]) == (5, True)
        run = f"/examples/{pages.example}/run?lang={language}"
        assert words in pages.client.post(run, data=form, headers={"HX-Request": "true"}).text
