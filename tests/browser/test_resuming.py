"""Nothing is lost and nothing is doubled, whatever happens to page and connection."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.serving import Relay
from tests.served_lab import ServedLab

pytestmark = pytest.mark.browser

CARD = "#post-start--post-start-message"


def step_ids(card: Locator) -> list[int]:
    ids = card.locator("ol.steps > li").evaluate_all("rows => rows.map(row => row.id)")
    return [int(step.removeprefix("step-")) for step in ids]


def run_until_running(card: Locator) -> None:
    card.get_by_role("button", name="Run", exact=True).click()
    expect(card.locator(".status")).to_contain_text("Running")
    expect(card.get_by_role("tabpanel", name="Files")).to_contain_text("Hello from the postStart handler")


def delete_for_good(card: Locator) -> None:
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("menuitem", name="Graceful").click()
    expect(card.locator("ol.steps")).to_contain_text("The run is closed.")


def steps_without_script(browser: Browser, address: str) -> list[int]:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(address)
    found = step_ids(page.locator("[data-card]"))
    context.close()
    return found


def test_a_reload_in_the_middle_of_a_run_goes_on_where_it_was(browser: Browser, page: Page, lab_address: str) -> None:
    page.goto("/lessons/post-start")
    card = page.locator(CARD)
    run_until_running(card)
    page.reload()
    expect(card.locator(".status")).to_contain_text("Running")
    delete_for_good(card)
    address = lab_address + str(card.locator("a.permalink").get_attribute("href"))
    assert step_ids(card) == steps_without_script(browser, address)


def test_a_cut_connection_loses_and_doubles_nothing(browser: Browser, relay: Relay, lab_address: str) -> None:
    context = browser.new_context(base_url=relay.address, locale="en-US", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/lessons/post-start")
    card = page.locator(CARD)
    run_until_running(card)
    relay.cut()
    expect(page.locator("html[data-offline]")).to_have_count(1)
    expect(page.locator("#connection")).to_have_text("Connection lost. Trying again…")
    other = context.new_page()  # the same learner deletes the pod from elsewhere meanwhile
    other.goto(f"{lab_address}/lessons/post-start")
    delete_for_good(other.locator(CARD))
    relay.mend()
    expect(card.locator("ol.steps")).to_contain_text("The run is closed.")
    assert step_ids(card) == step_ids(other.locator(CARD))
    expect(page.locator("html[data-offline]")).to_have_count(0)
    expect(page.locator("#connection")).to_be_empty()
    context.close()


def test_a_page_says_that_the_lab_has_stopped(browser: Browser, tmp_path: Path) -> None:
    lab = ServedLab(tmp_path, LAB_DOCKER_HOST="unix:///nonexistent/docker.sock")
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    with page.expect_response("**/stream*"):
        page.goto(f"{lab.address}/lessons/post-start")
    assert lab.stop() == 0
    expect(page.locator("#connection")).to_contain_text("The lab is stopping or starting again.")
    context.close()


def test_the_learners_place_survives_what_arrives(page: Page) -> None:
    page.goto("/lessons/post-start")
    card = page.locator(CARD)
    run_until_running(card)
    row = card.locator("ol.steps > li", has_text="It does not run yet")
    row.locator("summary").click()
    card.get_by_role("button", name="Follow live").click()
    card.get_by_role("tab", name="Describe").click()
    text = card.locator("[data-text=describe]")
    text.focus()
    panel = card.get_by_role("tabpanel", name="Describe")
    text.evaluate("element => (element.mine = true)")
    panel.evaluate("element => (element.scrollTop = 120)")
    delete_for_good(card)
    expect(row.locator("details")).to_have_attribute("open", "")
    expect(card.get_by_role("tab", name="Describe")).to_have_attribute("aria-selected", "true")
    expect(text).to_contain_text("Killing")
    assert text.evaluate("element => element.mine")
    assert panel.evaluate("element => element.scrollTop") == 120


def test_a_page_has_one_stream_however_many_examples_stand_on_it(page: Page) -> None:
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if "/stream" in request.url else None)
    page.goto("/lessons/post-start")
    expect(page.locator("[data-card]")).to_have_count(3)
    run_until_running(page.locator(CARD))
    assert len(streams) == 1
    delete_for_good(page.locator(CARD))
    assert len(streams) == 1


def test_a_page_that_may_not_follow_now_says_so_until_it_may(page: Page) -> None:
    words = "As many pages follow the lab as it can serve."
    body = f'retry: 8000\n\nevent: full\ndata: "{words}"\n\n'
    page.route("**/lessons/post-start/stream*", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    page.goto("/lessons/post-start")
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
    page.unroute("**/lessons/post-start/stream*")
    expect(page.get_by_role("status").filter(has_text=words)).to_have_count(0, timeout=15_000)
