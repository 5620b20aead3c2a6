"""Reading without scripts, by keyboard, on a phone, in Chinese, and without an engine."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

PAGES = ["/", "/lessons/what-hooks-are", "/lessons/post-start", "/lessons/handlers", "/nothing"]


def test_without_scripts_a_manifest_runs_and_its_page_tells_everything(browser: Browser, lab_address: str) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=lab_address, locale="en-US")
    page = context.new_page()
    page.goto("/lessons/post-start")
    card = page.locator("#post-start--post-start-message")
    expect(card.get_by_role("textbox", name="post-start-message")).to_have_value(re.compile("hook-demo1"))
    card.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs/\w+$"))
    expect(page.locator("[data-card]")).to_contain_text("Running")  # the page refreshes itself
    expect(page.get_by_text("Hello from the postStart handler").first).to_be_visible()
    for heading in ("Files", "Events", "Describe", "Hook output", "Signals", "Logs"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.get_by_text("Force", exact=True).click()
    expect(page.locator("ol.steps")).to_contain_text("The run is closed.")
    context.close()


def test_without_an_engine_lessons_are_readable_and_run_says_why_not(browser: Browser, lab_without_engine: str) -> None:
    context = browser.new_context(base_url=lab_without_engine, locale="en-US")
    page = context.new_page()
    page.goto("/lessons/post-start")
    expect(page.get_by_role("heading", level=1)).to_have_text("PostStart")
    expect(page.get_by_role("complementary", name="The lab")).to_contain_text("Nothing can be run right now.")
    expect(page.get_by_role("button", name="Run", exact=True).first).to_be_disabled()
    context.close()


@pytest.mark.parametrize("width", [360, 390, 768])
def test_no_page_scrolls_sideways_on_a_small_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for language in ("en", "zh"):
        for path in PAGES:
            page.goto(f"{path}?lang={language}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_delete_menu_and_the_tabs_follow_the_arrow_keys(page: Page) -> None:
    page.goto("/lessons/post-start")
    card = page.locator("#post-start--post-start-message")
    card.get_by_role("button", name="Run", exact=True).click()
    button = card.get_by_role("button", name="Delete", exact=True)
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("ArrowDown")
    expect(card.get_by_role("menuitem", name="Graceful")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(card.get_by_role("menuitem", name="Force")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    card.get_by_role("tab", name="Files").focus()
    page.keyboard.press("ArrowLeft")
    expect(card.get_by_role("tab", name="Logs")).to_be_focused()
    expect(card.get_by_role("tabpanel", name="Logs")).to_be_visible()
    page.keyboard.press("Home")
    expect(card.get_by_role("tabpanel", name="Files")).to_be_visible()
    button.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(card.locator("ol.steps")).to_contain_text("The run is closed.")


def test_the_tab_key_leaves_the_editor(page: Page) -> None:
    page.goto("/lessons/post-start")
    editor = page.get_by_role("textbox", name="post-start-message")
    editor.click()
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()


def test_the_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_control_has_a_name_and_every_id_is_its_own(page: Page, language: str) -> None:
    for path in PAGES:
        page.goto(f"{path}?lang={language}")
        nameless = page.locator("button, a, input:not([type=hidden]), textarea, [role=tab], [role=menuitem]").evaluate_all(
            """elements => elements.filter(element => !(element.getAttribute('aria-label') || element.textContent.trim()
                 || element.labels?.length)).map(element => element.outerHTML)"""
        )
        assert nameless == []
        ids = page.locator("[id]").evaluate_all("elements => elements.map(element => element.id)")
        assert len(ids) == len(set(ids))
        pointers = page.locator("[aria-controls], [aria-labelledby]").evaluate_all(
            """elements => ['aria-controls', 'aria-labelledby']
                 .flatMap(name => elements.flatMap(e => e.getAttribute(name)?.split(' ') ?? []))
                 .filter(id => !document.getElementById(id))"""
        )
        assert pointers == []
        assert page.locator("h1").count() == 1


def test_a_change_of_language_keeps_page_card_and_tab(page: Page) -> None:
    page.goto("/lessons/post-start")
    last = page.locator("[data-card]").last
    last.get_by_role("button", name="Run", exact=True).click()
    last.get_by_role("tab", name="Signals").click()
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(last.get_by_role("tab", name="信号")).to_have_attribute("aria-selected", "true")
    expect(last).to_be_in_viewport()
    for name in ("运行", "重置"):
        expect(last.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(last.get_by_role("tab")).to_have_text(["文件", "钩子输出", "信号", "事件", "详情", "YAML", "日志"])


def test_light_or_dark_is_remembered(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/lessons/post-start")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_key_steps_are_read_aloud(page: Page) -> None:
    page.goto("/lessons/post-start")
    card = page.locator("#post-start--post-start-message")
    card.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#announcer")).to_contain_text("New file /usr/share/message")
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("menuitem", name="Force").click()
    expect(page.locator("#announcer")).to_contain_text("The run is closed.")
