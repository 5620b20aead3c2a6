"""Lint while one types, hints after a run, predictions put in order by hand or by key, and two runs side by side."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.stories import HOOK_HANGS, SIGTERM_IGNORED, Stories, delete, start

pytestmark = pytest.mark.browser


def names(card: Locator) -> list[str]:
    """Return the cards of a prediction in their order."""
    found: list[str] = card.locator("[data-cards] > li").evaluate_all("items => items.map((item) => item.dataset.name)")
    return found


def opened(page: Page, language: str = "en") -> Locator:
    """Open the prediction of the hook that hangs."""
    page.goto(f"/lessons/pre-stop?lang={language}")
    card = page.locator(HOOK_HANGS.card)
    card.locator(".predict summary").click()
    return card


def test_the_margin_warns_of_a_long_hook_and_falls_silent_when_it_is_mended(page: Page) -> None:
    page.goto(f"/lessons/{HOOK_HANGS.lesson}")
    card = page.locator(HOOK_HANGS.card)
    marker = card.locator(".cm-lint-marker-warning")
    expect(marker).to_have_count(1)
    editor = card.get_by_role("textbox", name=HOOK_HANGS.example)
    editor.click()
    page.keyboard.press("Control+Shift+M")  # the list of what the margin marks
    expect(card.locator(".cm-panel-lint")).to_contain_text("The hook needs 3600 s and the grace period is 4 s")
    page.keyboard.press("Escape")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: app\n    image: busybox\n"
        "    command: [sh, -c, \"trap 'exit 0' TERM; sleep 3600 & wait\"]\n"
    )
    expect(marker).to_have_count(0)


def test_a_hint_leads_to_its_line_and_to_the_step_that_proves_it(page: Page, stories: Stories) -> None:
    page.goto(stories.path(SIGTERM_IGNORED))
    hints = page.get_by_role("group", name="Hints")
    expect(hints).to_contain_text("SIGTERM was dropped")
    hints.get_by_role("button", name="line 10").click()
    expect(page.locator(".cm-activeLine").first).to_contain_text("sleep 3600; echo never")
    hints.get_by_role("link", name="the step that proves it").first.click()
    expect(page.locator("ol.steps [aria-current]")).to_contain_text("dropped by the kernel")


def test_hints_come_with_the_steps_that_prove_them(page: Page, stories: Stories) -> None:
    page.goto(stories.path(SIGTERM_IGNORED))
    hints = page.get_by_role("group", name="Hints")
    expect(hints).to_contain_text("SIGTERM was dropped")
    page.get_by_role("button", name="First step").click()
    expect(hints).not_to_contain_text("SIGTERM was dropped")
    expect(hints).to_contain_text("said by the manifest alone")


def test_cards_are_put_in_order_by_key_and_the_new_place_is_read_aloud(page: Page) -> None:
    card = opened(page)
    before = names(card)
    up = card.get_by_role("button", name=f"Up: {before[1]}", exact=True)
    up.focus()
    page.keyboard.press("Enter")
    assert names(card) == [before[1], before[0], *before[2:]]
    expect(page.locator("#announcer")).to_have_text(f"{before[1]}: place 1 of 7")
    expect(up).to_be_focused()
    page.keyboard.press("Enter")
    assert names(card)[0] == before[1]


def test_a_card_is_dragged_below_the_line(page: Page) -> None:
    card = opened(page)
    first = names(card)[0]
    grip = card.locator("[data-grip]").first
    grip.scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 250)")
    begin, end = grip.bounding_box(), card.locator("[data-cards] > li").last.bounding_box()
    assert begin is not None
    assert end is not None
    page.mouse.move(begin["x"] + 5, begin["y"] + 8)
    page.mouse.down()
    page.mouse.move(begin["x"] + 5, end["y"] + end["height"] - 1, steps=12)
    page.mouse.up()
    assert names(card)[-2:] == ["the line", first]
    expect(page.locator("#announcer")).to_have_text(f"{first}: will not happen")


@pytest.mark.parametrize(
    ("language", "kept", "compared", "reason"),
    [
        ("en", "Now press Run", "right", "grace period"),
        ("zh", "现在按“运行”", "对了", "宽限期"),
    ],
)
def test_a_prediction_stands_beside_what_happened(page: Page, language: str, kept: str, compared: str, reason: str) -> None:
    card = opened(page, language)
    card.locator("button[name=keep]").click()
    expect(card.locator(".predict")).to_contain_text(kept)
    if language == "zh":
        card.get_by_role("button", name="运行", exact=True).click()
        expect(card.locator("[data-delete]")).to_be_enabled()
        expect(card.locator("[data-part=status]")).to_contain_text("Running")
        card.locator("[data-delete]").click()
        card.get_by_role("menuitem").first.click()
    else:
        start(card)
        delete(card, HOOK_HANGS.deletion)
    outcomes = card.locator("table.outcomes")
    expect(card.locator(".predict summary")).to_contain_text(compared, timeout=60_000)
    expect(outcomes.locator("tbody tr:not(.reason)")).to_have_count(7)
    expect(outcomes.locator(".reason").first).to_be_visible()
    assert reason in " ".join(outcomes.locator(".reason").all_inner_texts())
    outcomes.locator("a[data-go-seq]").first.click()
    expect(card.locator("ol.steps [aria-current]")).to_be_in_viewport()


def test_without_scripts_cards_move_by_forms(browser: Browser, lab_address: str) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=lab_address, locale="en-US")
    page = context.new_page()
    card = opened(page)
    before = names(card)
    card.get_by_role("button", name=f"Up: {before[2]}", exact=True).click()
    assert names(page.locator(HOOK_HANGS.card))[:3] == [before[0], before[2], before[1]]
    page.locator(HOOK_HANGS.card).get_by_role("button", name="This is my prediction").click()
    expect(page.locator(HOOK_HANGS.card)).to_contain_text("Now press Run")
    context.close()


def test_two_runs_are_compared_step_by_step_and_on_one_axis(page: Page, stories: Stories) -> None:
    first, second = (stories.path(story).rpartition("/")[2] for story in (HOOK_HANGS, SIGTERM_IGNORED))
    page.goto(stories.path(HOOK_HANGS))
    page.get_by_role("link", name="Compare…").click()
    expect(page).to_have_url(re.compile(f"/compare\\?a={first}"))
    page.goto(f"/compare?a={first}&b={second}")
    differences = page.locator("table.differences")
    expect(differences).to_contain_text("preStop")
    expect(differences).to_contain_text("used the grace period up")
    expect(page.locator("table.compared-steps tr.alone").first).to_be_visible()
    deletions = page.locator("[data-compared] svg line.deletion")
    expect(deletions).to_have_count(2)
    expect(deletions.first).to_have_attribute("x1", str(deletions.last.get_attribute("x1")))
    page.get_by_role("radio", name="Run", exact=True).check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Times count from Run.")).to_be_visible()
    expect(deletions).to_have_count(2)
    expect(deletions.first).not_to_have_attribute("x1", str(deletions.last.get_attribute("x1")))
