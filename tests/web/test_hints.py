from __future__ import annotations

import pytest

from tests.web.conftest import EXAMPLE_MANIFEST, Pages

DEAF = 'command: [sh, -c, "sleep 3600; true"]'


def played(pages: Pages) -> str:
    run, script = pages.run()
    script.start()
    script.stop()
    script.end()
    pages.runs.close(run.id)
    return f"/runs/{run.id}"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "SIGTERM</code> was dropped"), ("zh", "被丢弃：PID 1")], ids=["English", "Chinese"]
)
def test_a_run_explains_itself_with_the_line_and_the_step(pages: Pages, language: str, words: str) -> None:
    html = pages.client.get(f"{played(pages)}?lang={language}").text
    hints = html.split('<div class="hints"', 1)[1].split("</ul>", 1)[0]
    assert words.replace("SIGTERM</code>", "SIGTERM") in hints
    line = EXAMPLE_MANIFEST.splitlines().index(f"    {DEAF}") + 1
    assert f'data-line="{line}"' in hints
    step = hints.split('data-go-seq="', 1)[1].split('"', 1)[0]
    assert f'id="step-{step}"' in html


def test_a_card_without_a_run_has_no_hints(pages: Pages) -> None:
    lesson = pages.catalog.examples[0].lesson
    assert '<div class="hints"' not in pages.client.get(f"/lessons/{lesson}").text


@pytest.mark.parametrize(("language", "words"), [("en", "has no trap for SIGTERM"), ("zh", "没有捕获 SIGTERM")])
def test_the_editor_is_told_what_the_lint_finds_in_its_own_language(pages: Pages, language: str, words: str) -> None:
    pages.client.get(f"/?lang={language}")
    found = pages.post("/review", manifest=EXAMPLE_MANIFEST).json
    assert (found["accepted"], found["answer"]) == (1, "")
    (remark,) = found["remarks"]
    assert words in remark["message"]
    assert remark["kind"] == "lint"
    assert EXAMPLE_MANIFEST.splitlines()[remark["line"] - 1].strip() == DEAF


def test_what_a_learner_wrote_stays_text_in_a_hint(pages: Pages) -> None:
    run, script = pages.run(EXAMPLE_MANIFEST.replace("sleep 3600; true", "echo up; '<b>app</b>'"))
    script.start()
    html = pages.client.get(f"/runs/{run.id}").text
    hints = html.split('<div class="hints"', 1)[1].split("</ul>", 1)[0]
    assert "&lt;b&gt;app&lt;/b&gt;" in hints
    assert "<b>" not in hints


def test_a_challenge_gives_nothing_away_unasked(pages: Pages) -> None:
    challenge = next(example for example in pages.catalog.examples if example.challenge)
    html = pages.client.get(f"/challenges/{challenge.id}").text
    assert "data-no-lint" in html
    folded = html.split('<details class="folded-hints">', 1)[1].split("</details>", 1)[0]
    assert 'data-part="hints"' in folded
    lesson = next(example for example in pages.catalog.examples if not example.challenge).lesson
    assert "data-no-lint" not in pages.client.get(f"/lessons/{lesson}").text
