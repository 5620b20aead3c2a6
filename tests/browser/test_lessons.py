"""What a lesson's text does in a browser: change a field in the editor, let a reader judge, load again while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.authoring.skeletons import new_lesson
from tests.browser.conftest import EXPECT_MILLISECONDS
from tests.browser.serving import serving

pytestmark = pytest.mark.browser

WORDS = {
    "en": {"set": "set the grace period to 2", "true": "True", "false": "False", "wrong": "It is the other way round."},
    "zh": {"set": "把宽限期设为 2", "true": "对", "false": "错", "wrong": "正好相反。"},
}
every_language = pytest.mark.parametrize("language", WORDS)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("course")
    new_lesson(root, "draining")
    return root


@pytest.fixture(scope="module")
def address(course: Path, tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("lab"), "--content", str(course), "--dev") as address:
        yield address


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(EXPECT_MILLISECONDS)
    yield context.new_page()
    context.close()


@every_language
def test_a_sentence_changes_one_field_and_keeps_what_the_learner_wrote(reader: Page, language: str) -> None:
    reader.goto(f"/lessons/draining?lang={language}")
    editor = reader.locator(".cm-content")
    editor.click()
    reader.keyboard.press("Control+Home")
    reader.keyboard.type("# mine\n")
    reader.get_by_role("link", name=WORDS[language]["set"]).click()
    expect(reader.locator(".cm-put")).to_have_text("  terminationGracePeriodSeconds: 2")
    text = reader.locator("textarea[name=manifest]").input_value()
    assert text.startswith("# mine\napiVersion: v1\n")
    assert "terminationGracePeriodSeconds: 2\n" in text
    expect(editor).to_be_focused()
    reader.keyboard.press("Control+z")
    expect(reader.locator("textarea[name=manifest]")).to_have_value(text.replace("Seconds: 2", "Seconds: 8"))


@every_language
def test_a_reader_judges_a_statement_and_is_told(reader: Page, language: str) -> None:
    reader.goto(f"/lessons/draining?lang={language}")
    words = WORDS[language]
    statement = reader.locator("[data-judgement='draining/hook-first']")
    expect(statement.locator(".answer")).to_be_hidden()
    statement.get_by_role("button", name=words["false"], exact=True).click()
    expect(statement.get_by_text(words["wrong"])).to_be_visible()
    expect(statement.locator(".answer")).to_be_visible()
    statement.get_by_role("button", name=words["true"], exact=True).click()
    expect(statement.get_by_text(words["wrong"])).to_be_hidden()
    expect(statement.get_by_role("button", name=words["true"], exact=True)).to_have_attribute("aria-pressed", "true")


@every_language
def test_without_scripts_a_sentence_says_what_to_type_and_the_answer_unfolds(
    browser: Browser, address: str, language: str
) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/lessons/draining?lang={language}")
    expect(page.locator(".typed")).to_have_text(" (terminationGracePeriodSeconds: 2)")
    expect(page.locator(".typed")).to_be_visible()
    statement = page.locator("[data-judgement='draining/hook-first']")
    expect(statement.locator(".choices")).to_be_hidden()
    statement.locator("summary").click()
    expect(statement.locator(".answer")).to_be_visible()
    context.close()


def test_an_open_page_shows_what_its_author_saves(reader: Page, course: Path) -> None:
    reader.goto("/lessons/draining?lang=en")
    expect(reader.get_by_role("heading", name="Draining", exact=True)).to_be_visible()
    file = course / "01-draining/lesson.en.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("title: Draining", "title: Time to drain"), encoding="utf-8")
    expect(reader.get_by_role("heading", name="Time to drain", exact=True)).to_be_visible()
    file.write_text(text, encoding="utf-8")
    expect(reader.get_by_role("heading", name="Draining", exact=True)).to_be_visible()
