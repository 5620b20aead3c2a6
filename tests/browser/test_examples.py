"""The source text's examples as a learner meets them: in Chromium, on a real engine."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MESSAGE = "Hello from the postStart handler"
LATE_MESSAGE = "Hello from the preStop Handler"


def card(page: Page, lesson: str, name: str) -> Locator:
    page.goto(f"/lessons/{lesson}")
    return page.locator(f"#{lesson}--{name}")


def press(card: Locator, name: str) -> None:
    card.get_by_role("button", name=name, exact=True).click()


def delete(card: Locator, item: str) -> None:
    press(card, "Delete")
    card.get_by_role("menuitem", name=item).click()


def steps(card: Locator) -> Locator:
    return card.get_by_role("list", name="Steps")


def panel(card: Locator, name: str) -> Locator:
    card.get_by_role("tab", name=name).click()
    return card.get_by_role("tabpanel", name=name)


def run_until_running(card: Locator) -> None:
    press(card, "Run")
    expect(card.locator(".status")).to_contain_text("Running")


def delete_for_good(card: Locator, item: str = "Force") -> None:
    delete(card, item)
    expect(steps(card)).to_contain_text("The run is closed.")


def test_example_1_writes_its_message_and_shows_its_events_in_order(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    run_until_running(example)
    expect(panel(example, "Files")).to_contain_text("/usr/share/message")
    expect(panel(example, "Files").locator("pre")).to_have_text(f"{MESSAGE}\n")
    expect(panel(example, "Events").locator("tbody b")).to_have_text(["Scheduled", "Pulling", "Pulled", "Created", "Started"])
    expect(panel(example, "Hook output")).to_contain_text("postStart")
    expect(panel(example, "Describe")).to_contain_text("Name:             hook-demo1")
    delete_for_good(example, "Graceful")
    expect(panel(example, "Signals")).to_contain_text("SIGQUIT 3")
    expect(panel(example, "Events").locator("tbody b").last).to_have_text("Killing")
    expect(panel(example, "Files").locator("pre")).to_have_text(f"{MESSAGE}\n")


def test_example_2_leaves_its_message_on_the_node_after_a_graceful_delete(page: Page) -> None:
    example = card(page, "stopping-nginx", "host-path")
    run_until_running(example)
    delete_for_good(example, "Graceful")
    expect(panel(example, "Files")).to_contain_text("/tmp/message")
    expect(panel(example, "Files")).to_contain_text(LATE_MESSAGE)
    expect(example.locator(".terminal")).to_contain_text('pod "hook-demo2" deleted from default namespace')


def test_a_forced_delete_removes_the_object_before_the_container_ends(page: Page) -> None:
    example = card(page, "stopping-nginx", "host-path")
    run_until_running(example)
    delete_for_good(example, "Force")
    expect(example.locator(".terminal")).to_contain_text("force deleted from default namespace")
    text = steps(example).inner_text()
    assert text.index("is removed") < text.index("exited with code")
    expect(panel(example, "Files")).to_contain_text(LATE_MESSAGE)


def test_a_grace_period_is_asked_for_and_used(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    run_until_running(example)
    delete(example, "Grace period…")
    seconds = example.get_by_role("spinbutton", name="Seconds")
    expect(seconds).to_be_focused()
    seconds.fill("7")
    seconds.press("Enter")
    expect(example.locator(".terminal")).to_contain_text("--grace-period=7")
    expect(steps(example)).to_contain_text("You deleted the pod. It has 7 s.")
    expect(steps(example)).to_contain_text("The run is closed.")


def test_run_on_a_live_run_shows_applys_answer_and_offers_a_fresh_one(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    run_until_running(example)
    press(example, "Run")
    expect(example.locator(".reply")).to_contain_text("The earlier run still lives")
    expect(example.locator(".terminal")).to_contain_text(re.compile("pod/hook-demo1 (unchanged|configured)"))
    address = example.locator("a.permalink").get_attribute("href")
    press(example, "Delete and run again")
    expect(example.locator("a.permalink")).not_to_have_attribute("href", address or "")
    expect(example.locator(".status")).to_contain_text("Running")
    delete_for_good(example)


def test_a_mistake_is_marked_at_its_line_and_kubectls_answer_is_shown(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    editor = example.get_by_role("textbox", name="post-start-message")
    editor.fill("apiVersion: v1\nkind: Pod\nmetadata:\n  name: demo\nspec:\n  containerz: []\n")
    marker = example.locator(".cm-gutter-lint .cm-gutterElement:has(.cm-lint-marker-error)")
    expect(marker.first).to_be_visible()
    press(example, "Run")
    expect(example.locator(".terminal")).to_contain_text('unknown field "spec.containerz"')
    expect(example.locator(".reply")).to_contain_text("Also found")
    expect(example.locator(".status")).to_contain_text("nothing was created")
    example.locator(".reply").get_by_role("button", name="line 6").first.click()
    expect(editor).to_be_focused()
    press(example, "Reset")
    expect(editor).to_contain_text("hook-demo1")


def test_the_difference_to_the_original_can_be_shown(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    original = example.locator("textarea").input_value()
    example.get_by_role("textbox", name="post-start-message").fill(original.replace("Hello", "Goodbye"))
    expect(example.get_by_text("1 line changed")).to_be_visible()
    press(example, "Diff")
    expect(example.locator(".cm-deletedChunk")).to_contain_text("Hello")
    page.reload()
    expect(example.get_by_text("1 line changed")).to_be_visible()


def test_what_kubectl_shows_hides_the_node_and_says_how_much(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    run_until_running(example)
    expect(panel(example, "Files")).to_contain_text(MESSAGE)
    hidden = steps(example).locator("[data-family=node]")
    press(example, "What kubectl shows")
    assert all(not row.is_visible() for row in hidden.all())
    expect(example.locator("[data-hidden-count]")).to_contain_text(str(hidden.count()))
    expect(steps(example)).to_contain_text("STATUS is now Running")
    press(example, "Truth")
    expect(hidden.first).to_be_visible()
    delete_for_good(example)
