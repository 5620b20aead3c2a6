"""Hold points, a look inside and repeats, as a learner meets them: in Chromium, on a real engine."""

from __future__ import annotations

import re
from itertools import product
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_accessibility import violations
from tests.browser.test_examples import card, delete, delete_for_good, panel, press, run_until_running, steps

pytestmark = pytest.mark.browser

EXTRAS = ("holds", "shell", "repeat")
HOST_PATH = ("stopping-nginx", "host-path")


def hold_at(example: Locator, *points: str) -> None:
    """Tick these points, by their words."""
    example.get_by_text("Run step by step").click()
    for point in points:
        example.get_by_label(point).check()


def held(example: Locator) -> Locator:
    return example.locator(".held strong")


def proceed(example: Locator) -> None:
    press(example, "Continue")


def test_a_run_is_held_at_every_point_and_each_is_left_by_continue(page: Page) -> None:
    example = card(page, "what-hooks-are", "both-hooks")
    hold_at(example, "at every point")
    expect(example.locator("[data-hold-count]")).to_have_text("6")
    press(example, "Run")
    for point in ("before the container is started", "after the container’s start", "before postStart’s result is published"):
        expect(held(example)).to_have_text(f"Held: {point}")
        expect(example.locator(".status")).to_contain_text("ContainerCreating")
        proceed(example)
    expect(example.locator(".status")).to_contain_text("Running")
    expect(example).to_contain_text("The kubelet stops at 6 points. Now it works.")
    delete(example, "Graceful")
    for point in ("before preStop", "before the stop signal"):
        expect(held(example)).to_have_text(f"Held: {point}")
        proceed(example)
    expect(steps(example)).to_contain_text("The run is closed.")
    expect(example).to_contain_text("The kubelet was held in this run")
    expect(steps(example)).not_to_contain_text("SIGKILL (9) sent to PID 1")


def test_a_hook_goes_on_while_the_kubelet_is_held_and_the_grace_period_stands_still(page: Page) -> None:
    example = card(page, "what-hooks-are", "both-hooks")
    hold_at(example, "before the stop signal")
    run_until_running(example)
    delete(example, "Graceful")
    expect(held(example)).to_have_text("Held: before the stop signal")
    expect(example).to_contain_text("the process, and a hook that runs, go on")
    expect(panel(example, "Hook output")).to_contain_text("preStop")
    expect(example.locator(".lifelines")).to_contain_text("10.0 s are left until SIGKILL.")
    press(example, "Continue without further stops")
    expect(steps(example)).to_contain_text("The run is closed.")
    expect(example.locator(".lifelines")).to_contain_text("that time does not count")


def test_a_delete_ends_a_hold_and_the_choice_of_points_outlives_a_reload(page: Page) -> None:
    example = card(page, *HOST_PATH)
    hold_at(example, "after the container’s start")
    press(example, "Run")
    expect(held(example)).to_have_text("Held: after the container’s start")
    page.reload()
    expect(held(example)).to_have_text("Held: after the container’s start")
    expect(example.locator("[data-hold-count]")).to_have_text("1")
    delete_for_good(example)
    expect(steps(example)).to_contain_text("The delete ends the hold")


