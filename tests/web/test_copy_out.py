"""The way to a real cluster: a fragment beside the card, or a page without scripts, in both languages."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

Pages = Any  # the fixture's type lives in conftest, which tests cannot import


@pytest.mark.parametrize(("language", "words"), [("en", "What will differ"), ("zh", "会有哪些不同")])
def test_every_example_has_its_commands_in_both_languages(pages: Pages, language: str, words: str) -> None:
    for example in pages.catalog.examples:
        html = unescape(pages.client.get(f"/copy-out/{example.id}?lang={language}").text)
        assert example.manifest in html
        assert f"kubectl {example.submit} -f pod.yaml" in html
        assert words in html
        if not example.refused:
            assert " ".join(("kubectl delete pod", "")).strip() in html
            assert " ".join(example.delete.kubectl_arguments) in html


def test_the_learners_own_text_is_what_is_copied(pages: Pages) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: mine}\nspec: {containers: [{name: a, image: busybox}]}\n"
    whole = pages.post("/copy-out", manifest=text, example=pages.example)
    assert "<html" in whole.text
    assert "kubectl describe pod mine" in whole.text
    form = {"csrf_token": pages.token(), "manifest": text, "example": "no/such"}
    part = pages.client.post("/copy-out", data=form, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "kubectl delete pod mine" in part.text


def test_a_learners_text_is_never_markup(pages: Pages) -> None:
    assert "<script>x" not in pages.post("/copy-out", manifest="kind: <script>x</script>").text
