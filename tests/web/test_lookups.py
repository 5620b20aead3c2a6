"""The glossary, the reference cards, field changes, and what a lesson shows of statements and recordings; lessons read anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.authoring.skeletons import new_lesson
from lab.lessons import Catalog
from tests.web.conftest import EXAMPLE_MANIFEST, Pages

GLOSSARY = """grace-period:
  en: {term: grace period, text: Time for `preStop`.}
  zh: {term: 宽限期, text: 留给 `preStop` 的时间。}
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = tmp_path / "content"
    root.mkdir()
    new_lesson(root, "draining")
    (root / "glossary.yaml").write_text(GLOSSARY, encoding="utf-8")
    text = (root / "01-draining/lesson.en.md").read_text(encoding="utf-8")
    for language in ("en", "zh"):
        file = root / f"01-draining/lesson.{language}.md"
        file.write_text(file.read_text(encoding="utf-8") + "\n{{ output: first logs app }}\n", encoding="utf-8")
    assert "grace period" in text
    return root


@pytest.fixture
def written(course: Path, tmp_path: Path) -> Iterator[Pages]:
    pages = Pages(Catalog.load(course), tmp_path / "nodes")
    yield pages
    pages.database.close()


def test_a_term_is_linked_in_a_lesson_and_explained_in_the_readers_language(written: Pages) -> None:
    assert 'class="term" href="/glossary#grace-period"' in written.client.get("/lessons/draining?lang=zh").text
    page = written.client.get("/glossary?lang=zh").text
    assert '<dt id="grace-period">宽限期</dt>' in page
    assert "留给 <code>preStop</code> 的时间。" in page


def test_the_reference_card_of_a_lesson_stands_in_it_and_on_the_page_of_all(written: Pages) -> None:
    for address in ("/lessons/draining", "/reference"):
        assert "The order is: hook, stop signal, SIGKILL." in written.client.get(f"{address}?lang=en").text


def test_a_statement_can_be_judged_and_looked_up_without_scripts(written: Pages) -> None:
    page = written.client.get("/lessons/draining?lang=zh").text
    statement = page[page.index('data-judgement="draining/hook-first"') :]
    assert statement.index('data-answer="true"') < statement.index("<summary>答案</summary>")
    assert '<a href="/lessons/draining#draining--first">先钩子，后信号</a>' in statement


def test_an_output_without_a_recording_says_so(written: Pages) -> None:
    assert "There is no recording of this example as it stands now:" in written.client.get("/lessons/draining?lang=en").text


def test_a_field_action_names_its_card_and_says_what_to_type(written: Pages) -> None:
    page = written.client.get("/lessons/draining?lang=en").text
    assert 'data-set-card="draining--first" data-set-path="spec.terminationGracePeriodSeconds" data-set-value="2"' in page
    assert '<span class="typed"> (<code>terminationGracePeriodSeconds: 2</code>)</span>' in page


def test_a_field_is_changed_in_the_text_that_was_sent(written: Pages) -> None:
    form = {
        "manifest": EXAMPLE_MANIFEST,
        "path": "spec.terminationGracePeriodSeconds",
        "value": "9",
        "csrf_token": written.token(),
    }
    answer = written.client.post("/set-field", data=form).json
    assert answer == {"text": EXAMPLE_MANIFEST.replace("Seconds: 6", "Seconds: 9"), "line": 6}


def test_a_field_that_cannot_be_changed_is_said_with_what_to_type(written: Pages) -> None:
    form = {"manifest": "a: [", "path": "spec.restartPolicy", "value": "Never"}
    answer = written.client.post("/set-field?lang=zh", data=form | {"csrf_token": written.token()}).json
    assert answer == {"problem": "编辑器里现在的文本无法自动作此修改，请自己输入：restartPolicy: Never"}
