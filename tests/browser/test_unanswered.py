"""Actions that the lab never answered, because the browser gave up what was on its way: its network has changed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_examples import card, delete, delete_for_good, press, run_until_running, steps

pytestmark = pytest.mark.browser

UNANSWERED = "The lab did not answer. Check the connection and try again."


class Wire:
    """What lies between the page and the lab: the first ``times`` actions do not get through, or their answers do not."""

    def __init__(self, page: Page, *, times: int, arrives: bool = False) -> None:
        self.left = times
        self.arrives = arrives
        page.route("**/*", self._carry)

    def _carry(self, route: Route) -> None:
        if route.request.method != "POST" or not self.left or route.request.url.endswith("/review"):
            return route.fallback()
        self.left -= 1
        if self.arrives:
            route.fetch()
        return route.abort("internetdisconnected")


def test_run_and_delete_that_did_not_get_through_are_sent_again(page: Page) -> None:
    example = card(page, "what-hooks-are", "both-hooks")
    wire = Wire(page, times=1)
    run_until_running(example)
    wire.left = 1
    delete(example, "Force")
    expect(steps(example)).to_contain_text("The run is closed.")
    assert wire.left == 0
    expect(example.locator(".reply")).not_to_contain_text(UNANSWERED)


def test_a_command_whose_answer_was_lost_is_not_run_a_second_time(page: Page) -> None:
    example = card(page, "what-hooks-are", "both-hooks")
    run_until_running(example)
    wire = Wire(page, times=1, arrives=True)
    example.get_by_label("Command").fill("sh -c 'echo x >>/tmp/many; wc -l </tmp/many'")
    press(example, "Run in container")
    expect(example.locator(".executed pre")).to_have_text("1\n")
    assert wire.left == 0
    example.get_by_label("Command").fill("wc -l /tmp/many")
    press(example, "Run in container")
    expect(example.locator(".executed pre")).to_have_text("1 /tmp/many\n")
    delete_for_good(example)


def test_what_is_not_answered_twice_is_said_and_can_be_pressed_again(page: Page) -> None:
    example = card(page, "what-hooks-are", "both-hooks")
    Wire(page, times=2)
    press(example, "Run")
    expect(example.get_by_role("alert")).to_have_text(UNANSWERED)
    expect(example.get_by_role("alert")).to_be_visible()
    run_until_running(example)
    expect(example.get_by_text(UNANSWERED)).to_have_count(0)
    delete_for_good(example)
