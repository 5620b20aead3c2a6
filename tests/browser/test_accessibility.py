"""axe-core finds nothing on any page, in both languages and both colour schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stories import EXAMPLE_2, HOOK_HANGS, Stories

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "static" / "node_modules" / "axe-core" / "axe.min.js"
Rules = list[str] | dict[str, str | list[str]]  # tags, or axe's own form
RULES: Rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS: Rules = {"type": "rule", "values": ["color-contrast"]}
PAGES = [
    "/",
    *(f"/lessons/{slug}" for slug in ("what-hooks-are", "graceful-deletion", "incidents")),
    *(f"/{name}" for name in ("challenges", "reference", "glossary", "search", "progress", "own", "open", "compare", "nothing")),
    "/challenges/incidents/wrapper",
    "/copy-out/what-hooks-are/both-hooks",
    "/embed/what-hooks-are/both-hooks",
]


def violations(page: Page, *within: str, rules: Rules = RULES) -> list[str]:
    """Return what axe finds on the page as it is now, or in the places of these selectors: rule, element and what is wrong."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        """async ([rules, within]) => {
          await document.fonts.ready
          const places = within.length ? { include: within.map((place) => [place]) } : document
          return (await axe.run(places, { runOnly: rules, resultTypes: ['violations'] })).violations
        }""",
        [rules, list(within)],
    )
    return [f"{rule['id']}: {node['html'][:160]} — {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def violations_in_both_schemes(page: Page) -> list[str]:
    """Return what axe finds by day, and what is too faint by night: nothing else depends on colours."""
    page.emulate_media(color_scheme="light")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in violations(page, rules=COLOURS)]
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing(browser: Browser, stories: Stories, language: str) -> None:
    context = browser.new_context(base_url=stories.address, reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for path in PAGES:
        page.goto(f"{path}?lang={language}")
        found[path] = violations_in_both_schemes(page)
    for story in (EXAMPLE_2, HOOK_HANGS):
        page.goto(f"{stories.path(story)}?lang={language}")
        card = page.locator("[data-card]")
        expect(card.locator("[data-plot] .cursor")).to_be_attached()
        for tab in card.get_by_role("tab").all():
            tab.click()
            found[f"{story.example}, {tab.get_attribute('id')}"] = violations_in_both_schemes(page)
        card.locator("ol.steps > li").nth(12).locator("summary").click()
        found[f"{story.example}, at a step"] = violations_in_both_schemes(page)
        card.locator("[data-view-choice=cluster]").click()
        found[f"{story.example}, cluster view"] = violations_in_both_schemes(page)
    context.close()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}