def test_a_command_shows_the_message_and_becomes_a_step(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    run_until_running(example)
    example.get_by_label("Command").fill("cat '/usr/share/message'")
    press(example, "Run in container")
    expect(example.locator(".executed pre")).to_have_text("Hello from the postStart handler\n")
    expect(steps(example)).to_contain_text("You ran cat /usr/share/message in the container: exit 0.")
    example.get_by_label("Command").fill("echo 'open")
    press(example, "Run in container")
    expect(example.locator("[data-extra=shell] .said")).to_have_text(re.compile("A quote is not closed."))
    example.get_by_label("Command").fill("no-such-program")
    press(example, "Run in container")
    expect(example.locator(".executed .chip")).to_have_text(re.compile("cannot be run|exit 12[67]"))
    delete_for_good(example)
    expect(example.locator("[data-extra=shell]")).to_contain_text("No container runs now.")


def test_the_message_stays_on_the_node_until_the_node_is_cleaned(page: Page) -> None:
    example = card(page, *HOST_PATH)
    run_until_running(example)
    node = example.locator(".node")
    node.get_by_text("Files of the cluster’s node").click()
    press(node, "Clean node")
    expect(node).to_contain_text("Pods are still on it. Delete them first.")
    delete_for_good(example, "Graceful")
    press(node, "Refresh")
    node.get_by_role("link", name="message").click()
    expect(node.locator("pre")).to_have_text(re.compile("Hello from the preStop Handler"))
    press(node, "Clean node")
    expect(node).to_contain_text("The node is clean")
    expect(node).to_contain_text("Empty.")


def test_a_repeat_shows_its_progress_its_distribution_and_survives_a_reload(page: Page) -> None:
    example = card(page, "post-start", "race")
    repeat = example.locator("[data-extra=repeat]")
    repeat.get_by_label("Runs", exact=True).fill("3")
    press(repeat, "Repeat")
    expect(repeat).to_contain_text("of 3 runs")
    expect(repeat).to_contain_text("3 of 3 runs", timeout=120_000)
    plot = repeat.get_by_role("img")
    expect(plot.locator("circle")).to_have_count(3)
    expect(plot).to_have_accessible_name(re.compile("ENTRYPOINT’s first log line → postStart starts"))
    expect(repeat).to_contain_text("It measures this engine on this host")
    repeat.get_by_label("Interval").select_option("delete-gone")
    expect(plot).to_have_accessible_name(re.compile("delete → Pod removed"))
    page.reload()
    expect(repeat).to_contain_text("3 of 3 runs")
    repeat.get_by_text("The runs").click()
    repeat.get_by_role("link", name="run 2").click()
    expect(page.locator("ol.steps")).to_contain_text("The run is closed.")


def test_a_repeat_is_cancelled(page: Page) -> None:
    example = card(page, "post-start", "race")
    repeat = example.locator("[data-extra=repeat]")
    repeat.get_by_label("Runs", exact=True).fill("30")
    press(repeat, "Repeat")
    press(repeat, "Cancel")
    expect(repeat).to_contain_text("cancelled")
    press(repeat, "Repeat")  # there is room for another at once
    press(repeat, "Cancel")
    expect(repeat).to_contain_text("cancelled")


def test_axe_finds_nothing_beside_a_held_run_with_a_repeat(page: Page) -> None:
    example = card(page, "post-start", "post-start-message")
    repeat = example.locator("[data-extra=repeat]")
    repeat.get_by_label("Runs", exact=True).fill("2")
    press(repeat, "Repeat")
    expect(repeat).to_contain_text("2 of 2 runs", timeout=120_000)
    hold_at(example, "before postStart’s result is published")
    press(example, "Run")
    expect(held(example)).to_be_visible()
    example.get_by_label("Command").fill("cat /usr/share/message /nothing")
    press(example, "Run in container")
    expect(example.locator(".executed .stderr")).to_be_visible()
    own_page = str(repeat.locator("form[action^='/repeats/']").get_attribute("action"))
    example_id = example.get_attribute("id")
    found: dict[str, list[str]] = {}
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for language, scheme in product(("en", "zh"), schemes):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto(f"/lessons/post-start?lang={language}")
        for folded in (".hold-points", ".node", ".repeat-result details"):
            example.locator(f"{folded} > summary").click()
        expect(example.locator(".node-view")).to_be_visible()
        expect(held(example)).to_be_visible()
        found[f"{language}, {scheme}"] = violations(page, *(f"#{example_id} [data-extra={name}]" for name in EXTRAS))
        for path in ("/node", own_page):
            page.goto(f"{path}?lang={language}")
            found[f"{path}, {language}, {scheme}"] = violations(page)
    page.goto("/lessons/post-start?lang=en")
    delete_for_good(example)
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_nothing_beside_a_run_makes_a_phone_scroll_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    example = card(page, *HOST_PATH)
    run_until_running(example)
    for folded in (".hold-points", ".node"):
        example.locator(f"{folded} > summary").click()
    example.get_by_label("Command").fill("cat /proc/self/status")
    press(example, "Run in container")
    expect(example.locator(".executed pre")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    delete_for_good(example)
